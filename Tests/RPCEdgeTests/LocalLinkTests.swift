import RPCRuntime
import TestSchemas
import Testing
import Transport

/// Links from a program to its own server.
@Suite struct LocalLinkTests {
    private func identity(_ role: String) throws -> PeerIdentity {
        try #require(PeerIdentity(uri: "spiffe://test/\(role)/one"))
    }

    @Test func `a link to this program does not end for its age`() async throws {
        let loop = EventLoop(name: "local")
        defer { loop.shutdown() }
        var options = RPCOptions()
        options.ageMax = .milliseconds(10)
        options.drainNotice = .zero
        let server = RPCServer(
            tls: nil, loop: loop, services: [Boxes.handlers(BoxService())], options: options)
        let connection = try await RPCDialler(
            to: server.local(as: try identity("edge"), to: try identity("server")), loop: loop
        ).connect()
        try await loop.sleep(for: .milliseconds(200))
        #expect(!connection.isDraining)
        #expect(connection.peer == (try identity("server")))
        let answer = try await Boxes.Client(connection).add(Box(id: "a"))
        #expect(answer.id == "a")
        connection.close()
    }

    @Test func `a server without a certificate has no identity to call itself by`() throws {
        let loop = EventLoop(name: "local")
        defer { loop.shutdown() }
        let server = RPCServer(tls: nil, loop: loop, services: [])
        #expect(throws: TransportError.self) { try server.local(as: "edge") }
    }

    @Test func `a call over a link that nobody runs says so`() async throws {
        let loop = EventLoop(name: "local")
        defer { loop.shutdown() }
        let server = RPCServer(tls: nil, loop: loop, services: [])
        let link = RPCLink(
            RPCDialler(
                to: server.local(as: try identity("edge"), to: try identity("server")), loop: loop))
        do throws(RPCError) {
            _ = try await Boxes.Client(link).add(Box(), CallOptions(timeout: .milliseconds(20)))
            Issue.record("a call without a link")
        } catch {
            #expect(error.code == .deadlineExceeded)
            #expect(error.message.contains("nobody has called RPCLink.run"))
        }
    }
}
