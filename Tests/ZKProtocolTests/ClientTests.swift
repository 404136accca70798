import Testing
import Transport
import ZKProtocol

@testable import zk_simulator

@Suite struct ClientTests {
    @Test(arguments: [UserLayout.bytes28, .bytes72], [8, 16, 36, 40, 49])
    func `users and the log arrive as they are on the device`(
        users: UserLayout, stride: Int
    ) async throws {
        let layout = try #require(AttendanceLayout(stride: stride))
        for (people, records) in [(3, 10), (60, 700), (1200, 8000)] {
            let device = try Device.made(users: people, records: records) {
                $0.userLayout = users
                $0.recordLayout = layout
            }
            try await withSimulator(device) { simulator, loop in
                try await withClient(simulator, loop) { client in
                    let read = try await client.attendance()
                    #expect(read.log.layout == layout)
                    #expect(read.before.records == records)
                    #expect(read.completeness == .proved)
                    let expected = device.log.map { record in
                        var row = device.asRow(record)
                        if stride == 16 { row.index = 0 }
                        return row
                    }
                    #expect(Array(read.log) == expected)
                    let found = try await client.users()
                    #expect(found.map(\.userID) == device.users.map(\.userID))
                    #expect(found.map(\.uid) == device.users.map(\.uid))
                    if users == .bytes72 { #expect(found == device.users) }
                }
            }
        }
    }

    @Test func `a device tells who it is`() async throws {
        let device = try Device.made(users: 3, records: 0)
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                let identity = try await client.identity()
                #expect(identity.serial == device.model.serial)
                #expect(identity.name == device.model.name)
                #expect(identity.platform == device.model.platform)
                #expect(identity.firmware == device.model.firmware)
                #expect(identity.mac == device.model.mac)
                #expect(try await client.option("NoSuchThing") == nil)
                #expect(try await client.freeSizes().users == 3)
                #expect(try await client.attendance().log.isEmpty)
                #expect(try await client.attendance(evenIfNone: true).log.isEmpty)
            }
        }
    }

    @Test func `the device's clock is read and set`() async throws {
        try await withSimulator(Device.made(users: 1, records: 0)) { simulator, loop in
            try await withClient(simulator, loop) { client in
                #expect(try await client.time() == time("2026-03-02T08:00:00"))
                try await client.setTime(time("2031-12-31T23:59:58"))
                #expect(try await client.time() == time("2031-12-31T23:59:58"))
                let error = await #expect(throws: ZKError.self) {
                    try await client.setTime(time("2031-02-30T00:00:00"))
                }
                #expect(error?.code == .refused)
                #expect(error?.command == .setTime)
            }
        }
    }

    @Test func `a right comm key is taken, and none is needed where none is set`() async throws {
        for (key, given) in [(0, nil), (0, 5), (123_456, 123_456)] as [(UInt32, UInt32?)] {
            let device = try Device.made(users: 2, records: 5) { $0.commKey = key }
            try await withSimulator(device) { simulator, loop in
                try await withClient(simulator, loop, commKey: given) { client in
                    let read = try await client.attendance()
                    #expect(read.log.count == 5)
                }
            }
        }
    }

    @Test(
        arguments: [
            (nil, 5, false, .keyRequired), (99, 5, false, .keyWrong), (99, 0, false, .locked),
            (99, 5, true, .encryptedFirmware),
        ] as [(UInt32?, Int, Bool, ZKError.Code)])
    func `each way of being kept out has its own error`(
        given: UInt32?, attempts: Int, isEncrypted: Bool, code: ZKError.Code
    ) async throws {
        let device = try Device.made(users: 1, records: 0) {
            $0.commKey = 123_456
            $0.keyAttempts = attempts
            $0.isEncrypted = isEncrypted
        }
        try await withSimulator(device) { simulator, loop in
            let error = await #expect(throws: ZKError.self) {
                try await withClient(simulator, loop, commKey: given) { _ in }
            }
            #expect(error?.code == code)
            #expect(error?.description.contains("\(simulator.address)") == true)
        }
    }

    @Test func `a device that is not there is unreachable`() async throws {
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        let listener = try Listener.bind(to: SocketAddress(host: "127.0.0.1", port: 0), on: loop)
        let address = listener.localAddress
        listener.close()
        let error = await #expect(throws: ZKError.self) {
            try await ZKClient.connect(to: address, commKey: nil, on: loop, options: .test)
        }
        #expect(error?.code == .unreachable)
        #expect(error?.device == "\(address)")
    }

    @Test func `the device is enabled and the session ended however the scope is left`()
        async throws
    {
        struct Mishap: Error {}
        try await withSimulator(Device.made(users: 1, records: 0)) { simulator, loop in
            try await withClient(simulator, loop) { client in
                try await client.disable(forSeconds: 60)
                #expect(!simulator.device.isEnabled)
            }
            #expect(simulator.device.isEnabled)

            await #expect(throws: Mishap.self) {
                try await withClient(simulator, loop) { client in
                    try await client.disable(forSeconds: 60)
                    throw Mishap()
                }
            }
            #expect(simulator.device.isEnabled)

            let isDisabled = OneShot<Bool>()
            let task = Task {
                try await withClient(simulator, loop) { client in
                    try await client.disable(forSeconds: 60)
                    isDisabled.settle(.success(true))
                    while true { _ = try await client.nextEvent(timeout: .seconds(60)) }
                }
            }
            _ = try await isDisabled.value {}
            #expect(!simulator.device.isEnabled)
            task.cancel()
            let result: Result<Void, any Error> = await task.result
            #expect(throws: ZKError.self) { try result.get() }
            #expect(simulator.device.isEnabled)
        }
    }

    @Test func `live punches arrive in order on the connection that also polls`() async throws {
        let device = try Device.made(users: 400, records: 2000)
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop) { client in
                try await client.listen(to: .all)
                var expected: [AttendanceRecord] = []
                var found: [AttendanceRecord] = []
                for round in 0..<4 {
                    for user in device.users[round * 20..<round * 20 + 20] {
                        let made = simulator.punch(user.userID, state: 0, verify: 15)
                        var record = try #require(made)
                        // This form of event has no index.
                        record.index = 0
                        expected.append(record)
                    }
                    #expect(try await client.attendance().log.count == 2020 + round * 20)
                    while found.count < expected.count {
                        let event = try await client.nextEvent(timeout: .seconds(30))
                        guard case .punch(let record) = event else {
                            Issue.record("\(String(describing: event)) is no punch")
                            return
                        }
                        found.append(record)
                    }
                }
                #expect(found == expected)
                try await client.listen(to: [])
                _ = simulator.punch("1400", state: 1, verify: 1)
                _ = try await client.time()
                #expect(try await client.nextEvent(timeout: .milliseconds(30)) == nil)
            }
        }
    }

    @Test func `a log that grows during the read is complete`() async throws {
        let device = try Device.made(users: 3000, records: 3000)
        try await withSimulator(device) { simulator, loop in
            let punching = Task {
                for user in device.users {
                    guard !Task.isCancelled else { return }
                    _ = simulator.punch(user.userID, state: 0, verify: 1)
                    try? await loop.sleep(for: .microseconds(200))
                }
            }
            try await withClient(simulator, loop) { client in
                for _ in 0..<5 {
                    let read = try await client.attendance()
                    let counts = (read.before.records ?? 0)...(read.after.records ?? 0)
                    #expect(counts.contains(read.log.count))
                    #expect(Array(read.log) == Array(simulator.device.log.prefix(read.log.count)))
                }
            }
            punching.cancel()
            await punching.value
        }
    }

    @Test func `several clients read at once`() async throws {
        let device = try Device.made(users: 100, records: 5000)
        try await withSimulator(device) { simulator, loop in
            try await withThrowingTaskGroup { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await withClient(simulator, loop) { client in
                            try await client.attendance().log.count
                        }
                    }
                }
                for try await count in group { #expect(count == 5000) }
            }
        }
    }
}
