import RPCRuntime
import RPCTesting
import Synchronization
import TestSchemas
import TestSupport
import Testing
import Transport

/// Peers that break the rules: each attack of the comparison with other protocols, and bytes that
/// are not what they should be.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct HostileTests {
    /// How a connection ended: the code of its CLOSE.
    private static func ending(_ peer: ScriptedPeer) async throws -> UInt8? {
        while let frame = try await peer.next() {
            if frame.type == Wire.close { return Wire.code(frame) }
        }
        return nil
    }

    private static func serves(_ bed: Bed) async throws {
        #expect(try await bed.client().unaryCall(Ask(payload: 7)).total == 7)
    }

    /// An attack whose every connection ends with the same code.
    private static func expectEnd(
        _ medium: Medium, _ code: RPCError.Code, _ frames: [RawFrame]
    ) async throws {
        try await on(medium) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            peer.send(frames.flatMap(\.bytes))
            #expect(try await Self.ending(peer) == code.rawValue)
            try await bed.eventually { bed.server.connections.isEmpty }
        }
    }

    private static func poor(_ points: Int) -> RPCOptions {
        var options = RPCOptions()
        (options.abusePoints, options.abusePointsPerSecond) = (points, 1)
        return options
    }

    @Test(arguments: Medium.allCases)
    func `attack/rapid-reset is charged to the identity, over its connections`(
        medium: Medium
    ) async throws {
        try await on(medium, server: Self.poor(150)) { bed in
            // Each connection alone keeps within the points.
            var codes: [UInt8?] = []
            for _ in 0..<4 {
                let peer = try await bed.script()
                try await peer.greet()
                for number: UInt32 in 0..<60 {
                    let stream = number * 2 + 1
                    let begun = Wire.request(
                        Interop.Method.unaryCall, stream, Ask(pause: .seconds(20)).encoded())
                    peer.send(begun, RawFrame(type: Wire.cancel, stream: stream))
                }
                peer.send(Wire.ping(1))
                while let frame = try await peer.next() {
                    if frame.type == Wire.pong { break }
                    if frame.type == Wire.close { codes.append(Wire.code(frame)) }
                }
                peer.close()
            }
            #expect(codes.contains(RPCError.Code.resourceExhausted.rawValue))
            try await bed.eventually { bed.service.tally["cancelled"] >= 120 }
        }
    }

    @Test(arguments: Medium.allCases)
    func `attack/made-you-reset`(medium: Medium) async throws {
        // Requests that the server itself ends: of no method, and of two messages.
        try await on(medium, server: Self.poor(100)) { bed in
            for isUnknown in [true, false] {
                let peer = try await bed.script()
                try await peer.greet()
                let frames = (0..<300).flatMap { number -> [RawFrame] in
                    let stream = UInt32(number * 2 + 1)
                    if isUnknown { return [Wire.request(Unserved.Method.emptyCall, stream, [])] }
                    return [
                        Wire.request(
                            Interop.Method.unaryCall, stream, [], flags: Wire.endMessage),
                        Wire.data(stream, [1], flags: 0), Wire.data(stream, [1], flags: 0),
                    ]
                }
                peer.send(frames.flatMap(\.bytes))
                #expect(
                    try await Self.ending(peer) == RPCError.Code.resourceExhausted.rawValue)
            }
        }
    }

    @Test(arguments: Medium.allCases)
    func `attack/head-flood`(medium: Medium) async throws {
        // A head is in one frame: there is nothing to continue.
        let frame = RawFrame(
            type: Wire.request, stream: 1, head: 60_000,
            payload: [UInt8](repeating: 0xFF, count: 60_000))
        try await Self.expectEnd(medium, .internal, [frame])
    }

    @Test(arguments: Medium.allCases)
    func `attack/ping-flood`(medium: Medium) async throws {
        try await Self.expectEnd(medium, .internal, (0..<100).map { Wire.ping($0) })
    }

    @Test(arguments: Medium.allCases)
    func `attack/limits-flood`(medium: Medium) async throws {
        let frames = (0..<2000).map { _ in RawFrame(type: Wire.limits, payload: [8, 5]) }
        try await Self.expectEnd(medium, .resourceExhausted, frames)
    }

    @Test(arguments: Medium.allCases)
    func `attack/second-hello`(medium: Medium) async throws {
        try await Self.expectEnd(medium, .internal, [RawFrame(type: Wire.hello)])
    }

    @Test(arguments: Medium.allCases)
    func `attack/empty-frames`(medium: Medium) async throws {
        let begun = Wire.request(Interop.Method.streamingInput, 1, [], flags: 0)
        try await Self.expectEnd(medium, .internal, [begun, Wire.data(1, [], flags: 0)])
    }

    @Test(arguments: Medium.allCases)
    func `attack/tiny-frames`(medium: Medium) async throws {
        let begun = Wire.request(Interop.Method.unaryCall, 1, [10, 0xFF, 0xFF, 3], flags: 0)
        let parts = (0..<20_000).map { _ in Wire.data(1, [0], flags: 0) }
        try await Self.expectEnd(medium, .resourceExhausted, [begun] + parts)
    }

    @Test(arguments: Medium.allCases)
    func `attack/tiny-credits`(medium: Medium) async throws {
        let frames = (0..<20_000).map { _ in Wire.credit(0, 1) }
        try await Self.expectEnd(medium, .resourceExhausted, frames)
    }

    @Test(arguments: Medium.allCases)
    func `attack/window-trickery: a reader that takes nothing loses its call`(
        medium: Medium
    ) async throws {
        var options = RPCOptions()
        if medium == .sockets { options.stallTimeout = .milliseconds(500) }
        try await on(medium, server: options) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            let ask = Ask(answers: 4_000_000, 4_000_000)
            peer.send(Wire.request(Interop.Method.streamingOutput, 1, ask.encoded()))
            // The credit of its hello is used up, and no more comes.
            while let frame = try await peer.next(timeout: .seconds(1000)) {
                if frame.type == Wire.ping {
                    peer.send(RawFrame(type: Wire.pong, payload: frame.payload))
                }
                if frame.type == Wire.status {
                    #expect(Wire.code(frame) == RPCError.Code.unavailable.rawValue)
                    break
                }
            }
            try await bed.tally("cancelled", reaches: 1)
            peer.close()
        }
    }

    @Test(arguments: Medium.allCases)
    func `attack/header-bomb`(medium: Medium) async throws {
        // 65 entries of three bytes each.
        let entries = (0..<65).flatMap { _ in [4 << 3 | 2, 3, 1 << 3 | 2, 1, 97] as [UInt8] }
        let frame = Wire.request(Interop.Method.unaryCall, 1, [], more: entries)
        try await Self.expectEnd(medium, .internal, [frame])
    }

    /// Where time is real, the server waits less.
    private static func impatient(_ medium: Medium) -> RPCOptions {
        var options = RPCOptions()
        if medium == .sockets {
            (options.connectTimeout, options.frameTimeout) = (.seconds(3), .seconds(1))
        }
        return options
    }

    @Test(arguments: [Medium.sockets])
    func `attack/slowloris: a handshake that never ends`(medium: Medium) async throws {
        try await on(medium, server: Self.impatient(medium)) { bed in
            let address = try #require(bed.address)
            let stream = try await ByteStream.connect(
                to: address, on: bed.loop, timeout: .seconds(60))
            // The beginning of a record with a client's hello, and nothing behind it.
            try await stream.write([22, 3, 1, 2, 0, 1, 0, 1, 252])
            while try await !stream.read(timeout: .seconds(100)).isEmpty {}
            try await Self.serves(bed)
            #expect(bed.events.messages.contains { $0.contains("connectTimeout") })
        }
    }

    @Test(arguments: Medium.allCases)
    func `attack/slowloris: a hello that never comes`(medium: Medium) async throws {
        try await on(medium, server: Self.impatient(medium)) { bed in
            let peer = try await bed.script()
            peer.send(Array(RawFrame(type: Wire.hello, payload: [1, 2, 3]).bytes.prefix(13)))
            var end: UInt8?
            while let frame = try await peer.next(timeout: .seconds(100)) {
                if frame.type == Wire.close { end = Wire.code(frame) }
            }
            #expect(end == RPCError.Code.unavailable.rawValue)
        }
    }

    @Test(arguments: Medium.allCases)
    func `attack/slowloris: a frame that never ends`(medium: Medium) async throws {
        try await on(medium, server: Self.impatient(medium)) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            // As many bytes as it takes: the server's patience is for the whole frame.
            let frame = Wire.request(
                Interop.Method.unaryCall, 1, [UInt8](repeating: 0, count: 200_000))
            try await bed.eventually { !bed.server.connections.isEmpty }
            for byte in frame.bytes {
                peer.send([byte])
                try await bed.sleep(medium == .memory ? .seconds(1) : .milliseconds(10))
                if bed.server.connections.isEmpty { break }
            }
            var end: UInt8?
            while let frame = try await peer.next(timeout: .seconds(100)) {
                if frame.type == Wire.close { end = Wire.code(frame) }
            }
            #expect(end == RPCError.Code.unavailable.rawValue)
        }
    }

    @Test(arguments: Medium.allCases)
    func `attack/huge-length`(medium: Medium) async throws {
        var bytes = Wire.data(1, []).bytes
        bytes.replaceSubrange(0..<3, with: [255, 255, 255])
        let lie = bytes
        try await on(medium) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            peer.send(lie)
            #expect(try await Self.ending(peer) == RPCError.Code.internal.rawValue)
            try await Self.serves(bed)
        }
    }

    @Test(arguments: Medium.allCases)
    func `attack/nesting`(medium: Medium) async throws {
        try await on(medium) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            // Groups inside groups, of an unknown field.
            let deep = [UInt8](repeating: 15 << 3 | 3, count: 10_000)
            peer.send(Wire.request(Interop.Method.unaryCall, 1, deep))
            let status = try await peer.next(type: Wire.status)
            #expect(Wire.code(status) == RPCError.Code.invalidArgument.rawValue)
            peer.close()
            try await Self.serves(bed)
        }
    }

    @Test(arguments: Medium.allCases)
    func `attack/memory: incomplete messages of an identity are bounded over its connections`(
        medium: Medium
    ) async throws {
        var options = RPCOptions()
        options.reassemblyBytesMax = 300_000
        try await on(medium, server: options) { bed in
            var refused = 0
            var peers: [ScriptedPeer] = []
            for _ in 0..<4 {
                let peer = try await bed.script()
                try await peer.greet()
                let part = [10, 0xFF, 0xFF, 0x3F] + [UInt8](repeating: 0, count: 100_000)
                peer.send(
                    Wire.request(Interop.Method.unaryCall, 1, part, flags: 0), Wire.ping(1))
                while let frame = try await peer.next(), frame.type != Wire.pong {
                    guard frame.type == Wire.status else { continue }
                    #expect(Wire.code(frame) == RPCError.Code.resourceExhausted.rawValue)
                    refused += 1
                }
                peers.append(peer)
            }
            #expect(refused == 2)
            for peer in peers { peer.close() }
        }
    }

    @Test(arguments: Medium.allCases)
    func `attack/calls: those of an identity are bounded over its connections`(
        medium: Medium
    ) async throws {
        var options = RPCOptions()
        options.peerStreamsMax = 3
        try await on(medium, server: options) { bed in
            var refused = 0
            var peers: [ScriptedPeer] = []
            for _ in 0..<5 {
                let peer = try await bed.script()
                try await peer.greet()
                let ask = Ask(pause: .seconds(20)).encoded()
                peer.send(Wire.request(Interop.Method.unaryCall, 1, ask), Wire.ping(1))
                while let frame = try await peer.next(), frame.type != Wire.pong {
                    guard frame.type == Wire.status else { continue }
                    #expect(Wire.code(frame) == RPCError.Code.resourceExhausted.rawValue)
                    refused += 1
                }
                peers.append(peer)
            }
            #expect(refused == 2)
            for peer in peers { peer.close() }
            try await bed.tally("cancelled", reaches: 3)
            try await Self.serves(bed)
        }
    }

    // MARK: - Garbage

    @Test(arguments: Medium.allCases)
    func `garbage/every byte flipped`(medium: Medium) async throws {
        try await on(medium) { bed in
            let request = Wire.request(Interop.Method.unaryCall, 1, Ask(payload: 3).encoded())
            let good = request.bytes
            for bit in 0..<(good.count * 8) {
                var damaged = good
                damaged[bit / 8] ^= 1 << (bit % 8)
                let peer = try await bed.script()
                try await peer.greet()
                peer.send(damaged + Wire.ping(1).bytes)
                // An answer, an end, or waiting for more: nothing that harms others.
                _ = try? await peer.next(timeout: .milliseconds(100))
                peer.close()
            }
            try await Self.serves(bed)
        }
    }

    @Test(arguments: Medium.allCases)
    func `garbage/every truncation`(medium: Medium) async throws {
        try await on(medium) { bed in
            let request = Wire.request(Interop.Method.unaryCall, 1, Ask(payload: 3).encoded())
            for length in request.bytes.indices {
                let peer = try await bed.script()
                try await peer.greet()
                peer.send(Array(request.bytes.prefix(length)))
                peer.finish()
            }
            try await Self.serves(bed)
            #expect(bed.service.tally["began"] == 1)
        }
    }

    /// Calls a server that sends these bytes behind each request and closes: no call may hang.
    private static func answers(_ medium: Medium, _ all: [[UInt8]]) async throws -> [Reply?] {
        let replies = Log<Reply?>()
        try await on(medium) { bed in
            let next = Lock(all[...])
            let dial = try await bed.serveScript(
                Script { peer, frame in
                    guard frame.type == Wire.request else { return }
                    peer.send(next.withLock { $0.popFirst() ?? [] })
                    peer.finish()
                })
            for _ in all {
                let client = Interop.Client(try await dial(RPCOptions()).connect())
                do { replies.add(try await client.unaryCall(Ask())) } catch { replies.add(nil) }
            }
            try await Self.serves(bed)
        }
        return replies.all
    }

    private static var answer: RawFrame {
        var reply = Reply()
        reply.total = 7
        reply.peer = "somebody"
        return Wire.data(1, reply.encoded())
    }

    @Test(arguments: Medium.allCases)
    func `garbage/every byte of an answer flipped`(medium: Medium) async throws {
        let good = Self.answer.bytes
        let damaged = (0..<(good.count * 8)).map { bit in
            var bytes = good
            bytes[bit / 8] ^= 1 << (bit % 8)
            return bytes
        }
        #expect(try await Self.answers(medium, damaged).count == damaged.count)
    }

    @Test(arguments: Medium.allCases)
    func `garbage/every truncation of an answer`(medium: Medium) async throws {
        let good = Self.answer.bytes
        let cut = good.indices.map { Array(good.prefix($0)) }
        let replies = try await Self.answers(medium, cut + [good])
        // Nothing but the whole is an answer.
        #expect(replies.dropLast().allSatisfy { $0 == nil })
        #expect(replies.last??.total == 7)
    }
}
