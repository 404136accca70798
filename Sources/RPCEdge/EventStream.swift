import HTTP
import RPCRuntime
import Transport

/// A stream of answers as server-sent events (WHATWG HTML, 9.2).
///
/// Each message is an event whose data is its JSON. Comments keep the connection alive. A failure
/// before the first message is the response itself, a later one the event `error`.
struct EventStream: Sendable {
    typealias Run = @Sendable (HTTPRoute.Sink) async throws(RPCError) -> Void

    let edge: HTTPEdge
    let method: String
    let id: String
    private let run: Run

    init(edge: HTTPEdge, method: String, id: String, run: @escaping Run) {
        self.edge = edge
        self.method = method
        self.id = id
        self.run = run
    }

    func response(to request: HTTPRequest) -> HTTPResponse {
        HTTPResponse(
            .ok,
            fields: [HTTPField("Content-Type", "text/event-stream")] + HTTPEdge.fields(id),
            body: .stream { writer in
                edge.openStreams.add(1)
                defer { edge.openStreams.add(-1) }
                let relay = EventRelay(on: edge.loop)
                // Cancelled where the response ends first.
                async let call: Void = relay.carry(run)
                try await write(relay, to: writer, request)
                await call
            })
    }

    private func write(
        _ relay: EventRelay, to writer: HTTPBodyWriter, _ request: HTTPRequest
    ) async throws {
        var hasBegun = false
        while true {
            let patience = hasBegun ? edge.options.heartbeat : edge.options.streamStart
            switch await relay.next(within: patience) {
            case .event(let event): try await writer.write(Self.text(event))
            case .nothing:
                if hasBegun {
                    try await writer.write(Array(": \n\n".utf8))
                } else {
                    try await writer.begin()
                }
            case .end(nil): return
            case .end(let error?):
                let problem = edge.problem(error, method, id)
                guard hasBegun else {
                    throw HTTPInstead(problem.response(to: request, id: id))
                }
                let data = problem.document(instance: request.head.target.path, id: id)
                return try await writer.write(Self.text("error", data, ""))
            }
            hasBegun = true
        }
    }

    private static func text(_ event: HTTPRoute.Event) -> [UInt8] {
        text(nil, event.json, event.id)
    }

    /// JSON has no line ends, and ids that have one are left out.
    private static func text(_ name: String?, _ data: [UInt8], _ id: String) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(data.count + id.utf8.count + 32)
        if let name { text += Array("event: \(name)\n".utf8) }
        if !id.isEmpty, id.utf8.allSatisfy({ $0 != 0 && $0 != 0x0A && $0 != 0x0D }) {
            text += Array("id: \(id)\n".utf8)
        }
        text += Array("data: ".utf8)
        text += data
        text += Array("\n\n".utf8)
        return text
    }
}
