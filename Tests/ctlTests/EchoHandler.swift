import MeshAPI
import RPCRuntime

/// A service with all four kinds of calls.
struct EchoHandler: Echo.Service {
    func echo(_ request: Payload, _ call: ServerCall) async throws(RPCError) -> Payload {
        if call.metadata.text("fail") != nil {
            throw RPCError(.invalidArgument, "the caller wants it so")
        }
        return request
    }

    func download(
        _ request: StreamRequest, to responses: MessageWriter<Payload>, _ call: ServerCall
    ) async throws(RPCError) {
        let payload = Payload(data: [UInt8](repeating: 1, count: Int(request.size)))
        for _ in 0..<request.count { try await responses.write(payload) }
    }

    func upload(
        _ requests: MessageStream<Payload>, _ call: ServerCall
    ) async throws(RPCError) -> StreamRequest {
        var seen = StreamRequest()
        for try await payload in requests {
            seen.count += 1
            seen.size = max(seen.size, UInt32(payload.data.count))
        }
        return seen
    }

    func chat(
        _ requests: MessageStream<Payload>, to responses: MessageWriter<Payload>,
        _ call: ServerCall
    ) async throws(RPCError) {
        for try await payload in requests { try await responses.write(payload) }
    }
}
