import Synchronization
import Testing
import Transport

@testable import ZKProtocol
@testable import zk_simulator

/// What users of other clients suffer, where no other test shows that it does not happen here; the
/// table in docs/ZK.md has them all.
@Suite struct ComplaintTests {
    /// A device that answers honestly but for what `lie` says, and a client of it.
    private func with(
        _ device: Device, _ options: ZKClient.Options = .test,
        lie: @escaping @Sendable (Packet, Session.Reaction) -> [Step]?,
        _ body: (ZKClient) async throws -> Void
    ) async throws {
        let honest = LockedState(device)
        try await withScriptedDevice { packet in
            let reaction = honest.handle(packet)
            return lie(packet, reaction) ?? reaction.packets.map { .packet($0) }
        } _: { address, loop in
            try await withZKClient(to: address, commKey: nil, on: loop, options: options, body)
        }
    }

    // MARK: 1

    @Test func `a long read says how far it is, to its end`() async throws {
        for transport in ZKTransport.allCases {
            let device = try Device.made(users: 40, records: 5000)
            try await withSimulator(device) { simulator, loop in
                try await withClient(simulator, loop, over: transport) { client in
                    var told: [Int] = []
                    client.progress = { received, announced in
                        #expect(announced == 200_004)
                        told.append(received)
                    }
                    let read = try await client.attendance()
                    client.progress = nil
                    #expect(read.log.count == 5000)
                    #expect(told == told.sorted() && told.count > 2)
                    #expect(told.last == 200_004)
                }
            }
        }
    }

    @Test func `a device that errs at long slices is asked for 16384 and then 4096 bytes`()
        async throws
    {
        let asked = Lock<[Int]>([])
        try await with(try Device.made(users: 20, records: 4000)) { packet, _ in
            guard packet.command == .readBuffer, let slice = try? BufferSlice(decoding: packet.data)
            else { return nil }
            asked.withLock { $0.append(slice.count) }
            guard slice.count > 4096 else { return nil }
            return [.packet(Packet(.error, session: 1, reply: packet.reply))]
        } _: { client in
            let read = try await client.attendance()
            #expect(read.log.count == 4000)
        }
        let counts = asked.withLock { $0 }
        #expect(Set(counts).isSuperset(of: [65_472, 16_368, 4096]), "\(Set(counts))")
        // Never a long one again once it is known that the device fails at it.
        let first = try #require(counts.firstIndex(of: 4096))
        #expect(counts[first...].allSatisfy { $0 <= 4096 })
    }

    @Test func `a device that goes on and on ends at the deadline of the whole read`() async throws
    {
        var options = ZKClient.Options.test
        options.bulkTimeout = .milliseconds(200)
        // Slices of 100 bytes, each of them in time: no answer is ever late.
        options.sliceBytes = 100
        options.slicesInFlight = 1
        let device = try Device.made(users: 20, records: 4000) { $0.answerDelay = 5 }
        try await withSimulator(device) { simulator, loop in
            try await withClient(simulator, loop, options: options) { client in
                let error = await #expect(throws: ZKError.self) { try await client.attendance() }
                #expect(error?.code == .timedOut)
                #expect(error?.cause.contains("the read took longer than") == true)
            }
        }
    }

    // MARK: 2

    @Test func `fewer rows than the device counts is an error with all four numbers`()
        async throws
    {
        let reads = Counter()
        try await with(try Device.made(users: 20, records: 100)) { packet, reaction in
            if packet.command == .prepareBuffer { reads.increment() }
            guard packet.command == .freeSizes, var answer = reaction.packets.first else {
                return nil
            }
            // 112 are counted before and after, and 100 come.
            answer.data.put(u32: 112, at: 32)
            return [.packet(answer)]
        } _: { client in
            let error = await #expect(throws: ZKError.self) { try await client.attendance() }
            #expect(error?.code == .incomplete)
            let told = error?.cause ?? ""
            #expect(told.contains("counted 112 records before the read and 112 after it"))
            #expect(told.contains("sent 100 in 4004 bytes"))
        }
        // It was read again before that was said.
        #expect(reads.value > 1)
    }

    @Test func `a total that is not what follows it is an error with both`() async throws {
        try await with(try Device.made(users: 20, records: 20)) { packet, reaction in
            guard [.prepareBuffer, .readAttendance].contains(packet.command) else { return nil }
            return reaction.packets.map { answer in
                var answer = answer
                if answer.command == .data { answer.data.put(u32: 840, at: 0) }
                return .packet(answer)
            }
        } _: { client in
            let error = await #expect(throws: ZKError.self) { try await client.attendance() }
            #expect(error?.code == .incomplete)
            #expect(error?.cause.contains("840") == true, "\(error?.cause ?? "")")
            #expect(error?.cause.contains("80") == true)
        }
    }

    // MARK: 11, 12

    @Test func `a device that closes in the middle ends the read at once, and the next call too`()
        async throws
    {
        try await with(try Device.made(users: 20, records: 4000)) { packet, reaction in
            guard packet.command == .readBuffer else { return nil }
            let bytes = reaction.packets.flatMap { $0.frame() }
            return [.bytes(Array(bytes.prefix(3000))), .close]
        } _: { client in
            for _ in 0..<3 {
                let error = await #expect(throws: ZKError.self) { try await client.attendance() }
                #expect(error?.code == .closed)
            }
        }
    }

    @Test func `no read disables the device, and each session ends with enable and exit`()
        async throws
    {
        let heard = Lock<[Command]>([])
        try await with(try Device.made(users: 20, records: 4000)) { packet, _ in
            heard.withLock { $0.append(packet.command) }
            return nil
        } _: { client in
            _ = try await client.identity()
            _ = try await client.users()
            _ = try await client.attendance()
            _ = try await client.operations()
            _ = try await client.templates()
            try await client.listen(to: .all)
        }
        let commands = heard.withLock { $0 }
        #expect(!commands.contains(.disable))
        #expect(commands.suffix(2) == [.enable, .exit])
    }

    @Test func `a device that a crashed client disabled is enabled by its own clock`() async throws
    {
        let time = Lock(Now.test)
        try await withSimulator(
            Device.made(users: 20, records: 5), now: { time.withLock { $0 } }
        ) { simulator, loop in
            let client = try await ZKClient.connect(
                to: simulator.address, commKey: nil, on: loop, options: .test)
            try await client.disable(forSeconds: 60)
            // The program dies here, as far as the device can tell.
            #expect(simulator.punch("1001", state: 0, verify: 1) == nil)
            time.withLock {
                $0 = Now(trueTime: $0.trueTime + 61_000, placeTime: $0.placeTime + 61_000)
            }
            #expect(simulator.punch("1001", state: 0, verify: 1) != nil)
            await client.close()
        }
    }

    // MARK: 16, 17

    @Test(arguments: ZKTransport.allCases)
    func `a device is found by the transport that it has, without a ping`(
        transport: ZKTransport
    ) async throws {
        let device = try Device.made(users: 2, records: 3) {
            $0.transports = [transport]
            $0.commKey = 4711
        }
        try await withSimulator(device) { simulator, loop in
            let found = try await ZKClient.probe(
                simulator.address, on: loop, options: .impatient, patience: .milliseconds(50))
            #expect(found == transport)
            // Who says which one is not given another.
            let other: ZKTransport = transport == .tcp ? .udp : .tcp
            var options = ZKClient.Options.impatient
            options.connectTimeout = .milliseconds(200)
            let error = await #expect(throws: ZKError.self) {
                try await withClient(
                    simulator, loop, over: other, commKey: 4711, options: options
                ) { _ in }
            }
            #expect(error?.code == .unreachable)
        }
    }

    @Test func `where nobody is, the probe says what became of both`() async throws {
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        let listener = try Listener.bind(to: SocketAddress(host: "127.0.0.1", port: 0), on: loop)
        let address = listener.localAddress
        listener.close()
        let error = await #expect(throws: ZKError.self) {
            _ = try await ZKClient.probe(
                address, on: loop, options: .impatient, patience: .milliseconds(10))
        }
        #expect(error?.code == .unreachable)
        let cause = error?.cause ?? ""
        #expect(cause.contains("refused") && cause.contains("UDP"), "\(cause)")
    }

    // MARK: 30

    @Test func `refused, closed, silent and unwilling are four errors`() async throws {
        var impatient = ZKClient.Options.test
        impatient.requestTimeout = .milliseconds(50)
        for (steps, code) in [
            ([], .timedOut), ([.close], .closed), ([.bytes([1, 2, 3, 4, 5, 6, 7, 8])], .malformed),
        ] as [([Step], ZKError.Code)] {
            try await with(try Device.made(users: 1, records: 0), impatient) { packet, _ in
                packet.command == .getTime ? steps : nil
            } _: { client in
                let error = await #expect(throws: ZKError.self) { try await client.time() }
                #expect(error?.code == code)
                #expect(error?.command == .getTime)
                #expect(error?.device == client.address.description)
            }
        }
        try await with(try Device.made(users: 1, records: 0)) { packet, _ in
            guard packet.command == .getTime else { return nil }
            return [.packet(Packet(.error, session: 1, reply: packet.reply))]
        } _: { client in
            let error = await #expect(throws: ZKError.self) { try await client.time() }
            #expect(error?.code == .refused && error?.cause.contains("ERROR") == true)
        }
    }
}
