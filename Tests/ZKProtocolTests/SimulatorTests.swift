import Foundation
import TestSupport
import Testing
import Transport

@testable import ZKProtocol
@testable import zk_simulator

@Suite struct PopulationTests {
    @Test func `the same seed makes the same bytes, and another seed others`() throws {
        func bytes(_ seed: UInt64) throws -> [UInt8] {
            let device = try Device.made(seed: seed, users: 40, records: 3000)
            let users = device.users.compactMap { $0.encoded(.bytes72) }.flatMap(\.self)
            return users + AttendanceLog.encode(device.log, .text(stride: 40))
        }
        #expect(try bytes(1) == bytes(1))
        #expect(try bytes(1) != bytes(2))
    }

    @Test func `a log has the records asked for, in order and none twice`() throws {
        let log = try Device.made(users: 200, records: 20_000).log
        #expect(log.count == 20_000)
        #expect(zip(log, log.dropFirst()).allSatisfy { $0.time <= $1.time })
        let keys = Set(log.map { "\($0.userID) \($0.time) \($0.state)" })
        #expect(keys.count == log.count)
        #expect(log.allSatisfy { $0.time.isRealDate })
    }

    @Test func `people come late, forget to punch, and take days off`() throws {
        let population = Population(seed: 3, users: 100)
        let log = population.log(days: 28, lastDay: 20_453)
        let ins = log.filter { $0.state == 0 }
        let outs = log.filter { $0.state == 1 }
        // 20 working days of 100 people, less the absent; some press no key and are always in.
        #expect(1800...3200 ~= ins.count)
        #expect(900...2000 ~= outs.count)
        #expect(ins.count != outs.count)
        let late = ins.count { (9 * 60 + 10)...(9 * 60 + 50) ~= $0.time.hour * 60 + $0.time.minute }
        #expect(late > 20)
        #expect(Set(log.map(\.verify)).count > 2)
    }

    @Test func `a log that the people cannot make is refused`() {
        #expect(Population(seed: 1, users: 1).log(records: 100_000, lastDay: 20_453) == nil)
        #expect(Population(seed: 1, users: 0).log(days: 9000, lastDay: 20_453).isEmpty)
    }
}

@Suite struct DeviceTests {
    @Test func `the same punch in the same second is taken once`() throws {
        var device = try Device.made(users: 2, records: 0)
        func punch(_ user: String, _ state: UInt8) -> Bool {
            device.punch(user, state: state, verify: 1, .test) != nil
        }
        #expect(punch("1001", 0))
        #expect(!punch("1001", 0))
        #expect(punch("1001", 1))
        #expect(punch("1002", 0))
        #expect(!punch("7", 0))
        device.disable(forSeconds: nil, .test)
        #expect(!punch("1002", 1))
        #expect(device.log.count == 3)
    }

    @Test func `a device that is disabled for a time takes punches after it`() throws {
        var device = try Device.made(users: 2, records: 0)
        device.disable(forSeconds: 60, .test)
        func punch(after seconds: Int64) -> Bool {
            let then = Now(
                trueTime: Now.test.trueTime + seconds * 1000,
                placeTime: Now.test.placeTime + seconds * 1000)
            return device.punch("1001", state: 0, verify: 1, then) != nil
        }
        #expect(!punch(after: 59))
        #expect(!device.isEnabled)
        #expect(punch(after: 60))
        #expect(device.isEnabled)
    }

    @Test func `a full device takes no punch`() throws {
        var device = try Device.made(users: 2, records: 5) { $0.recordCapacity = 6 }
        let first = device.punch("1001", state: 0, verify: 1, .test)
        let second = device.punch("1002", state: 0, verify: 1, .test)
        #expect(first != nil)
        #expect(second == nil)
    }

    @Test func `the clock drifts, and can be set`() throws {
        var clock = DeviceClock(
            aheadMilliseconds: 60_000, driftPPM: 100, trueTime: Now.test.trueTime)
        let later = Now.test.trueTime + 100_000_000
        #expect(
            clock.wallTime(trueTime: Now.test.trueTime, placeTime: Now.test.placeTime)
                == (try time("2026-03-02T08:01:00")))
        #expect(
            clock.wallTime(trueTime: later, placeTime: later)
                == (try time("2026-03-03T11:47:50")))
        let set = try time("2026-03-03T12:00:00")
        let isSet = clock.set(set, trueTime: later, placeTime: later)
        #expect(isSet)
        #expect(clock.wallTime(trueTime: later, placeTime: later) == set)
        let isNoDate = clock.set(
            try time("2026-02-31T12:00:00"), trueTime: later, placeTime: later)
        #expect(!isNoDate)
    }

    @Test func `the memory survives in its file, with what changed since`() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("state")
        #expect(try StateFile.load(path) == nil)
        var device = try Device.made(users: 20, records: 100)
        let file = try StateFile(path, users: device.users, log: device.log)
        device.gathersChanges = true
        _ = device.punch("1003", state: 4, verify: 25, .test)
        _ = device.deleteUser(uid: 5)
        _ = device.write(DeviceUser(uid: 77, userID: "a7", name: "Zoë\tB"))
        file.append(device.takeChanges())
        func expectKept() throws {
            let kept = try #require(try StateFile.load(path))
            #expect(kept.users == device.users)
            #expect(kept.log == device.log)
        }
        try expectKept()
        // A line that a crash cut short is as if it had not begun.
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("P\t0102".utf8))
        try handle.close()
        try expectKept()
        try Data("X\t\nnonsense\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: StateFile.Failure.self) { try StateFile.load(path) }
    }
}

@Suite struct SessionTests {
    @Test func `nothing is answered without a session, nor without the comm key`() throws {
        var device = try Device.made(users: 1, records: 1) { $0.commKey = 5 }
        var session = Session(number: 9)
        func ask(_ command: Command, session number: UInt16 = 9, _ data: [UInt8] = []) -> Command? {
            session.handle(
                Packet(command, session: number, reply: 1, data: data), &device, .test
            ).packets.first?.command
        }
        #expect(ask(.getTime) == .notInitialised)
        #expect(ask(.connect, session: 0) == .unauthenticated)
        #expect(ask(.getTime, session: 8) == .notInitialised)
        #expect(ask(.getTime) == .unauthenticated)
        #expect(ask(.prepareBuffer, BulkSelector.attendance.encoded()) == .unauthenticated)
        #expect(ask(.authenticate, CommKey.scramble(6, session: 9)) == .unauthenticated)
        #expect(ask(.authenticate, CommKey.scramble(5, session: 9)) == .ok)
        #expect(ask(.getTime) == .ok)
    }

    @Test func `plain answers carry no data, and a slice is one packet`() throws {
        var device = try Device.made(users: 3, records: 3000)
        var session = Session(number: 1)
        func ask(_ command: Command, _ data: [UInt8] = []) -> [Packet] {
            session.handle(
                Packet(command, session: 1, reply: 4, data: data), &device, .test
            ).packets
        }
        for command in [
            Command.connect, .enable, .disable, .event, .cancelCapture, .startVerify, .refreshData,
            .freeData, .unlock, .testVoice, .error, .unknown,
        ] {
            let answers = ask(command, command == .event ? [1, 0, 0, 0] : [])
            #expect(answers == [Packet(.ok, session: 1, reply: 4)], "\(command)")
        }
        #expect(ask(.pinWidth).first?.data.count == 1)
        _ = ask(.prepareBuffer, BulkSelector.attendance.encoded())
        let slice = ask(.readBuffer, BufferSlice(start: 65_472, count: 54_532).encoded())
        #expect(slice.map(\.command) == [.prepareData, .data, .ok])
        #expect(slice.allSatisfy { $0.reply == 4 })
        #expect(slice[1].data.count == 54_532)
    }

    @Test func `slices outside the buffer are refused`() throws {
        var device = try Device.made(users: 3, records: 300)
        var session = Session(number: 1)
        func ask(_ command: Command, _ data: [UInt8] = []) -> Command? {
            session.handle(
                Packet(command, session: 1, reply: 4, data: data), &device, .test
            ).packets.first?.command
        }
        _ = ask(.connect)
        _ = ask(.prepareBuffer, BulkSelector.attendance.encoded())
        for (start, count) in [(0, 12_005), (12_004, 1), (12_005, 0), (1, 0x7FFF_FFFF)] {
            let slice = BufferSlice(start: start, count: count)
            #expect(ask(.readBuffer, slice.encoded()) == .error)
        }
        #expect(ask(.readBuffer, [UInt8](repeating: 0xFF, count: 8)) == .error)
        #expect(ask(.readBuffer, BufferSlice(start: 12_004, count: 0).encoded()) == .prepareData)
    }

    @Test func `requests of every kind and length are answered`() throws {
        var generator = SeededGenerator(seed: 11)
        var device = try Device.made(users: 5, records: 50)
        var session = Session(number: 1)
        _ = session.handle(Packet(.connect, session: 0, reply: 0), &device, .test)
        for command in Array(0...130) + Array(190...210) + Array(495...505) + Array(995...1110)
            + Array(1495...1510) + Array(1995...2010) + Array(65_525...65_535)
        {
            for _ in 0..<40 {
                let data = (0..<generator.below(80)).map { _ in UInt8(generator.below(256)) }
                let packet = Packet(
                    Command(rawValue: UInt16(command)), session: 1, reply: 7, data: data)
                let reaction = session.handle(packet, &device, .test)
                #expect(!reaction.packets.isEmpty)
                #expect(reaction.packets.allSatisfy { $0.reply == 7 })
            }
        }
    }

    @Test func `random bytes end their connection and no other`() async throws {
        try await withSimulator(Device.made(users: 5, records: 50)) { simulator, loop in
            try await withClient(simulator, loop) { client in
                var generator = SeededGenerator(seed: 5)
                for round in 0..<200 {
                    let stream = try await ByteStream.connect(
                        to: simulator.address, on: loop, timeout: .seconds(60))
                    var bytes = (0..<1 + generator.below(200)).map { _ in
                        UInt8(generator.below(256))
                    }
                    if round % 2 == 0 {
                        bytes = Packet(.connect, session: 0, reply: 0).frame()
                        bytes[generator.below(bytes.count)] ^= 0x10
                    }
                    try await stream.write(bytes)
                    stream.close()
                    if round % 50 == 0 {
                        let read = try await client.attendance()
                        #expect(read.log.count == 50)
                    }
                }
            }
        }
    }
}
