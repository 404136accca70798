import Foundation
import MeshAPI
import TestSupport
import Testing

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

    /// What this runtime sends for each example.
    private func sent() throws -> [(name: String, bytes: [UInt8])] {
        var options = RPCOptions()
        options.agent = "example"
        var client = ConnectionCore<Int>(
            .dialler, options, peerName: "server", services: [], now: 0)
        var server = ConnectionCore<Int>(
            .listener, options, peerName: "client", services: [], now: 0)
        let hello = client.output.bytes
        var seen: [Pair.Seen] = []
        var input: [UInt8] = []
        Pair.hand(server.output.bytes, to: &client, &input, &seen, .max, 0)
        Pair.hand(hello, to: &server, &input, &seen, .max, 0)
        client.output.bytes = []
        server.output.bytes = []
        let payload = Payload(data: [1, 2, 3])
        _ = try client.call(Echo.Method.echo, deadline: 5_000_000_000, now: 0, 1) {
            payload.encode(into: &$0)
        }
        let request = client.output.bytes
        Pair.hand(request, to: &server, &input, &seen, .max, 0)
        _ = try server.answer(1, isLast: true) { payload.encode(into: &$0) }
        let answer = server.output.bytes
        server.output.bytes = []
        server.control(
            .status, stream: 1,
            CallStatus(RPCError(.permissionDenied, "not you", certainty: .refused)))
        let refusal = server.output.bytes
        client.output.bytes = []
        client.consumed(99, 0)
        _ = try client.call(Echo.Method.download, deadline: .max, now: 0, 1) { _ in }
        client.output.bytes = []
        client.consumed(3, 262_144)
        let credit = client.output.bytes
        client.output.bytes = []
        while case .some = client.tick(6_000_000_000) { client.output.bytes = [] }
        client.output.bytes = []
        _ = client.tick(70_000_000_000)
        let ping = client.output.bytes
        server.output.bytes = []
        Pair.hand(ping, to: &server, &input, &seen, .max, 0)
        return [
            ("hello", hello), ("request", request), ("answer", answer), ("refusal", refusal),
            ("credit", credit), ("ping", ping), ("pong", server.output.bytes),
        ]
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
