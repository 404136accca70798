import RPCRuntime
import RPCTesting
import Synchronization
import TestSchemas
import TestSupport
import Testing
import Transport

/// What a case runs over.
enum Medium: String, CaseIterable, CustomTestStringConvertible {
    /// TCP and mutual TLS, in real time; each end on a thread of its own.
    case sockets
    /// Links in memory, in simulated time; everything on one thread.
    case memory

    var testDescription: String { rawValue }
}

/// A server and what dials it.
struct Bed: Sendable {
    typealias Dial = @Sendable (RPCOptions) -> RPCDialler
    typealias DialScript = @Sendable () async throws(TransportError) -> ScriptedPeer
    typealias ServeScript =
        @Sendable (@escaping @Sendable (ScriptedPeer) -> Void) async throws -> Dial

    let medium: Medium
    let service: InteropService
    let server: RPCServer
    let loop: EventLoop
    /// What makes links to the server.
    let dial: Dial
    /// Makes a link on which the test says every byte.
    let script: DialScript
    /// Makes a server that says what the test says, and gives what dials it.
    let serveScript: ServeScript
    /// Where the server listens; nil in memory.
    let address: SocketAddress?
    let events: Events

    final class Events: Sendable {
        private let all = Lock<[String]>([])
        var messages: [String] { all.withLock { $0 } }
        func add(_ event: RPCEvent) { all.withLock { $0.append(event.message) } }
    }

    func link(_ options: RPCOptions = RPCOptions()) async throws(RPCError) -> RPCConnection {
        try await dial(options).connect()
    }

    /// A client on a link of its own.
    func client(_ options: RPCOptions = RPCOptions()) async throws(RPCError) -> Interop.Client {
        Interop.Client(try await link(options))
    }

    func sleep(_ duration: Duration) async throws { try await loop.sleep(for: duration) }

    /// Waits for what another task does soon; the suite's time limit bounds it.
    func eventually(_ condition: @Sendable () -> Bool) async throws {
        while !condition() { try await sleep(.milliseconds(1)) }
    }

    func tally(_ name: String, reaches count: Int) async throws {
        try await eventually { service.tally[name] >= count }
    }

    /// The server's end of the first link, once it has heard the client's hello.
    func served() async throws -> RPCConnection {
        while true {
            if let link = server.connections.first { return link }
            try await sleep(.milliseconds(1))
        }
    }

    /// Waits until a link has so much credit for sending.
    func credit(of link: RPCConnection, reaches count: Int) async throws {
        while await link.snapshot().sendCredit < count { try await sleep(.milliseconds(1)) }
    }
}

/// What several tasks note.
final class Log<Value: Sendable>: Sendable {
    private let values = Lock<[Value]>([])
    var all: [Value] { values.withLock { $0 } }
    func add(_ value: Value) { values.withLock { $0.append(value) } }
}

/// Runs a case on a bed of its own.
func on(
    _ medium: Medium, as identity: String = "ctl/alice", server: RPCOptions = RPCOptions(),
    _ body: @escaping @Sendable (Bed) async throws -> Void
) async throws {
    switch medium {
    case .sockets: try await onSockets(identity, server, body)
    case .memory: try inMemory(identity, server, body)
    }
}

private func inMemory(
    _ identity: String, _ options: RPCOptions,
    _ body: @escaping @Sendable (Bed) async throws -> Void
) throws {
    let mesh = SimulatedMesh(seed: 1)
    let service = InteropService()
    let events = Bed.Events()
    let server = mesh.serve(
        as: "gateway/main", [Interop.handlers(service)], options: options, log: events.add)
    let (here, there) = (mesh.identity(identity), mesh.identity("gateway/main"))
    let bed = Bed(
        medium: .memory, service: service, server: server, loop: mesh.loop,
        dial: { mesh.dialler(from: identity, to: "gateway/main", options: $0) },
        script: { () throws(TransportError) in
            try await ScriptedPeer.dial(mesh.network, from: here, to: there, on: mesh.loop)
        },
        serveScript: { accept in
            let name = mesh.identity("gateway/script")
            mesh.network.listen(as: name) { accept(ScriptedPeer.accepting($0)) }
            return { mesh.dialler(from: identity, to: "gateway/script", options: $0) }
        }, address: nil, events: events)
    try mesh.run {
        try await body(bed)
        await server.shutdown(grace: .zero)
    }
    mesh.end()
}

/// Made once per identity: several processes each time would hold up the other tests.
private let made = Lock<[String: Certificates]>([:])

func certificates(_ identity: String) throws -> Certificates {
    try made.withLock { made in
        if let known = made[identity] { return known }
        let new = try Certificates([identity, "gateway/main"])
        made[identity] = new
        return new
    }
}

func context(_ certificates: Certificates, _ identity: String, isServer: Bool) throws
    -> TLSContext
{
    try TLSContext.mutual(
        certificate: certificates.certificate(identity), key: certificates.key(identity),
        ca: certificates.ca, trustDomain: "biometricflow", isServer: isServer)
}

private func onSockets(
    _ identity: String, _ options: RPCOptions,
    _ body: @escaping @Sendable (Bed) async throws -> Void
) async throws {
    let certificates = try certificates(identity)
    let (serverLoop, loop) = (EventLoop(name: "server"), EventLoop(name: "client"))
    defer {
        serverLoop.shutdown()
        loop.shutdown()
    }
    let service = InteropService()
    let events = Bed.Events()
    let serverTLS = try context(certificates, "gateway/main", isServer: true)
    let clientTLS = try context(certificates, identity, isServer: false)
    let server = RPCServer(
        tls: serverTLS, loop: serverLoop, services: [Interop.handlers(service)],
        options: options, log: events.add)
    let address = try server.listen(on: SocketAddress(host: "127.0.0.1", port: 0))
    @Sendable func dialler(_ address: SocketAddress) -> Bed.Dial {
        { options in
            RPCDialler(
                address: address.description, tls: clientTLS, loop: loop, options: options)
        }
    }
    let bed = Bed(
        medium: .sockets, service: service, server: server, loop: loop,
        dial: dialler(address),
        script: { () throws(TransportError) in
            try await ScriptedPeer.open(on: loop) { (loop, handler) throws(TransportError) in
                try SocketChannel.connect(to: address, on: loop, tls: clientTLS, handler: handler)
            }
        },
        serveScript: { accept in
            let listener = try Listener.bind(
                to: SocketAddress(host: "127.0.0.1", port: 0), on: serverLoop, tls: serverTLS)
            listener.onAccept { accept(ScriptedPeer.accepting($0)) }
            return dialler(listener.localAddress)
        }, address: address, events: events)
    try await body(bed)
    await server.shutdown(grace: .milliseconds(100))
}
