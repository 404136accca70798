import ServiceKit
import Testing
import Transport
import ZKProtocol

@testable import zk_simulator

@Suite struct FaultTests {
    @Test(arguments: Fault.Kind.allCases)
    func `a fault is read as it is written`(kind: Fault.Kind) throws {
        for phase in Fault.Phase.allCases.map(Optional.some) + [nil] {
            for (value, skip, times) in [(nil, 0, nil), (7, 0, 1), (-3, 12, nil), (0, 1, 40)]
                as [(Int?, Int, Int?)]
            {
                let fault = Fault(kind, value: value, phase: phase, skip: skip, times: times)
                #expect(try Fault("\(fault)") == fault)
            }
        }
    }

    @Test(
        arguments: [
            ("", "no known kind"), ("fire", "no known kind"), ("cut@roof", "phase `roof`"),
            ("cut=", "no number behind `=`"), ("cut=a", "no number behind `=`"),
            ("cut+", "no number behind `+`"), ("lose=99999999999", "no number behind `=`"),
            ("cut@log x2", "phase `log `"),
        ])
    func `a fault that is none is refused by its mistake`(text: String, part: String) throws {
        let error = #expect(throws: UsageError.self) { try Fault(text) }
        #expect(error?.message.contains(part) == true)
    }

    @Test func `a fault strikes in its phase, after its skips, so many times`() {
        var engine = FaultEngine(seed: 1)
        engine.add(Fault(.cut, phase: .log, skip: 2, times: 3))
        func strikes(_ kind: Fault.Kind, _ phase: Fault.Phase) -> Bool {
            engine.strike([kind], phase) != nil
        }
        #expect(!strikes(.cut, .users))
        #expect(!strikes(.reset, .log))
        #expect([strikes(.cut, .log), strikes(.cut, .log)] == [false, false])
        #expect((0..<3).map { _ in strikes(.cut, .log) } == [true, true, true])
        #expect(!strikes(.cut, .log))
        #expect(engine.strikes == 3)
        engine.clear()
        #expect(engine.faults.isEmpty)
    }

    @Test func `the share of unlucky datagrams is about what was asked for`() {
        var engine = FaultEngine(seed: 9)
        engine.add(Fault(.lose, value: 30, phase: .log))
        let lost = (0..<10_000).count { _ in engine.isUnlucky(.lose, .log) }
        #expect(2700...3300 ~= lost)
        #expect(!(0..<1000).contains { _ in engine.isUnlucky(.lose, .users) })
    }

    @Test(
        arguments: [
            ("x fault cut", "SECONDS and a command"), ("5", "SECONDS and a command"),
            ("5 clear\n4 clear", "before the line above"), ("1 fault fire", "no known kind"),
            ("0 repeat", "never rest"), ("1 repeat\n2 clear", "behind `repeat`"),
            ("-1 clear", "SECONDS and a command"),
        ])
    func `a scenario that makes no sense is refused`(text: String, part: String) throws {
        let error = #expect(throws: UsageError.self) { try Scenario(text, "s") }
        #expect(error?.message.contains(part) == true)
    }

    @Test func `a scenario changes a device while it is read`() async throws {
        let device = try Device.made(users: 3, records: 30)
        let scenario = try Scenario(
            """
            # The log is cut once, then somebody punches.
            0 fault cut=30@logx1
            0.02 punch 1001 1   # with a comment
            """, "s")
        try await withSimulator(device) { simulator, loop in
            await scenario.run(Console([simulator], rate: LiveRate(0), dumpFile: nil), on: loop)
            #expect(simulator.device.log.count == 31)
            let options = ZKClient.Options.test
            let error = await #expect(throws: ZKError.self) {
                try await withClient(simulator, loop, options: options) { client in
                    try await client.attendance().log.count
                }
            }
            #expect(error?.code == .closed)
            try await withClient(simulator, loop) { client in
                let read = try await client.attendance()
                #expect(read.log.count == 31)
            }
        }
    }
}

@Suite struct FleetTests {
    @Test func `a derived history has the rows that it says, one later than the other`() throws {
        let users = Population(seed: 3, users: 12).users
        let history = DerivedHistory(seed: 8, count: 5000, users: users, lastDay: 20_453)
        let rows = (0..<history.count).map { history[$0] }
        #expect(zip(rows, rows.dropFirst()).allSatisfy { $0.time < $1.time })
        #expect(rows.allSatisfy { $0.time.isRealDate && !$0.userID.isEmpty })
        #expect(Set(rows.map(\.userID)).count == 12)
        let again = DerivedHistory(seed: 8, count: 5000, users: users, lastDay: 20_453)
        #expect((0..<5000).allSatisfy { again[$0] == rows[$0] })
        #expect(DerivedHistory(seed: 8, count: 5, users: [], lastDay: 20_453).count == 0)
    }

    @Test func `a derived log is read whole, with what is punched behind it`() async throws {
        let users = Population(seed: 3, users: 12).users
        let history = DerivedHistory(seed: 8, count: 3000, users: users, lastDay: 20_453)
        let device = Device(model: DeviceModel(), users: users, history: history)
        try await withSimulator(device) { simulator, loop in
            for user in users.prefix(4) {
                _ = try #require(simulator.punch(user.userID, state: 1, verify: 1))
            }
            try await withClient(simulator, loop) { client in
                let read = try await client.attendance()
                #expect(read.completeness == .proved)
                #expect(Array(read.log) == Array(simulator.device.rows))
                #expect(read.log.count == 3004)
            }
        }
    }

    @Test func `each device of a fleet is spoken to by its number`() throws {
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        var address = try SocketAddress(host: "127.9.0.254", port: 0)
        var simulators: [Simulator] = []
        for number in 0..<3 {
            let device = try Device.made(seed: UInt64(number), users: 2, records: number + 1)
            simulators.append(try Simulator(device, at: address, on: loop, now: { .test }))
            address = try address.next()
        }
        #expect(simulators.map(\.address.host) == ["127.9.0.254", "127.9.0.255", "127.9.1.0"])
        let console = Console(simulators, rate: LiveRate(0), dumpFile: nil)
        #expect(console.answer(["count"]) == "COUNT 6")
        #expect(console.answer(["@2", "count"]) == "COUNT 3")
        #expect(console.answer(["@3", "count"]).hasPrefix("ERROR"))
        #expect(console.answer(["@1", "fault", "deaf"]) == "FAULT deaf")
        #expect(console.answer(["@1", "punch", "1001", "0"]).hasPrefix("PUNCHED"))
        #expect(simulators.map(\.device.rowCount) == [1, 3, 3])
        let dump = console.answer(["dump"]).split(separator: "\n")
        #expect(dump.count == 8 && dump.last == "END 7")
        #expect(dump.dropLast().allSatisfy { $0.hasPrefix("CEXA") })
        #expect(console.answer(["clear"]) == "CLEARED")
        #expect(console.answer(["sing"]).hasPrefix("ERROR"))
    }
}
