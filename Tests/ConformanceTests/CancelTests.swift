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

    @Test(arguments: Medium.allCases, MethodKind.all)
    func `cancel/before-start`(medium: Medium, kind: MethodKind) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let error = try await withThrowingTaskGroup(of: RPCError?.self) { group in
                group.cancelAll()
                group.addTask {
                    do {
                        try await Self.paused(client, kind, CallOptions(), .zero)
                        return nil
                    } catch let error as RPCError { return error }
                }
                return try await group.next() ?? nil
            }
            #expect(error?.code == .cancelled && error?.certainty == .notSent)
            // What comes behind it is the first call that the server sees.
            #expect(try await client.unaryCall(Ask(payload: 1)).total == 1)
            #expect(bed.service.tally["began"] == 1)
        }
    }

    @Test(arguments: Medium.allCases, MethodKind.all)
    func `cancel/after-head`(medium: Medium, kind: MethodKind) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let report = CallReport()
            var options = CallOptions()
            options.report = report
            options.metadata = [InteropService.echoInitial: "x", InteropService.headFirst: "1"]
            let error = try await Self.cancelled {
                try await bed.eventually { !report.head.isEmpty }
            } _: { [options] in
                try await Self.paused(client, kind, options, .seconds(25))
            }
            #expect(error?.code == .cancelled && error?.certainty == .maybeProcessed)
            try await bed.tally("cancelled", reaches: 1)
        }
    }

    /// Of the kinds whose request may go on: nothing of it has been sent but the head.
    @Test(arguments: Medium.allCases, [MethodKind.clientStreaming, .bidirectional])
    func `cancel/after-begin`(medium: Medium, kind: MethodKind) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            @Sendable func idle() async throws(RPCError) {
                do throws(TransportError) {
                    try await bed.loop.sleep(for: .seconds(25))
                } catch { throw RPCError(.cancelled, "given up", certainty: .maybeProcessed) }
            }
            let error = try await Self.cancelled {
                try await bed.tally("began", reaches: 1)
            } _: {
                if kind == .clientStreaming {
                    _ = try await client.streamingInput { _ throws(RPCError) in try await idle() }
                } else {
                    try await client.fullDuplex { _, _ throws(RPCError) in try await idle() }
                }
            }
            #expect(error?.code == .cancelled)
            try await bed.tally("cancelled", reaches: 1)
        }
    }

    /// The methods of several answers.
    enum Answering: CaseIterable { case stream, fullDuplex, halfDuplex }

    @Test(arguments: Medium.allCases, Answering.allCases)
    func `cancel/after-first-response`(medium: Medium, answering: Answering) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let came = Log<Int>()
            @Sendable func note(_ replies: MessageStream<Reply>) async throws(RPCError) {
                for try await reply in replies { came.add(reply.payload.count) }
            }
            let error = try await Self.cancelled {
                try await bed.eventually { came.all.count == 1 }
            } _: {
                var ask = Ask(payload: 27_182, answers: 31_415, 9)
                ask.answers[1].pause = .seconds(25)
                let sent = ask
                switch answering {
                case .stream:
                    try await client.streamingOutput(sent) { replies throws(RPCError) in
                        try await note(replies)
                    }
                case .fullDuplex:
                    try await client.fullDuplex { asks, replies throws(RPCError) in
                        try await asks.write(Ask(payload: 27_182, answers: 31_415))
                        try await note(replies)
                    }
                case .halfDuplex:
                    try await client.halfDuplex { asks, replies throws(RPCError) in
                        try await asks.write(sent)
                        asks.finish()
                        try await note(replies)
                    }
                }
            }
            // What had come before is not taken back.
            #expect(error?.code == .cancelled && came.all == [31_415])
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
            let heard = Lock<Wire.Frame?>(nil)
            let dial = try await bed.serveScript(
                .answering { _, frame in
                    heard.withLock { $0 = Wire.Frame(frame) }
                })
            let client = Interop.Client(try await dial(RPCOptions()).connect())
            _ = try await client.emptyCall(Nothing(), CallOptions(timeout: .seconds(5)))
            let timeout = try #require(heard.withLock { $0?.timeoutMicroseconds })
            #expect((1...5_000_000).contains(timeout))
        }
    }
}

extension MethodKind {
    static var all: [MethodKind] { [.unary, .serverStreaming, .clientStreaming, .bidirectional] }
}
