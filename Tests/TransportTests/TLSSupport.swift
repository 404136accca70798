import Foundation
import Synchronization
import TestSupport
import Transport

/// What one end saw of a connection.
struct End: Sendable {
    var peer: PeerIdentity?
    var isResumed = false
    var error: TransportError?

    init(_ stream: ByteStream) {
        peer = stream.peer
        isResumed = stream.isResumed
    }

    init(_ error: TransportError) { self.error = error }

    var text: String { error?.message ?? "no error" }
}

/// A listening end that answers a byte with a byte, and those who dial it.
final class Place: Sendable {
    private let loop = EventLoop(name: "test")
    private let listener: Listener
    let address: SocketAddress

    init(_ server: TLSContext) throws {
        listener = try Listener.bind(
            to: try SocketAddress(host: "127.0.0.1", port: 0), on: loop, tls: server)
        address = listener.localAddress
    }

    deinit { loop.shutdown() }

    /// One connection, from both ends.
    func meet(_ client: TLSContext) async -> (server: End, client: End) {
        async let server = serve()
        let client = await dial(client)
        return (await server, client)
    }

    /// Takes one connection; the client ends it when it has read the answer, unless `closes`.
    func serve(closes: Bool = false) async -> End {
        do throws(TransportError) {
            let stream = try await listener.accept()
            try await stream.handshake(timeout: .seconds(60))
            let end = End(stream)
            let bytes = try await stream.read(timeout: .seconds(60))
            try await stream.write(bytes)
            if !closes { _ = try? await stream.read(timeout: .seconds(60)) }
            stream.close()
            return end
        } catch { return End(error) }
    }

    private func dial(_ client: TLSContext) async -> End {
        do throws(TransportError) {
            let stream = try await connect(client)
            let end = End(stream)
            try await ask(stream)
            stream.close()
            return end
        } catch { return End(error) }
    }

    func connect(_ client: TLSContext) async throws(TransportError) -> ByteStream {
        try await ByteStream.connect(to: address, on: loop, tls: client, timeout: .seconds(60))
    }

    /// Sends a byte and waits for the answer.
    func ask(_ stream: ByteStream) async throws(TransportError) {
        try await stream.write([1])
        let bytes = try await stream.read(timeout: .seconds(60))
        if bytes.isEmpty { throw TransportError(.closed, "the connection ended") }
    }
}

/// A clock that a test moves.
final class TestClock: Sendable {
    private let offset = Atomic<Int64>(0)

    func advance(days: Int64) { offset.add(days * 86_400, ordering: .relaxed) }
    func advance(hours: Int64) { offset.add(hours * 3600, ordering: .relaxed) }

    var now: @Sendable () -> Int64 {
        { TLSContext.systemTime() + self.offset.load(ordering: .relaxed) }
    }
}

extension Certificates {
    /// The context of one end; what is not given is as a program has it.
    func context(
        _ identity: String, isServer: Bool, ca: String? = nil,
        trustDomain: String = "biometricflow", peerRoles: [String] = [],
        resumption: TLSResumption = TLSResumption(),
        now: @escaping @Sendable () -> Int64 = { TLSContext.systemTime() }
    ) throws -> TLSContext {
        try TLSContext.mutual(
            certificate: certificate(identity), key: key(identity), ca: ca ?? self.ca,
            trustDomain: trustDomain, peerRoles: peerRoles, isServer: isServer,
            resumption: resumption, now: now)
    }

    /// Makes a certificate with these names alone, such as `DNS:localhost`.
    func make(_ identity: String, names: String) throws {
        let made = try run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-CA", ca, "-CAkey", "\(folder)/ca.key", "-subj", "/CN=test", "-days", "30",
                "-addext", "subjectAltName=\(names)",
                "-addext", "basicConstraints=critical,CA:FALSE",
                "-keyout", key(identity), "-out", certificate(identity),
            ])
        guard made.status == 0 else { throw ProcessFailure(description: made.standardError) }
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o600], ofItemAtPath: key(identity))
    }

    /// Puts the files of one identity, in these or in other certificates, in the place of
    /// another's.
    func replace(_ identity: String, with other: String, of source: Certificates) throws {
        try copy(source.certificate(other), to: certificate(identity))
        try copy(source.key(other), to: key(identity))
    }

    /// Writes a CA file with the roots of all of these.
    func writeRoots(of others: [Certificates], to path: String) throws {
        let roots = try others.map { try String(contentsOfFile: $0.ca, encoding: .utf8) }
        try roots.joined().write(toFile: path, atomically: true, encoding: .utf8)
    }

    private func copy(_ source: String, to target: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: source))
        try data.write(to: URL(fileURLWithPath: target), options: .atomic)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: target)
    }
}
