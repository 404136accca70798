import RPCRuntime
import RPCTesting
import Synchronization
import TestSchemas
import TestSupport
import Testing
import Transport

/// How connections live and end, and what an answer must have.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct LifeTests {
    @Test(arguments: Medium.allCases)
    func `drain/two-phase`(medium: Medium) async throws {
        try await on(medium) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            peer.send(
                Wire.request(
                    Interop.Method.unaryCall, 1, Ask(pause: .seconds(3)).encoded(),
                    more: [2 << 3] + Wire.varint(20_000_000)))
            try await bed.tally("began", reaches: 1)
            let server = bed.server
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await server.shutdown(grace: .seconds(20)) }
                let announced = try await peer.next(type: Wire.drain)
                // 2^31 - 1: nothing is refused yet.
                #expect(announced.payload.prefix(6) == [8, 255, 255, 255, 255, 7])
                let ping = try await peer.next(type: Wire.ping)
                // Has set out before we heard, and is served.
                peer.send(Wire.request(Interop.Method.emptyCall, 3, []))
                peer.send(RawFrame(type: Wire.pong, payload: ping.payload))
                #expect(try await peer.next(type: Wire.data).stream == 3)
                let refusing = try await peer.next(type: Wire.drain)
                #expect(refusing.payload.prefix(2) == [8, 3])
                peer.send(Wire.request(Interop.Method.emptyCall, 5, []))
                let refused = try await peer.next(type: Wire.status)
                #expect(Wire.code(refused) == RPCError.Code.unavailable.rawValue)
                #expect(try await peer.next(type: Wire.data).stream == 1)
                _ = try await peer.next(type: Wire.close)
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: Medium.allCases)
    func `drain/in-flight completes`(medium: Medium) async throws {
        try await on(medium) { bed in
            let link = try await bed.link()
            let client = Interop.Client(link)
            try await withThrowingTaskGroup(of: UInt64.self) { group in
                group.addTask {
                    var ask = Ask(pause: .milliseconds(200))
                    ask.payload = [1, 2, 3]
                    return try await client.unaryCall(ask).total
                }
                try await bed.tally("began", reaches: 1)
                let draining = try #require(bed.server.connections.first)
                group.addTask {
                    await draining.drain(grace: .seconds(60))
                    return 3
                }
                try await bed.eventually { draining.isDraining }
                // Begun once the client has heard: it is told that nothing was sent.
                var error: RPCError?
                while error == nil {
                    do { _ = try await client.unaryCall(Ask()) } catch let thrown as RPCError {
                        error = thrown
                    }
                }
                #expect(error?.code == .unavailable)
                #expect(error?.certainty == .notSent || error?.certainty == .refused)
                for try await total in group { #expect(total == 3) }
            }
            _ = await link.closed()
        }
    }

    @Test(arguments: Medium.allCases)
    func `drain/new call moves`(medium: Medium) async throws {
        try await on(medium) { bed in
            let link = RPCLink(bed.dial(RPCOptions()))
            let client = Interop.Client(link)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await link.run(random: { 0.5 }) }
                #expect(try await client.unaryCall(Ask(payload: 1)).total == 1)
                let old = try #require(bed.server.connections.first)
                group.addTask { await old.drain(grace: .seconds(60)) }
                try await group.next()
                // The old one is gone; a call that meets its last moment may be made again.
                var total: UInt64?
                while total == nil {
                    do { total = try await client.unaryCall(Ask(payload: 2)).total } catch let error
                        as RPCError
                    {
                        #expect(error.certainty == .notSent || error.certainty == .refused)
                        try await bed.sleep(.milliseconds(1))
                    }
                }
                #expect(total == 2 && bed.server.connections.allSatisfy { $0 != old })
                group.cancelAll()
            }
        }
    }

    @Test(arguments: Medium.allCases)
    func `drain/an open-ended stream ends resumable, without a gap`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let came = Log<UInt64>()
            try await withThrowingTaskGroup(of: RPCError?.self) { group in
                group.addTask {
                    do {
                        try await client.follow(Ask(pause: .milliseconds(5))) {
                            replies throws(RPCError) in
                            for try await reply in replies {
                                came.add(reply.total)
                            }
                        }
                        return nil
                    } catch let error as RPCError { return error }
                }
                try await bed.eventually { came.all.count >= 3 }
                let draining = try #require(bed.server.connections.first)
                await draining.drain(grace: .seconds(20))
                let error = try await group.next() ?? nil
                #expect(error?.isResumable == true && error?.code == .unavailable)
                let numbers = came.all
                #expect(numbers == Array(1...UInt64(numbers.count)))
            }
        }
    }

    // MARK: - Answers that break off

    /// A unary call whose server breaks off must fail, and nobody knows what became of it.
    private static func expectLoss(
        _ medium: Medium, _ answer: @escaping @Sendable (ScriptedPeer, UInt32) -> Void
    ) async throws {
        let unary = try await ending(medium) { answer($0, $1) }
        let came = Log<Int>()
        let stream = try await ending(
            medium,
            of: { client in
                try await client.streamingOutput(Ask()) { replies throws(RPCError) in
                    for try await reply in replies { came.add(reply.payload.count) }
                }
            }, answer)
        for end in [unary, stream] {
            #expect(end.error?.code == .unavailable && end.error?.certainty == .maybeProcessed)
        }
        // Whole messages only.
        #expect(came.all.allSatisfy { $0 == 0 })
    }

    @Test(arguments: Medium.allCases)
    func `reset/after-head`(medium: Medium) async throws {
        try await Self.expectLoss(medium) { peer, stream in
            peer.send(
                RawFrame(
                    type: Wire.data, stream: stream, head: 5, payload: [10, 3, 10, 1, 97]))
            peer.finish()
        }
    }

    @Test(arguments: Medium.allCases)
    func `reset/mid-message`(medium: Medium) async throws {
        try await Self.expectLoss(medium) { peer, stream in
            // Of a payload of three bytes, two.
            peer.send(Wire.data(stream, [10, 3, 1, 1], flags: 0))
            peer.finish()
        }
    }

    @Test(arguments: Medium.allCases)
    func `reset/before-trailers`(medium: Medium) async throws {
        try await Self.expectLoss(medium) { peer, stream in
            peer.send(Wire.data(stream, [], flags: Wire.endMessage))
            peer.finish()
        }
    }

    // MARK: - How many messages

    /// The methods of one answer.
    private static let oneAnswer: [@Sendable (Interop.Client) async throws -> Void] = [
        { _ = try await $0.emptyCall(Nothing()) },
        { _ = try await $0.streamingInput { _ throws(RPCError) in } },
    ]

    @Test(arguments: Medium.allCases)
    func `cardinality/0 responses`(medium: Medium) async throws {
        for call in Self.oneAnswer {
            let status = try await ending(medium, of: call) { peer, stream in
                peer.send(RawFrame(type: Wire.status, stream: stream))
            }
            let end = try await ending(medium, of: call) { peer, stream in
                peer.send(Wire.data(stream, [], flags: Wire.endStream))
            }
            #expect(status.error?.code == .unimplemented && end.error?.code == .unimplemented)
            #expect(status.close == RPCError.Code.unavailable.rawValue)
        }
    }

    @Test(arguments: Medium.allCases)
    func `cardinality/2 responses`(medium: Medium) async throws {
        for call in Self.oneAnswer {
            let end = try await ending(medium, of: call) { peer, stream in
                peer.send(Wire.data(stream, [], flags: Wire.endMessage), Wire.data(stream, []))
            }
            #expect(end.error?.code == .unimplemented)
        }
    }

    /// So many requests to the methods that take one.
    private static func expectRefusal(_ medium: Medium, of count: Int) async throws {
        try await on(medium) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            for (number, method) in [
                Interop.Method.unaryCall, Interop.Method.streamingOutput,
            ].enumerated() {
                let stream = UInt32(2 * number + 1)
                peer.send(Wire.request(method, stream, [], flags: 0))
                for _ in 0..<count {
                    peer.send(Wire.data(stream, [], flags: Wire.endMessage))
                }
                if count == 0 { peer.send(Wire.data(stream, [], flags: Wire.endStream)) }
                let status = try await peer.next(type: Wire.status)
                #expect(status.stream == stream)
                #expect(Wire.code(status) == RPCError.Code.unimplemented.rawValue)
            }
            #expect(bed.service.tally["began"] == 0)
            peer.close()
        }
    }

    @Test(arguments: Medium.allCases)
    func `cardinality/0 requests`(medium: Medium) async throws {
        try await Self.expectRefusal(medium, of: 0)
    }

    @Test(arguments: Medium.allCases)
    func `cardinality/2 requests`(medium: Medium) async throws {
        try await Self.expectRefusal(medium, of: 2)
    }

    // MARK: - Pings and redialling

    @Test(arguments: Medium.allCases)
    func `ping/answered`(medium: Medium) async throws {
        try await on(medium) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            for number: UInt8 in 0..<10 { peer.send(Wire.ping(number)) }
            for number: UInt8 in 0..<10 {
                #expect(try await peer.next(type: Wire.pong).payload.first == number)
            }
            peer.close()
        }
    }

    @Test(arguments: Medium.allCases)
    func `ping/ignored`(medium: Medium) async throws {
        var options = RPCOptions()
        if medium == .sockets {
            (options.keepaliveIdle, options.pingTimeout) = (.milliseconds(100), .milliseconds(100))
        }
        try await on(medium, server: options) { bed in
            let peer = try await bed.script()
            var hello = try #require(try await peer.next())
            // Says that it may be pinged at any time.
            hello.payload += [9 << 3, 0]
            peer.send(hello)
            _ = try await peer.next(type: Wire.ping, timeout: .seconds(100))
            let close = try await peer.next(type: Wire.close, timeout: .seconds(100))
            #expect(Wire.code(close) == RPCError.Code.unavailable.rawValue)
            peer.close()
        }
    }

    @Test(arguments: Medium.allCases)
    func `ping/flood`(medium: Medium) async throws {
        try await on(medium) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            peer.send((0..<200).flatMap { Wire.ping($0).bytes })
            var pongs = 0
            var close: RawFrame?
            while let frame = try await peer.next() {
                if frame.type == Wire.pong { pongs += 1 }
                if frame.type == Wire.close { close = frame }
            }
            // The burst is answered; what follows ends the link, and no other.
            #expect((10..<200).contains(pongs))
            let end = try #require(close)
            #expect(Wire.code(end) == RPCError.Code.internal.rawValue)
            #expect(String(decoding: end.payload, as: UTF8.self).contains("keepaliveFloor"))
            #expect(try await bed.client().unaryCall(Ask(payload: 7)).total == 7)
        }
    }

    @Test(arguments: [Medium.memory])
    func `backoff/540 s schedule`(medium: Medium) throws {
        let mesh = SimulatedMesh(seed: 5)
        let attempts = Lock<[Duration]>([])
        mesh.network.setPlan { _ in
            attempts.withLock { $0.append(mesh.elapsed) }
            return LinkConditions()
        }
        try mesh.run {
            let dialler = mesh.dialler(from: "location/cairo", to: "gateway/main")
            let task = Task(executorPreference: mesh.loop) {
                await dialler.run(random: { mesh.randomFraction() })
            }
            try await mesh.sleep(for: .seconds(540))
            task.cancel()
            await task.value
        }
        let times = attempts.withLock { $0 }
        var wanted = 0.1
        for (earlier, later) in zip(times, times.dropFirst()) {
            let pause = (later - earlier) / .seconds(1)
            #expect((0.8 * wanted - 0.001...1.2 * wanted + 0.001).contains(pause))
            wanted = min(wanted * 1.6, 10)
        }
        // Ten to reach 10 s, and one each 10 s from then on.
        #expect((50...75).contains(times.count))
        mesh.end()
    }
}
