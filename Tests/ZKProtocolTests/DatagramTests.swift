import Testing
import Transport
import ZKProtocol

@testable import zk_simulator

extension ZKClient.Options {
    /// Patience for links on this machine.
    static var impatient: ZKClient.Options {
        var options = ZKClient.Options.test
        options.retryInterval = .milliseconds(20)
        return options
    }
}

/// UDP promises nothing: datagrams are lost, come twice and overtake each other.
@Suite struct DatagramTests {
    static let faults: [[Fault]] = [
        [Fault(.lose, value: 15)], [Fault(.repeat, value: 30)], [Fault(.reorder, value: 30)],
        [Fault(.lose, value: 8), Fault(.repeat, value: 20), Fault(.reorder, value: 20)],
    ]

    @Test(arguments: faults, 1...4)
    func `whatever becomes of datagrams, a read is the whole log or an error`(
        faults: [Fault], seed: Int
    ) async throws {
        let layouts: [AttendanceLayout] = [.bytes8, .bytes16, .text(stride: 40), .text(stride: 49)]
        let layout = layouts[seed % layouts.count]
        let device = try Device.made(users: 40, records: 900) {
            $0.recordLayout = layout
            $0.commKey = 4711
        }
        var engine = FaultEngine(seed: UInt64(seed))
        for fault in faults { engine.add(fault) }
        try await withSimulator(device, faults: engine) { simulator, loop in
            try await withClient(
                simulator, loop, over: .udp, commKey: 4711, options: .impatient
            ) { client in
                #expect(client.transport == .udp)
                #expect(try await client.identity().serial == device.model.serial)
                #expect(try await client.users() == device.users)
                let read = try await client.attendance()
                #expect(read.completeness == .proved)
                let expected = device.log.map { record in
                    var row = device.asRow(record)
                    if layout == .bytes16 { row.index = 0 }
                    return row
                }
                #expect(Array(read.log) == expected)
            }
            #expect(simulator.strikes > 0)
        }
    }

    @Test(arguments: faults)
    func `what is sent all at once is believed when two reads agree`(faults: [Fault]) async throws {
        let device = try Device.made(users: 10, records: 120)
        var engine = FaultEngine(seed: 5)
        for fault in faults {
            var rarely = fault
            rarely.value = 5
            engine.add(rarely)
        }
        var options = ZKClient.Options.impatient
        options.requestTimeout = .milliseconds(300)
        options.sliceAttempts = 20
        try await withSimulator(device, faults: engine) { simulator, loop in
            try await withClient(simulator, loop, over: .udp, options: options) { client in
                let read = try await client.readAttendance(by: .directly)
                #expect(read.completeness == .proved)
                #expect(Array(read.log) == device.log)
            }
        }
    }

    @Test func `nobody at a UDP port is unreachable`() async throws {
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        let socket = try DatagramSocket.bind(
            to: SocketAddress(host: "127.0.0.1", port: 0), on: loop)
        let address = socket.localAddress
        socket.close()
        let error = await #expect(throws: ZKError.self) {
            try await ZKClient.connect(
                to: address, over: .udp, commKey: nil, on: loop, options: .test)
        }
        #expect(error?.code == .unreachable)
    }

    @Test func `a device that never answers is given up, and no stranger is believed`()
        async throws
    {
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        let silent = try DatagramSocket.bind(
            to: SocketAddress(host: "127.0.0.1", port: 0), on: loop)
        defer { silent.close() }
        var options = ZKClient.Options.impatient
        options.connectTimeout = .milliseconds(200)
        let error = await #expect(throws: ZKError.self) {
            try await ZKClient.connect(
                to: silent.localAddress, over: .udp, commKey: nil, on: loop, options: options)
        }
        #expect(error?.code == .unreachable)
        // It was asked more than once, each time under another number.
        var replies: Set<UInt16> = []
        while let datagram = try? await silent.receive(timeout: .zero) {
            replies.insert(try Packet(decoding: datagram.bytes).reply)
        }
        #expect(replies.count > 1)
    }

    @Test func `punches are announced over UDP, each once`() async throws {
        let device = try Device.made(users: 30, records: 10)
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop, over: .udp) { client in
                try await client.listen(to: .attendance)
                let made = device.users.compactMap {
                    simulator.punch($0.userID, state: 1, verify: 15)
                }
                var seen: [String] = []
                while seen.count < made.count {
                    let event = try #require(try await client.nextEvent(timeout: .seconds(30)))
                    if case .punch(let record) = event { seen.append(record.userID) }
                }
                #expect(seen == made.map(\.userID))
            }
            while simulator.sessionCount > 0 { try await loop.sleep(for: .milliseconds(5)) }
        }
    }

    @Test func `a session that somebody else has taken is lost, and says so`() async throws {
        try await withSimulator(try Device.made(users: 1, records: 0)) { simulator, loop in
            try await withClient(simulator, loop, over: .udp) { client in
                _ = try await client.time()
                simulator.add(Fault(.steal, times: 1))
                let error = await #expect(throws: ZKError.self) { try await client.time() }
                #expect(error?.code == .sessionLost)
            }
        }
    }

    @Test func `a waker ends a wait, also one that has not begun`() async throws {
        for transport in ZKTransport.allCases {
            try await withSimulator(try Device.made(users: 1, records: 0)) { simulator, loop in
                try await withClient(simulator, loop, over: transport) { client in
                    client.waker.wake()
                    #expect(try await client.nextEvent(timeout: .seconds(600)) == nil)
                    let waker = client.waker
                    let waking = Task {
                        try await loop.sleep(for: .milliseconds(20))
                        waker.wake()
                    }
                    #expect(try await client.nextEvent(timeout: .seconds(600)) == nil)
                    try await waking.value
                    _ = try await client.time()
                }
            }
        }
    }
}
