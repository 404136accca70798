import RPCRuntime
import RPCTesting
import Synchronization
import TestSchemas
import TestSupport
import Testing
import Transport

/// Calls that are given up, or whose time is over.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct CancelTests {
    /// Makes a call in a task that is cancelled once `condition` holds; how the call ended.
    private static func cancelled(
        once condition: @escaping @Sendable () async throws -> Void,
        _ call: @escaping @Sendable () async throws -> Void
    ) async throws -> RPCError? {
        try await withThrowingTaskGroup(of: RPCError?.self) { group in
            group.addTask {
                do {
                    try await call()
                    return nil
                } catch let error as RPCError { return error }
            }
            try await condition()
            group.cancelAll()
            return try await group.next() ?? nil
        }
    }

    @Test(arguments: Medium.allCases)
    func `cancel/before-start`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let error = try await withThrowingTaskGroup(of: RPCError?.self) { group in
                group.cancelAll()
                group.addTask {
                    do {
                        _ = try await client.unaryCall(Ask())
                        return nil
                    } catch let error as RPCError { return error }
                }
                return try await group.next() ?? nil
            }
            #expect(error?.code == .cancelled && error?.certainty == .notSent)
            #expect(bed.service.tally["began"] == 0)
        }
    }

    @Test(arguments: Medium.allCases)
    func `cancel/after-head`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let report = CallReport()
            var options = CallOptions()
            options.report = report
            options.metadata = [InteropService.echoInitial: "x", InteropService.headFirst: "1"]
            let error = try await Self.cancelled {
                try await bed.eventually { !report.head.isEmpty }
            } _: { [options] in
                _ = try await client.unaryCall(Ask(pause: .seconds(25)), options)
            }
            #expect(error?.code == .cancelled)
            try await bed.tally("cancelled", reaches: 1)
        }
    }

    @Test(arguments: Medium.allCases)
    func `cancel/after-begin`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let error = try await Self.cancelled {
                try await bed.tally("began", reaches: 1)
            } _: {
                _ = try await client.streamingInput { asks throws(RPCError) in
                    do throws(TransportError) {
                        try await bed.loop.sleep(for: .seconds(25))
                    } catch { throw RPCError(.cancelled, "given up", certainty: .maybeProcessed) }
                }
            }
            #expect(error?.code == .cancelled)
            try await bed.tally("cancelled", reaches: 1)
        }
    }

    @Test(arguments: Medium.allCases)
    func `cancel/after-first-response`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let came = Mutex<[Int]>([])
            let error = try await Self.cancelled {
                try await bed.eventually { came.withLock { $0.count } == 1 }
            } _: {
                try await client.fullDuplex { asks, replies throws(RPCError) in
                    try await asks.write(Ask(payload: 27_182, answers: 31_415))
                    for try await reply in replies {
                        came.withLock { $0.append(reply.payload.count) }
                    }
                }
            }
            #expect(error?.code == .cancelled && came.withLock { $0 } == [31_415])
            try await bed.tally("cancelled", reaches: 1)
        }
    }

    @Test(arguments: Medium.allCases, MethodKind.all)
    func `cancel/after-close-send`(medium: Medium, kind: MethodKind) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let error = try await Self.cancelled {
                try await bed.tally("began", reaches: 1)
            } _: {
                try await Self.paused(client, kind, CallOptions(), .seconds(25))
            }
            #expect(error?.code == .cancelled && error?.certainty == .maybeProcessed)
            try await bed.tally("cancelled", reaches: 1)
            // The link lives on.
            #expect(try await client.unaryCall(Ask(payload: 1)).total == 1)
        }
    }

    /// A call of a kind, whose request is whole and whose handler pauses.
    private static func paused(
        _ client: Interop.Client, _ kind: MethodKind, _ options: CallOptions, _ pause: Duration
    ) async throws {
        let ask = Ask(pause: pause)
        switch kind {
        case .unary: _ = try await client.unaryCall(ask, options)
        case .serverStreaming:
            _ = try await client.streamingOutput(ask, options, BasicTests.sizes)
        case .clientStreaming:
            _ = try await client.streamingInput(options) { asks throws(RPCError) in
                try await asks.write(ask)
            }
        case .bidirectional:
            _ = try await client.halfDuplex(options) { asks, replies throws(RPCError) in
                try await asks.write(ask)
                asks.finish()
                return try await BasicTests.sizes(replies)
            }
        }
    }

    // MARK: - Deadlines

    @Test(arguments: Medium.allCases)
    func `deadline/1ms`(medium: Medium) async throws {
        // gRPC's timeout_on_sleeping_server.
        try await on(medium) { bed in
            let client = try await bed.client()
            let error = await #expect(throws: RPCError.self) {
                let options = CallOptions(timeout: .milliseconds(1))
                _ = try await client.fullDuplex(options) { asks, replies throws(RPCError) in
                    var ask = Ask(pause: .seconds(10))
                    ask.payload = [UInt8](repeating: 0, count: 27_182)
                    try await asks.write(ask)
                    return try await BasicTests.sizes(replies)
                }
            }
            #expect(error?.code == .deadlineExceeded)
        }
    }

    @Test(arguments: Medium.allCases, MethodKind.all)
    func `deadline/every kind`(medium: Medium, kind: MethodKind) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let error = await #expect(throws: RPCError.self) {
                try await Self.paused(
                    client, kind, CallOptions(timeout: .milliseconds(200)), .milliseconds(1500))
            }
            #expect(error?.code == .deadlineExceeded && error?.certainty == .maybeProcessed)
            try await bed.tally("cancelled", reaches: 1)
        }
    }

    @Test(arguments: Medium.allCases)
    func `deadline/server-sees-remaining`(medium: Medium) async throws {
        try await on(medium) { bed in
            let options = CallOptions(timeout: .seconds(20))
            let reply = try await bed.client().unaryCall(Ask(), options)
            let left = try #require(reply.left)
            #expect(left <= .seconds(20) && left > .seconds(1))
        }
    }

    @Test(arguments: Medium.allCases)
    func `deadline/default-applied`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let left = try #require(try await client.unaryCall(Ask()).left)
            #expect(left <= .seconds(30) && left > .seconds(1))
            guard bed.medium == .memory else { return }
            await #expect(throws: RPCError(.deadlineExceeded, "")) {
                try await client.unaryCall(Ask(pause: .seconds(31)))
            }
        }
    }

    @Test(arguments: Medium.allCases)
    func `deadline/propagated-two-hops`(medium: Medium) async throws {
        try await on(medium) { bed in
            bed.service.tally.onward = try await bed.link()
            let client = try await bed.client()
            var ask = Ask()
            ask.isOnward = true
            let options = CallOptions(timeout: .seconds(10))
            let left = try #require(try await client.unaryCall(ask, options).left)
            #expect(left <= .seconds(10))
            // The onward call ends with the one that it was made for.
            ask = Ask(pause: .seconds(25))
            ask.isOnward = true
            let late = ask
            let error = await #expect(throws: RPCError.self) {
                try await client.unaryCall(late, CallOptions(timeout: .milliseconds(100)))
            }
            #expect(error?.code == .deadlineExceeded)
            try await bed.eventually {
                bed.service.tally["cancelled"] + bed.service.tally["failed"] == 2
            }
            bed.service.tally.onward = nil
        }
    }

    @Test(arguments: Medium.allCases)
    func `deadline/clock-skew`(medium: Medium) async throws {
        // What is on the wire is a time that is left, of which no clock's reading is part.
        try await on(medium) { bed in
            let heard = Mutex<Wire.Frame?>(nil)
            let dial = try await bed.serveScript(
                .answering { _, frame in
                    heard.withLock { $0 = Wire.Frame(frame) }
                })
            let client = Interop.Client(try await dial(RPCOptions(), []))
            _ = try await client.emptyCall(Nothing(), CallOptions(timeout: .seconds(5)))
            let timeout = try #require(heard.withLock { $0?.timeoutMicroseconds })
            #expect((1...5_000_000).contains(timeout))
        }
    }

    // MARK: - Compression

    @Test(arguments: Medium.allCases)
    func `compress/probe`(medium: Medium) async throws {
        // gRPC's client_compressed_unary.
        try await on(medium) { bed in
            let client = try await bed.client()
            var probe = Ask(payload: 271_828, answers: 314_159)
            probe.expectCompressed = true
            let sent = probe
            let error = await #expect(throws: RPCError.self) {
                try await client.unaryCall(sent)
            }
            #expect(error?.code == .invalidArgument)
            var options = CallOptions()
            options.compressesRequest = true
            #expect(try await client.unaryCall(sent, options).payload.count == 314_159)
            probe.expectCompressed = false
            #expect(try await client.unaryCall(probe).total == 271_828)
        }
    }

    @Test(arguments: Medium.allCases)
    func `compress/per-message`(medium: Medium) async throws {
        // gRPC's client_compressed_streaming.
        try await on(medium) { bed in
            let client = try await bed.client()
            var first = Ask(payload: 27_182)
            first.expectCompressed = true
            var second = Ask(payload: 45_904)
            second.expectCompressed = false
            let (packed, plain) = (first, second)
            let error = await #expect(throws: RPCError.self) {
                try await client.streamingInput { asks throws(RPCError) in
                    try await asks.write(packed)
                }
            }
            #expect(error?.code == .invalidArgument)
            let reply = try await client.streamingInput { asks throws(RPCError) in
                try await asks.compress()
                try await asks.write(packed)
                try await asks.compress(false)
                try await asks.write(plain)
            }
            #expect(reply.total == 73_086)
        }
    }

    @Test(arguments: Medium.allCases)
    func `compress/server-choice`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            for isCompressed in [true, false] {
                var ask = Ask(payload: 271_828, answers: 314_159)
                ask.answers[0].compressed = isCompressed
                let report = CallReport()
                var options = CallOptions()
                options.report = report
                #expect(try await client.unaryCall(ask, options).payload.count == 314_159)
                #expect(report.compressedMessages == (isCompressed ? 1 : 0))
            }
            var ask = Ask(answers: 31_415, 92_653)
            ask.answers[0].compressed = true
            let report = CallReport()
            var options = CallOptions()
            options.report = report
            let sizes = try await client.streamingOutput(ask, options, BasicTests.sizes)
            #expect(sizes == [31_415, 92_653] && report.compressedMessages == 1)
        }
    }

    @Test(arguments: Medium.allCases)
    func `compress/bomb`(medium: Medium) async throws {
        try await on(medium) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            let zeros = [UInt8](repeating: 0, count: 8 << 20)
            let bomb = Deflater().compress(zeros.span)
            #expect(bomb.count < 100_000)
            peer.send(
                Wire.request(Interop.Method.unaryCall, 1, bomb, flags: Wire.both | Wire.compressed))
            let status = try await peer.next(type: Wire.status)
            #expect(Wire.code(status) == RPCError.Code.resourceExhausted.rawValue)
            peer.send(Wire.request(Interop.Method.emptyCall, 3, []))
            #expect(try await peer.next(type: Wire.data).stream == 3)
            #expect(bed.service.tally["began"] == 0)
        }
    }
}

extension MethodKind {
    static var all: [MethodKind] { [.unary, .serverStreaming, .clientStreaming, .bidirectional] }
}
