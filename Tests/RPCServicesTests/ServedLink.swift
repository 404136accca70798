import RPCRuntime
import Synchronization
import TestSupport
import Transport

/// A link over TLS to a server of some services, for the time of a closure.
func withLink(
    to services: [ServiceHandlers], as identity: String = "location/cairo",
    _ body: (RPCConnection, RPCServer) async throws -> Void
) async throws {
    let certificates = try made.withLock { made in
        if let known = made[identity] { return known }
        let new = try Certificates([identity, "gateway/main"])
        made[identity] = new
        return new
    }
    func context(_ identity: String, isServer: Bool) throws -> TLSContext {
        try TLSContext.mutual(
            certificate: certificates.certificate(identity), key: certificates.key(identity),
            ca: certificates.ca, trustDomain: "biometricflow", isServer: isServer)
    }
    let serverLoop = EventLoop(name: "server")
    let clientLoop = EventLoop(name: "client")
    defer {
        serverLoop.shutdown()
        clientLoop.shutdown()
    }
    let server = RPCServer(
        tls: try context("gateway/main", isServer: true), loop: serverLoop, services: services)
    let address = try server.listen(on: SocketAddress(host: "127.0.0.1", port: 0))
    let link = try await RPCDialler(
        address: address.description, tls: try context(identity, isServer: false),
        loop: clientLoop
    ).connect()
    try await body(link, server)
    link.close()
    await server.shutdown(grace: .milliseconds(100))
}

/// Made once per identity: several processes each time would hold up the other tests.
private let made = Lock<[String: Certificates]>([:])
