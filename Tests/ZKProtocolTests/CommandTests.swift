import Testing
import Transport

@testable import ZKProtocol
@testable import zk_simulator

/// The commands that ask and control, between our client and the simulator.
@Suite struct CommandTests {
    @Test func `settings are read, written and refused`() async throws {
        try await withSimulator(Device.made(users: 2, records: 3)) { simulator, loop in
            try await withClient(simulator, loop) { client in
                #expect(try await client.option("Language") == "69")
                #expect(try await client.option("NoSuchThing") == nil)
                try await client.setOption("IdleMinute", "15")
                #expect(try await client.option("IdleMinute") == "15")
                #expect(simulator.device.settings["IdleMinute"] == "15")
                for (name, value) in [
                    ("", "1"), ("A=B", "1"), (String(repeating: "n", count: 65), "1"),
                    ("A", String(repeating: "v", count: 257)), ("A", "1\n"), ("A\0", "1"),
                ] {
                    let error = await #expect(throws: ZKError.self) {
                        try await client.setOption(name, value)
                    }
                    #expect(error?.code == .unfit)
                }
                #expect(try await client.pinWidth() == 9)
                #expect(try await client.state() == .waiting)
                #expect(try await client.isDoorOpen() == false)
                #expect(try await client.firmware() == simulator.device.model.firmware)
            }
        }
    }

    @Test(arguments: [UnlockUnit.seconds, .tenths])
    func `the door opens for as long as was said, whatever the firmware counts`(
        unit: UnlockUnit
    ) async throws {
        let device = try Device.made(users: 1, records: 0) {
            $0.unlockCountsTenths = unit == .tenths
        }
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                try await client.unlock(seconds: 7, unit: unit)
            }
            #expect(simulator.device.memory.unlockedUntil == Now.test.trueTime + 7000)
        }
    }

    @Test func `display, voice and clock do what they are told`() async throws {
        try await withSimulator(Device.made(users: 1, records: 0)) { simulator, loop in
            try await withClient(simulator, loop) { client in
                try await client.writeLCD(line: 1, "Hello")
                try await client.writeLCD(line: -1, "Zoë")
                #expect(simulator.device.memory.display == [1: "Hello", -1: "Zoë"])
                try await client.clearLCD()
                #expect(simulator.device.memory.display.isEmpty)
                try await client.playVoice(10)
                #expect(simulator.device.memory.voices == [10])
                try await client.showClockColon(false)
                #expect(!simulator.device.memory.showsColon)
                try await client.showClockColon(true)
                #expect(simulator.device.memory.showsColon)
            }
        }
    }

    @Test(arguments: [true, false])
    func `a restart is a success with and without an answer`(answers: Bool) async throws {
        let device = try Device.made(users: 1, records: 0) { $0.answersRestart = answers }
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                try await client.restart()
                let error = await #expect(throws: ZKError.self) { try await client.time() }
                #expect(error?.code == .closed)
            }
            #expect(simulator.device.memory.restarts == 1)
            try await withClient(simulator, loop) { client in
                #expect(try await client.operations().map(\.code) == [.powerOn])
                try await client.powerOff()
            }
            #expect(simulator.device.memory.isOff)
        }
    }

    @Test func `groups and time zones come back as they were written`() async throws {
        try await withSimulator(Device.made(users: 3, records: 0)) { simulator, loop in
            try await withClient(simulator, loop) { client in
                #expect(try await client.group(ofUser: 2) == 1)
                try await client.setGroup(5, ofUser: 2)
                #expect(try await client.group(ofUser: 2) == 5)
                let own = UserAccess(hasOwnZones: true, zones: [7, 8, 9])
                try await client.setAccess(own, ofUser: 3)
                #expect(try await client.access(ofUser: 3) == own)
                #expect(try await client.access(ofUser: 1).hasOwnZones == false)
                let group = GroupAccess(
                    group: 4, zones: [1, 2, 3], opensOnHolidays: true, style: 14)
                try await client.setAccess(group)
                #expect(try await client.access(ofGroup: 4) == group)
                let day = AccessHours.Day(fromHour: 8, fromMinute: 30, toHour: 17, toMinute: 0)
                let hours = AccessHours(index: 12, days: Array(repeating: day, count: 7))
                try await client.setHours(hours)
                #expect(try await client.hours(ofZone: 12) == hours)
                let combination = UnlockCombination(number: 7, groups: [1, 2, 0, 0, 0])
                try await client.setCombination(combination)
                #expect(try await client.combination(7) == combination)
                #expect(try await client.verifyStyle(ofUser: 1) == .ofGroup)
                try await client.setVerifyStyle(VerifyStyle(rawValue: 141), ofUser: 1)
                #expect(try await client.verifyStyle(ofUser: 1).rawValue == 141)
                for uid in [UInt16(0), 99] {
                    let error = await #expect(throws: ZKError.self) {
                        try await client.setGroup(1, ofUser: uid)
                    }
                    #expect(error?.code == .refused)
                }
            }
        }
    }

    @Test func `clearing the log is verified by the device's counter`() async throws {
        for clears in [true, false] {
            let device = try Device.made(users: 5, records: 40) { $0.clearsLog = clears }
            try await withSimulator(device) { simulator, loop in
                try await withClient(simulator, loop) { client in
                    if clears {
                        let after = try await client.clearAttendance()
                        #expect(after.records == 0)
                        #expect(try await client.attendance().log.isEmpty)
                    } else {
                        let error = await #expect(throws: ZKError.self) {
                            try await client.clearAttendance()
                        }
                        #expect(error?.code == .incomplete)
                        #expect(error?.cause.contains("40 records") == true)
                    }
                }
                #expect(simulator.device.log.count == (clears ? 0 : 40))
            }
        }
    }

    @Test func `the operation log tells what clients did`() async throws {
        try await withSimulator(Device.made(users: 5, records: 40)) { simulator, loop in
            try await withClient(simulator, loop) { client in
                #expect(try await client.operations().isEmpty)
                try await client.setTime(try time("2031-01-01T00:00:00"))
                try await client.deleteUser(uid: 3)
                try await client.unlock(seconds: 1)
                let operations = try await client.operations()
                #expect(operations.map(\.code) == [.timeSet, .userDeleted, .unlocked])
                #expect(operations[1].values == [3, 0, 0, 0])
                #expect(operations[0].time == (try time("2031-01-01T00:00:00")))
                try await client.clearOperations()
                #expect(try await client.operations().isEmpty)
            }
        }
    }

    @Test func `rows of a time range are read where the firmware knows the command`() async throws {
        let device = try Device.made(users: 20, records: 3000)
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                let from = device.log[1000].time
                let to = device.log[1999].time
                let expected = device.log.filter { from <= $0.time && $0.time <= to }
                let rows = try await client.attendance(from: from, to: to)
                #expect(Array(rows) == expected)
                #expect(rows.count >= 1000)
            }
        }
    }

    @Test(arguments: [DeviceModel.BulkReads.direct, .buffered])
    func `a device without buffers is read by the commands themselves`(
        reads: DeviceModel.BulkReads
    ) async throws {
        var device = try Device.made(users: 30, records: 700) { $0.bulkReads = reads }
        for finger in UInt8(0)..<3 {
            let place = FingerPlace(uid: 2, finger: finger)
            _ = device.store(Device.inventTemplate(at: place, flag: 1))
        }
        let made = device
        #expect(made.templates.count == 3)
        try await withSimulator(made) { simulator, loop in
            try await withClient(simulator, loop) { client in
                let users = try await client.users()
                #expect(users.map(\.userID) == made.users.map(\.userID))
                #expect(Array(try await client.attendance().log) == made.log)
                #expect(try await client.templates() == made.templates)
            }
        }
    }

    @Test func `a push terminal's refusal names its device type`() async throws {
        var device = Device(model: DeviceProfile.push.model)
        device.clock = DeviceClock()
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                // It counts none although it has some, so it is asked anyway.
                let error = await #expect(throws: ZKError.self) {
                    try await client.attendance(evenIfNone: true)
                }
                #expect(error?.code == .refused)
                #expect(error?.cause.contains("A&C PUSH") == true)
            }
        }
    }

    @Test func `a log that the counter denies is read when it is asked for`() async throws {
        let device = try Device.made(users: 9, records: 300) { $0.countsRecords = false }
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                #expect(try await client.attendance().log.isEmpty)
                let read = try await client.attendance(evenIfNone: true)
                #expect(Array(read.log) == device.log)
            }
        }
    }

    @Test(arguments: FreeSizes.lengths)
    func `a device is read whatever it tells of its counters`(length: Int) async throws {
        let device = try Device.made(users: 9, records: 300) { $0.sizesBytes = length }
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                #expect(try await client.users().count == 9)
                let read = try await client.attendance()
                #expect(Array(read.log) == device.log)
                #expect((read.completeness == .proved) == (length > 4))
            }
        }
    }

    @Test(arguments: DeviceProfile.allCases.filter { $0 != .push })
    func `every kind of terminal is read completely`(profile: DeviceProfile) async throws {
        var model = profile.model
        // This test has no datagrams.
        model.transports = [.tcp, .udp]
        let population = Population(seed: 3, users: 40)
        let log = try #require(population.log(records: 900, lastDay: 20_453))
        let device = Device(model: model, users: population.users, log: log)
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                let users = try await client.users()
                #expect(users.map(\.userID) == device.users.map(\.userID))
                #expect(users.map(\.uid) == device.users.map(\.uid))
                let read = try await client.attendance()
                #expect(read.log.layout == model.recordLayout)
                #expect(read.log.map(\.time) == log.map(\.time))
                #expect(read.log.map(\.index) == log.map(\.index))
                #expect(read.log.map(\.state) == log.map(\.state))
                try await client.listen(to: .attendance)
                _ = simulator.punch("1007", state: 1, verify: 1)
                let event = try await client.nextEvent(timeout: .seconds(30))
                guard case .punch(let punch) = event else {
                    Issue.record("\(String(describing: event)) is no punch")
                    return
                }
                #expect(punch.userID == "1007" || punch.index == 7)
                #expect(punch.state == 1)
            }
        }
    }
}
