import RPCRuntime
import RPCTesting
import Synchronization
import TestSchemas
import TestSupport
import Testing
import Transport

/// Metadata, status, and the sizes of messages.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct StatusTests {
    private static func echoes(_ initial: [String], _ trailing: [[UInt8]]) -> Metadata {
        var metadata = Metadata()
        for text in initial { metadata.append(InteropService.echoInitial, text: text) }
        for bytes in trailing { metadata.append(InteropService.echoTrailing, bytes) }
        return metadata
    }

    private static func report(
        _ metadata: Metadata, _ client: Interop.Client
    ) async throws -> CallReport {
        let report = CallReport()
        var options = CallOptions()
        (options.metadata, options.report) = (metadata, report)
        _ = try await client.unaryCall(Ask(payload: 271_828, answers: 314_159), options)
        return report
    }

    @Test(arguments: Medium.allCases)
    func `meta/echo-head`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let sent = Self.echoes(["test_initial_metadata_value"], [])
            let unary = try await Self.report(sent, client)
            #expect(unary.head == sent && unary.trailers.isEmpty)
            let report = CallReport()
            var options = CallOptions()
            (options.metadata, options.report) = (sent, report)
            _ = try await client.fullDuplex(options) { asks, replies throws(RPCError) in
                try await asks.write(Ask(payload: 271_828, answers: 314_159))
                asks.finish()
                return try await BasicTests.sizes(replies)
            }
            #expect(report.head == sent)
        }
    }

    @Test(arguments: Medium.allCases)
    func `meta/echo-trailer-bin`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let sent = Self.echoes([], [[0xAB, 0xAB, 0xAB]])
            let unary = try await Self.report(sent, client)
            #expect(unary.trailers == sent && unary.head.isEmpty)
            let every = Self.echoes([], [Array(0...255)])
            #expect(try await Self.report(every, client).trailers == every)
        }
    }

    @Test(arguments: Medium.allCases)
    func `meta/duplicate-order`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let sent = Self.echoes(["b", "a", "b", ""], [[2], [1], [2], []])
            let report = try await Self.report(sent, client)
            #expect(report.head.entries == Array(sent.entries.prefix(4)))
            #expect(report.trailers.entries == Array(sent.entries.suffix(4)))
            // With an error they come as well, as its metadata.
            var options = CallOptions()
            options.metadata = sent
            let error = await #expect(throws: RPCError.self) {
                try await client.unaryCall(Ask(failing: .aborted, "no"), options)
            }
            #expect(error?.metadata.entries == Array(sent.entries.suffix(4)))
        }
    }

    @Test(arguments: Medium.allCases)
    func `meta/63K-header`(medium: Medium) async throws {
        var options = RPCOptions()
        options.metadataBytesMax = 60 << 10
        try await on(medium, server: options) { [options] bed in
            let client = try await bed.client(options)
            let room = options.metadataBytesMax - InteropService.echoInitial.utf8.count - 8
            let sent = Self.echoes([String(repeating: "x", count: room)], [])
            #expect(sent.byteCount == options.metadataBytesMax)
            #expect(try await Self.report(sent, client).head == sent)
        }
    }

    @Test(arguments: Medium.allCases)
    func `meta/limit+1`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let room = RPCOptions().metadataBytesMax - InteropService.echoInitial.utf8.count - 8
            var options = CallOptions()
            options.metadata = Self.echoes([String(repeating: "x", count: room + 1)], [])
            let error = await #expect(throws: RPCError.self) {
                try await client.unaryCall(Ask(), options)
            }
            #expect(error?.code == .resourceExhausted && error?.certainty == .notSent)
            #expect(error?.message.contains("metadataBytesMax") == true)
            options.metadata = Metadata(
                (0..<65).map { _ in Metadata.Entry("k", []) })
            await #expect(throws: RPCError.self) { try await client.unaryCall(Ask(), options) }
            #expect(try await client.unaryCall(Ask(payload: 1)).total == 1)
        }
    }

    @Test(arguments: Medium.allCases)
    func `status/16 codes × 2`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            for code in RPCError.Code.allCases {
                let ask = Ask(failing: code, "test status message")
                let unary = await #expect(throws: RPCError.self) {
                    try await client.unaryCall(ask)
                }
                let stream = await #expect(throws: RPCError.self) {
                    try await client.streamingOutput(ask, CallOptions(), BasicTests.sizes)
                }
                for error in [unary, stream] {
                    #expect(error?.code == code && error?.message == "test status message")
                    #expect(error?.certainty == .processed)
                }
            }
        }
    }

    private static func expectMessage(_ medium: Medium, _ text: String) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let ask = Ask(failing: .unknown, text)
            let unary = await #expect(throws: RPCError.self) { try await client.unaryCall(ask) }
            let stream = await #expect(throws: RPCError.self) {
                try await client.streamingOutput(ask, CallOptions(), BasicTests.sizes)
            }
            for error in [unary, stream] {
                #expect(error?.message.utf8.elementsEqual(text.utf8) == true)
            }
        }
    }

    @Test(arguments: Medium.allCases, ["BMP ☺ and non-BMP 😈", "u\u{308}mlaut", "\u{0}\u{FFFD}"])
    func `status/unicode`(medium: Medium, text: String) async throws {
        try await Self.expectMessage(medium, text)
    }

    @Test(arguments: Medium.allCases)
    func `status/whitespace`(medium: Medium) async throws {
        let text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
        try await Self.expectMessage(medium, text)
    }

    @Test(arguments: Medium.allCases)
    func `status/after-responses`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let came = Lock(0)
            let error = await #expect(throws: RPCError.self) {
                let ask = Ask(failing: .dataLoss, "cut", behind: 10, 100_000, 3)
                try await client.streamingOutput(ask) { replies throws(RPCError) in
                    for try await _ in replies { came.withLock { $0 += 1 } }
                }
            }
            #expect(error?.code == .dataLoss && came.withLock { $0 } == 3)
        }
    }

    @Test(arguments: Medium.allCases)
    func `status/before the client is done sending`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let error = await #expect(throws: RPCError.self) {
                try await client.streamingInput { asks throws(RPCError) in
                    try await asks.write(Ask(failing: .outOfRange, "enough"))
                    while true { try await asks.write(Ask(payload: 1000)) }
                }
            }
            #expect(error?.code == .outOfRange)
        }
    }

    @Test(arguments: Medium.allCases)
    func `status/details-unknown-type`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            var ask = Ask(failing: .failedPrecondition, "with detail")
            ask.status?.detail = "why"
            let error = await #expect(throws: RPCError.self) {
                try await client.unaryCall(ask)
            }
            #expect(try error?.detail(EchoStatus.self)?.detail == "why")
            // Whoever does not know the type still has the error, and the bytes.
            #expect(try error?.detail(Wanted.self) == nil)
            #expect(error?.details.map(\.typeName) == ["biometricflow.conformance.v1.EchoStatus"])
        }
    }

    // MARK: - Sizes

    /// A server that takes messages of 200 KiB.
    private static var narrow: RPCOptions {
        var options = RPCOptions()
        options.messageBytesMax = 200 << 10
        return options
    }

    /// A request of exactly so many bytes.
    private static func request(of size: Int) -> Ask {
        var ask = Ask(payload: size - 4)
        while ask.encoded().count > size { ask.payload.removeLast() }
        return ask
    }

    @Test(arguments: Medium.allCases)
    func `size/equal`(medium: Medium) async throws {
        try await on(medium, server: Self.narrow) { bed in
            let ask = Self.request(of: 200 << 10)
            #expect(ask.encoded().count == 200 << 10)
            let reply = try await bed.client().unaryCall(ask)
            #expect(reply.total == UInt64(ask.payload.count))
        }
    }

    @Test(arguments: Medium.allCases)
    func `size/plus10`(medium: Medium) async throws {
        try await on(medium, server: Self.narrow) { bed in
            let client = try await bed.client()
            let error = await #expect(throws: RPCError.self) {
                try await client.unaryCall(Self.request(of: 200 << 10 + 10))
            }
            #expect(error?.code == .resourceExhausted && error?.certainty == .notSent)
            #expect(error?.message.contains("messageBytesMax") == true)
        }
    }

    /// A stream of requests of which one is too large; the caller knows how many were sent.
    private static func expectTooLarge(_ medium: Medium, behind before: Int) async throws {
        try await on(medium, server: narrow) { bed in
            let client = try await bed.client()
            let sent = Lock(0)
            let error = await #expect(throws: RPCError.self) {
                try await client.streamingInput { asks throws(RPCError) in
                    for _ in 0..<before {
                        try await asks.write(Ask(payload: 10))
                        sent.withLock { $0 += 1 }
                    }
                    try await asks.write(Self.request(of: 200 << 10 + 10))
                }
            }
            #expect(error?.code == .resourceExhausted && sent.withLock { $0 } == before)
            try await bed.tally("cancelled", reaches: 1)
            #expect(try await client.unaryCall(Ask(payload: 1)).total == 1)
        }
    }

    @Test(arguments: Medium.allCases)
    func `size/first`(medium: Medium) async throws {
        try await Self.expectTooLarge(medium, behind: 0)
    }

    @Test(arguments: Medium.allCases)
    func `size/subsequent`(medium: Medium) async throws {
        try await Self.expectTooLarge(medium, behind: 3)
    }

    /// A peer that does not keep to the limit it was told.
    @Test(arguments: Medium.allCases)
    func `size/a peer that sends more`(medium: Medium) async throws {
        try await on(medium, server: Self.narrow) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            for (number, size) in [(UInt32(0), 200 << 10), (1, 200 << 10 + 10)] {
                let stream = number * 2 + 1
                let message = Self.request(of: size).encoded()
                peer.send(
                    Wire.request(
                        Interop.Method.unaryCall, stream, Array(message.prefix(100_000)),
                        flags: 0),
                    Wire.data(stream, Array(message.dropFirst(100_000))))
            }
            #expect(try await peer.next(type: Wire.data).stream == 1)
            let status = try await peer.next(type: Wire.status)
            #expect(status.stream == 3)
            #expect(Wire.code(status) == RPCError.Code.resourceExhausted.rawValue)
            peer.close()
        }
    }

    /// The limit of the caller, for answers.
    @Test(arguments: Medium.allCases)
    func `size/answer`(medium: Medium) async throws {
        var options = RPCOptions()
        options.messageBytesMax = 1 << 20
        try await on(medium) { [options] bed in
            let client = try await bed.client(options)
            let fits = 1 << 20 - 100
            #expect(try await client.unaryCall(Ask(answers: fits)).payload.count == fits)
            let unary = await #expect(throws: RPCError.self) {
                try await client.unaryCall(Ask(answers: 1 << 20 + 10))
            }
            let came = Log<Int>()
            let stream = await #expect(throws: RPCError.self) {
                try await client.streamingOutput(Ask(answers: 10, fits, 1 << 20 + 10)) {
                    replies throws(RPCError) in
                    for try await reply in replies { came.add(reply.payload.count) }
                }
            }
            for error in [unary, stream] {
                #expect(error?.code == .resourceExhausted && error?.certainty == .processed)
            }
            #expect(came.all == [10, fits])
        }
    }

    @Test(arguments: Medium.allCases)
    func `size/decompressed`(medium: Medium) async throws {
        try await on(medium, server: Self.narrow) { bed in
            let client = try await bed.client()
            var options = CallOptions()
            options.compressesRequest = true
            // Small on the wire, too large when expanded.
            let error = await #expect(throws: RPCError.self) {
                try await client.unaryCall(Ask(payload: 200 << 10 + 10), options)
            }
            #expect(error?.code == .resourceExhausted)
        }
    }
}
