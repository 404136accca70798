import Foundation
import MeshAPI
import TestSupport
import Testing
import Transport

@testable import RPCRuntime

/// The byte examples of docs/WIRE.md are what this runtime sends.
@Suite struct WireDocumentTests {
    /// The examples of the document by name, in its order.
    private func examples() throws -> [(name: String, hex: String)] {
        let text = try String(
            contentsOfFile: "\(repositoryRoot)/docs/WIRE.md", encoding: .utf8)
        return text.components(separatedBy: "```wire ").dropFirst().map { part in
            let lines = part.components(separatedBy: "\n")
            let body = lines.dropFirst().prefix { $0 != "```" }.joined()
            return (lines[0], body.replacing(" ", with: ""))
        }
    }

    /// Two ends whose hellos are done, and what each has sent since it was last asked.
    private struct Ends {
        var client: Core
        var server: Core
        var seen: [Pair.Seen] = []
        private var input: [UInt8] = []

        init() {
            var options = RPCOptions()
            options.agent = "example"
            client = Core(.dialler, options, peerName: "server", services: [], now: 0)
            server = Core(.listener, options, peerName: "client", services: [], now: 0)
            server.streamingMethods = [7]
        }

        /// What the dialler has sent, which the listener hears.
        mutating func fromClient() -> [UInt8] {
            let bytes = client.output.bytes
            client.output.bytes = []
            Pair.hand(bytes, to: &server, &input, &seen, .max, server.now)
            return bytes
        }

        /// What the listener has sent, which the dialler hears.
        mutating func fromServer() -> [UInt8] {
            let bytes = server.output.bytes
            server.output.bytes = []
            Pair.hand(bytes, to: &client, &input, &seen, .max, client.now)
            return bytes
        }
    }

    private typealias Sent = [(name: String, bytes: [UInt8])]

    /// What this runtime sends for each example.
    private func sent() throws -> Sent {
        var ends = Ends()
        let hello = ends.fromClient()
        _ = ends.fromServer()
        return [("hello", hello)] + (try calls(&ends)) + (try explained(&ends))
            + (try streams(&ends)) + (try drains()) + (try times())
    }

    private func calls(_ ends: inout Ends) throws -> Sent {
        let payload = Payload(data: [1, 2, 3])
        var terms = Core.CallTerms()
        terms.deadline = 5_000_000_000
        _ = try ends.client.call(Echo.Method.echo, terms, now: 0, Tag(1)) {
            payload.encode(into: &$0)
        }
        let request = ends.fromClient()
        _ = try ends.server.send(1, endsStream: true) { payload.encode(into: &$0) }
        let answer = ends.fromServer()
        ends.server.control(
            .status, stream: 1,
            CallStatus(RPCError(.permissionDenied, "not you", certainty: .refused)))
        return [("request", request), ("answer", answer), ("refusal", ends.fromServer())]
    }

    /// Heads, trailers and all that a failure can say.
    private func explained(_ ends: inout Ends) throws -> Sent {
        let payload = Payload(data: [1, 2, 3])
        var terms = Core.CallTerms()
        terms.deadline = 5_000_000_000
        terms.metadata = ["trace": "t1"]
        _ = try ends.client.call(Echo.Method.echo, terms, now: 0, Tag(1)) {
            payload.encode(into: &$0)
        }
        let request = ends.fromClient()
        try ends.server.setHead(3, ["served-by": "cairo"])
        try ends.server.setTrailers(3, ["took": "3"])
        _ = try ends.server.send(3, endsStream: false) { payload.encode(into: &$0) }
        let answer = ends.fromServer()
        ends.server.finish(3, nil)
        let trailers = ends.fromServer()
        #expect(
            ends.seen.suffix(3) == [
                .head(3, ["served-by": "cairo"]), .message(3, [1, 2, 3], isLast: false),
                .ended(1, nil, nil),
            ])
        #expect(ends.client.detail.metadata == ["took": "3"])
        var error = RPCError(.unavailable, "going away").with(detail: Payload(data: [9]))
        error.metadata = ["took": "3"]
        error.hops = [
            Hop(
                peer: "spiffe://biometricflow/location/cairo", method: "x.Y/z", stage: .connect,
                attempts: 2, times: [Hop.Time(.connect, microseconds: 1500)])
        ]
        error.isResumable = true
        ends.server.control(.status, stream: 3, CallStatus(error))
        return [
            ("request_metadata", request), ("answer_head", answer), ("trailers", trailers),
            ("failure", ends.fromServer()),
        ]
    }

    /// A stream of requests, what its server says meanwhile, and a compressed answer.
    private func streams(_ ends: inout Ends) throws -> Sent {
        let upload = MethodDescriptor(
            name: "test.Upload/upload", id: 7, kind: .bidirectional, deadline: nil,
            idleLimit: .seconds(60), roles: ["ctl"], fingerprint: 0)
        var terms = Core.CallTerms()
        terms.streamsRequest = true
        terms.heartbeat = 20_000_000_000
        let stream = try ends.client.call(upload, terms, now: 0, Tag(1)) { _ in }
        for byte: UInt8 in [1, 2] {
            _ = try ends.client.send(stream, endsStream: false) {
                Payload(data: [byte]).encode(into: &$0)
            }
        }
        ends.client.endRequest(stream)
        let request = ends.fromClient()
        #expect(
            ends.seen.suffix(4) == [
                .opened(stream, method: 7), .message(stream, [1], isLast: false),
                .message(stream, [2], isLast: false), .requestEnded(stream),
            ])
        #expect(Pair.tick(&ends.server, 20_000_000_000) == [])
        // A ping is due as well by then.
        let heartbeat = Array(ends.fromServer().prefix(FrameHeader.size))
        ends.server.announce(streamsMax: 7)
        let limits = ends.fromServer()
        let zeros = Payload(data: [UInt8](repeating: 0, count: 100)).encoded()
        let compressed = Deflater().compress(zeros.span)
        _ = try ends.server.send(stream, endsStream: false, isCompressed: true) {
            $0.bytes.append(contentsOf: compressed)
        }
        let answer = ends.fromServer()
        #expect(try Inflater().expand(compressed.span, max: 1000) == zeros)
        return [
            ("request_stream", request), ("heartbeat", heartbeat), ("limits", limits),
            ("compressed", answer),
        ]
    }

    private func drains() throws -> Sent {
        var ends = Ends()
        _ = ends.fromClient()
        _ = ends.fromServer()
        ends.server.announceDrain("update")
        let announced = ends.fromServer()
        #expect(ends.seen.last == .draining)
        _ = ends.fromClient()
        return [("drain_announced", announced), ("drain_refusing", ends.fromServer())]
    }

    private func times() throws -> Sent {
        var ends = Ends()
        _ = ends.fromClient()
        _ = ends.fromServer()
        let stream = try ends.client.call(Echo.Method.download, Core.CallTerms(), now: 0, Tag(1)) {
            _ in
        }
        _ = ends.fromClient()
        ends.client.consumed(stream, 262_144)
        // With the first credit it measures the round trip.
        let both = ends.fromClient()
        let credit = Array(both.prefix(FrameHeader.size + 4))
        let ping = Array(both.dropFirst(credit.count))
        return [("credit", credit), ("ping", ping), ("pong", ends.fromServer())]
    }

    @Test func `every example of the document is what this runtime sends`() throws {
        let examples = try examples()
        let sent = try sent()
        #expect(examples.map(\.name) == sent.map(\.name))
        for (example, actual) in zip(examples, sent) {
            let hex = actual.bytes.map { byte in
                let text = String(byte, radix: 16)
                return byte < 16 ? "0" + text : text
            }.joined()
            #expect(example.hex == hex, "\(example.name)")
        }
    }
}
