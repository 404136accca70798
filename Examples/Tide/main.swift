import HTTP
import RPCEdge
import RPCRuntime
import RPCServices
import Transport

struct Tides: Tide.Service {
    func level(_ request: LevelRequest, _ call: ServerCall) async throws(RPCError) -> Level {
        if request.harbour == "atlantis" { throw RPCError(.notFound, "there is no such harbour") }
        return Level(harbour: request.harbour, millimetres: 4200)
    }

    func watch(
        _ request: LevelRequest, to levels: MessageWriter<Level>, _ call: ServerCall
    ) async throws(RPCError) {
        for number in (Int64(request.cursor) ?? 0)..<10_000 {
            let cursor = "\(number + 1)"
            try await levels.write(
                Level(harbour: request.harbour, millimetres: number, cursor: cursor))
            try? await call.connection.loop.sleep(for: .seconds(1))
        }
    }
}

let loop = EventLoop(name: "tide")
let tls = try TLSContext.mutual(
    certificate: "run/certs/gateway-tide.pem", key: "run/certs/gateway-tide.key",
    ca: "run/certs/ca.pem", trustDomain: "biometricflow", isServer: true)
let services = [Tide.handlers(Tides()), Reflection.handlers(ReflectionService([Tide.descriptor]))]
let server = RPCServer(tls: tls, loop: loop, services: services)
try server.listen(on: SocketAddress(parsing: "127.0.0.1:7550"))

let link = RPCLink(RPCDialler(to: try server.local(as: "edge"), loop: loop))
async let linked: Void = link.run(random: { .random(in: 0..<1) })
let edge = HTTPEdge(
    routes: SchemaCatalog.routes, to: link, on: loop,
    options: HTTPEdge.Options(random: Crypto.randomBytes), authenticate: HTTPEdge.anyone)
let address = try SocketAddress(parsing: "127.0.0.1:8550")
try await HTTPServer(address: address, loop: loop, clock: .system, handler: edge.respond).run()
