import RPCRuntime
import Synchronization
import TestSupport
import Testing
import Transport

/// Links that do not come about, as dialler and listener tell of them; and links that resume.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct RefusedLinkTests {
    private final class Events: Sendable {
        private let texts = Lock<[String]>([])
        func add(_ event: RPCEvent) { texts.withLock { $0.append(event.message) } }
        func contains(_ text: String) -> Bool {
            texts.withLock { texts in texts.contains { $0.contains(text) } }
        }
    }

    /// What is dialled, and what it says.
    private struct Listening {
        let loop = EventLoop(name: "test")
        let events = Events()
        let server: RPCServer
        let address: SocketAddress

        init(_ tls: TLSContext) throws {
            let events = events
            server = RPCServer(tls: tls, loop: loop, services: [], log: { events.add($0) })
            address = try server.listen(on: SocketAddress(host: "127.0.0.1", port: 0))
        }

        func dial(_ tls: TLSContext) async throws(RPCError) -> RPCConnection {
            try await RPCDialler(address: "\(address)", tls: tls, loop: loop).connect()
        }

        /// Waits until the listener has said `text`.
        func waitFor(_ text: String) async {
            while !events.contains(text) { await Task.yield() }
        }
    }

    private let certificates: Certificates

    init() throws {
        certificates = try Certificates(
            ["location/cairo", "gateway/main"], expired: ["location/late"])
    }

    private func context(_ identity: String, isServer: Bool, peerRoles: [String] = []) throws
        -> TLSContext
    {
        try TLSContext.mutual(
            certificate: certificates.certificate(identity), key: certificates.key(identity),
            ca: certificates.ca, trustDomain: "biometricflow", peerRoles: peerRoles,
            isServer: isServer)
    }

    /// In TLS 1.3 the dialler's handshake is over, and its hello sent, before the listener has
    /// seen its certificate.
    @Test(arguments: [
        (
            "location/cairo", "its trust domain or role is not admitted there",
            "expected the role ctl"
        ),
        ("location/late", "it has expired", "certificate has expired"),
    ])
    func `a dialler that is refused names the reason and not a lost connection`(
        identity: String, dialler: String, listener: String
    ) async throws {
        let listening = try Listening(
            try context("gateway/main", isServer: true, peerRoles: ["ctl"]))
        defer { listening.loop.shutdown() }
        let client = try context(identity, isServer: false)
        for _ in 0..<10 {
            let error = await #expect(throws: RPCError.self) {
                _ = try await listening.dial(client)
            }
            #expect(error?.certainty == .notSent)
            let message = try #require(error?.message)
            #expect(message.contains(": TLS: "))
            #expect(message.contains("the peer refused this end's certificate: \(dialler)"))
            await listening.waitFor(listener)
        }
    }

    @Test func `a link that is dialled again resumes its session`() async throws {
        let server = try context("gateway/main", isServer: true)
        let listening = try Listening(server)
        defer { listening.loop.shutdown() }
        let client = try context("location/cairo", isServer: false)
        for _ in 0..<3 {
            let link = try await listening.dial(client)
            #expect(link.peer.description == "spiffe://biometricflow/gateway/main")
            await link.drain(grace: .seconds(10))
        }
        #expect(client.handshakeCounts.resumed == 2 && client.handshakeCounts.full == 1)
        _ = try server.reload(evenIfUnchanged: true)
        await (try await listening.dial(client)).drain(grace: .seconds(10))
        #expect(client.handshakeCounts.resumed == 2 && client.handshakeCounts.full == 2)
        #expect(server.handshakeCounts == client.handshakeCounts)
    }
}
