import MeshAPI
import TestSupport
import Testing
import Transport

@testable import RPCRuntime

/// Servers that live on several loops.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct ServerLoopsTests {
    /// A server on three loops and six links of one client to it.
    private func withLinks(
        _ options: RPCOptions,
        _ body: (LinkTests.Handler, RPCServer, [RPCConnection]) async throws -> Void
    ) async throws {
        let certificates = try LinkTests.certificates("ctl/alice")
        let loops = (0..<3).map { EventLoop(name: "server \($0)") }
        let clientLoop = EventLoop(name: "client")
        defer { for loop in loops + [clientLoop] { loop.shutdown() } }
        let handler = LinkTests.Handler()
        let server = RPCServer(
            tls: try LinkTests().context(certificates, "gateway/main", isServer: true),
            loops: loops, services: [Echo.handlers(handler)], options: options)
        let address = try server.listen(on: SocketAddress(host: "127.0.0.1", port: 0))
        let dialler = RPCDialler(
            address: address.description,
            tls: try LinkTests().context(certificates, "ctl/alice", isServer: false),
            loop: clientLoop)
        var links: [RPCConnection] = []
        for _ in 0..<6 { links.append(try await dialler.connect()) }
        // The server may hear a hello later than the client has its answer.
        while server.connections.count < links.count { await Task.yield() }
        try await body(handler, server, links)
        for link in links { link.close() }
        await server.shutdown(grace: .milliseconds(100))
    }

    @Test func `each loop gets its turn, and all serve`() async throws {
        try await withLinks(RPCOptions()) { _, server, links in
            let homes = server.connections.map { ObjectIdentifier($0.loop) }
            #expect(Set(homes).count == 3)
            for home in Set(homes) { #expect(homes.filter { $0 == home }.count == 2) }
            for (index, link) in links.enumerated() {
                let request = Payload(data: [UInt8](repeating: 9, count: index * 1000 + 1))
                let answer = try await Echo.Client(link).echo(request)
                #expect(answer == request)
            }
        }
    }

    @Test func `what a peer may hold counts over all loops`() async throws {
        var options = RPCOptions()
        options.peerStreamsMax = 4
        try await withLinks(options) { handler, _, links in
            try await withThrowingTaskGroup(of: RPCError.Code?.self) { group in
                // One after the other: requests that come at once on several loops may each be
                // taken for the last that has room.
                for (index, link) in links.enumerated() {
                    group.addTask {
                        do {
                            // Held until all have been judged, however long a busy machine takes.
                            let options = CallOptions(timeout: .seconds(600))
                            _ = try await Echo.Client(link).echo(Payload(data: [2]), options)
                            return nil
                        } catch { return (error as? RPCError)?.code }
                    }
                    while index < 4, handler.started.value <= index { await Task.yield() }
                }
                for _ in 0..<2 { #expect(try await group.next() == .resourceExhausted) }
                #expect(handler.started.value == 4)
                group.cancelAll()
                while let code = try await group.next() { #expect(code == .cancelled) }
            }
        }
    }
}
