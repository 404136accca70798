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
    func `drain/in-flight completes, and new calls move`(medium: Medium) async throws {
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
                    await draining.drain(grace: .seconds(20))
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
                #expect(try await bed.client().unaryCall(Ask(payload: 4)).total == 4)
                for try await total in group { #expect(total == 3) }
            }
            _ = await link.closed()
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

    /// How a unary call ends whose server answers by a script.
    private static func call(
        _ medium: Medium, _ answer: @escaping @Sendable (ScriptedPeer, UInt32) -> Void
    ) async throws -> RPCError? {
        let ended = Mutex<RPCError?>(nil)
        try await on(medium) { bed in
            let dial = try await bed.serveScript(
                Script { peer, frame in
                    if frame.type == Wire.request { answer(peer, frame.stream) }
                })
            let client = Interop.Client(try await dial(RPCOptions(), []))
            do { _ = try await client.emptyCall(Nothing()) } catch let error as RPCError {
                ended.withLock { $0 = error }
            }
        }
        return ended.withLock { $0 }
    }

    @Test(arguments: Medium.allCases)
    func `reset/after-head`(medium: Medium) async throws {
        let error = try await Self.call(medium) { peer, stream in
            peer.send(
                RawFrame(
                    type: Wire.data, stream: stream, head: 5, payload: [10, 3, 10, 1, 97]))
            peer.finish()
        }
        #expect(error?.code == .unavailable && error?.certainty == .maybeProcessed)
    }

    @Test(arguments: Medium.allCases)
    func `reset/mid-message`(medium: Medium) async throws {
        let error = try await Self.call(medium) { peer, stream in
            peer.send(Wire.data(stream, [1, 2, 3], flags: 0))
            peer.finish()
        }
        #expect(error?.code == .unavailable && error?.certainty == .maybeProcessed)
    }

    @Test(arguments: Medium.allCases)
    func `reset/before-trailers`(medium: Medium) async throws {
        let error = try await Self.call(medium) { peer, stream in
            peer.send(Wire.data(stream, [], flags: Wire.endMessage))
            peer.finish()
        }
        #expect(error?.code == .unavailable && error?.certainty == .maybeProcessed)
    }

    @Test(arguments: Medium.allCases)
    func `cardinality/0 responses`(medium: Medium) async throws {
        let error = try await Self.call(medium) { peer, stream in
            peer.send(RawFrame(type: Wire.status, stream: stream))
        }
        #expect(error?.code == .unimplemented)
    }

    @Test(arguments: Medium.allCases)
    func `cardinality/2 responses`(medium: Medium) async throws {
        let error = try await Self.call(medium) { peer, stream in
            peer.send(Wire.data(stream, [], flags: Wire.endMessage), Wire.data(stream, []))
        }
        #expect(error?.code == .unimplemented)
    }

    @Test(arguments: Medium.allCases, [0, 2])
    func `cardinality/0 and 2 requests`(medium: Medium, count: Int) async throws {
        try await on(medium) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            peer.send(Wire.request(Interop.Method.unaryCall, 1, [], flags: 0))
            for _ in 0..<count { peer.send(Wire.data(1, [], flags: Wire.endMessage)) }
            if count == 0 { peer.send(Wire.data(1, [], flags: 2)) }
            let status = try await peer.next(type: Wire.status)
            #expect(Wire.code(status) == RPCError.Code.unimplemented.rawValue)
            #expect(bed.service.tally["began"] == 0)
            peer.close()
        }
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

    @Test func `ping/ignored`() async throws {
        try await on(.memory) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            _ = try await peer.next(type: Wire.ping, timeout: .seconds(100))
            let close = try await peer.next(type: Wire.close, timeout: .seconds(100))
            #expect(Wire.code(close) == RPCError.Code.unavailable.rawValue)
            peer.close()
        }
    }

    @Test func `backoff/540 s schedule`() throws {
        let mesh = SimulatedMesh(seed: 5)
        let attempts = Mutex<[Duration]>([])
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
