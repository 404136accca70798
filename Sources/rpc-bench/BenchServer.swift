import MeshAPI
import RPCRuntime
import Transport

/// Echoes, until it is killed.
enum BenchServer {
    static func run(_ options: BenchOptions) async throws {
        let tls = try TLSContext.mutual(
            certificate: options.certificates + "/server.pem",
            key: options.certificates + "/server.key", ca: options.certificates + "/ca.pem",
            trustDomain: "biometricflow", isServer: true, resumption: options.resumption)
        let loops = (0..<options.threads).map { EventLoop(name: "server \($0)") }
        let server = RPCServer(
            tls: tls, loops: loops, services: [Echo.handlers(EchoHandler())],
            options: options.limits,
            log: { event in
                if event.level != .info { StandardError.write(line: "server: \(event.message)") }
            })
        _ = try server.listen(on: SocketAddress(host: options.host, port: options.port))
        print("READY")
        while true { try await Task.sleep(for: .seconds(3600)) }
    }

    /// Room for the 64 MiB messages of workload H.
    static func limits() -> RPCOptions {
        var limits = RPCOptions()
        limits.messageBytesMax = 80 << 20
        limits.reassemblyBytesMax = 160 << 20
        limits.backlogBytesMax = 160 << 20
        return limits
    }
}

struct EchoHandler: Echo.Service {
    func echo(_ request: Payload, _ call: ServerCall) async throws(RPCError) -> Payload { request }

    func download(
        _ request: StreamRequest, to payloads: MessageWriter<Payload>, _ call: ServerCall
    ) async throws(RPCError) {
        guard request.size <= 1 << 20 else {
            throw RPCError(.invalidArgument, "size is \(request.size); the limit is 1048576")
        }
        let payload = Payload(data: [UInt8](repeating: 7, count: Int(request.size)))
        for _ in 0..<request.count { try await payloads.write(payload) }
    }

    func upload(
        _ payloads: MessageStream<Payload>, _ call: ServerCall
    ) async throws(RPCError) -> StreamRequest {
        var seen = StreamRequest()
        for try await payload in payloads {
            seen.count += 1
            seen.size = max(seen.size, UInt32(clamping: payload.data.count))
        }
        return seen
    }

    func chat(
        _ payloads: MessageStream<Payload>, to answers: MessageWriter<Payload>, _ call: ServerCall
    ) async throws(RPCError) {
        for try await payload in payloads { try await answers.write(payload) }
    }
}
