import Testing

@testable import RPCRuntime

/// What docs/WIRE.md forbids, and a stranger's client found to be let through.
@Suite struct BreachTests {
    /// Each comes behind good hellos and half a request on stream 1.
    @Test(arguments: [
        [8, 0, 0, 7, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8],  // a ping on a stream
        [8, 0, 0, 8, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8],  // a pong on a stream
        [7, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7],  // a pong of seven bytes
        [0, 0, 0, 9, 1, 0, 0, 0, 0, 0, 0, 0],  // a drain on a stream
        [2, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255],  // a drain that cannot be read
        [2, 0, 0, 5, 1, 0, 0, 0, 0, 0, 0, 0, 255, 255],  // a cancel that cannot be read
    ])
    func `a breach of the page ends the connection`(frame: [UInt8]) throws {
        var pair = Pair()
        pair.run()
        pair.client.output.bytes += [2, 0, 0, 2, 1, 0, 0, 0, 0, 0, 2, 0, 8, 1]
        pair.run()
        #expect(pair.server.phase == .open)
        pair.client.output.bytes += frame
        pair.run()
        #expect(pair.serverSaw.last == .failed(.internal))
        #expect(pair.clientSaw.last == .failed(.unavailable))
    }

    @Test(arguments: [
        [0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0],  // a frame that may be ignored later
        [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0],  // a hello on a stream
    ])
    func `nothing stands before the hello`(frame: [UInt8]) {
        var core = Core(
            .listener, RPCOptions(), peerName: "client", services: [], now: 0)
        var seen: [Pair.Seen] = []
        var input: [UInt8] = []
        Pair.hand(frame, to: &core, &input, &seen, .max, 0)
        #expect(seen == [.failed(.internal)])
    }

    @Test func `a handler's error never says that its call was not sent`() throws {
        var pair = Pair()
        pair.run()
        let stream = try pair.call([1])
        pair.run()
        pair.server.finish(stream, RPCError(.unavailable, "away", certainty: .notSent))
        pair.run()
        #expect(pair.clientSaw.last == .ended(7, .unavailable, .processed))
    }
}
