import MeshAPI
import RPCRuntime
import RPCTesting
import TestSupport
import Testing
import Transport

/// Peers that say what a test tells them to.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct ScriptedPeerTests {
    private func served(_ conditions: LinkConditions = LinkConditions()) -> SimulatedMesh {
        let mesh = SimulatedMesh(seed: 1, conditions: conditions)
        mesh.serve(as: "gateway/main", [Echo.handlers(MeshTests.Handler(mesh: mesh))])
        return mesh
    }

    private func dial(_ mesh: SimulatedMesh) async throws -> ScriptedPeer {
        try await ScriptedPeer.dial(
            mesh.network, from: mesh.identity("ctl/ops"), to: mesh.identity("gateway/main"),
            on: mesh.loop)
    }

    @Test func `a broken ping gets an epitaph and the end`() throws {
        let mesh = served()
        try mesh.run {
            let peer = try await dial(mesh)
            let hello = try await peer.greet()
            #expect(hello.type == 1)
            peer.send(RawFrame(type: 7, payload: [1, 2, 3]))
            let epitaph = try await peer.next(type: 10)
            #expect(String(decoding: epitaph.payload, as: UTF8.self).contains("ping"))
            peer.finish()
            #expect(try await peer.next() == nil)
        }
    }

    @Test func `a ping in pieces of one byte gets its pong`() throws {
        let mesh = served()
        try mesh.run {
            let peer = try await dial(mesh)
            try await peer.greet()
            for byte in RawFrame(type: 7, payload: [1, 2, 3, 4, 5, 6, 7, 8]).bytes {
                peer.send([byte])
                try await mesh.sleep(for: .milliseconds(1))
            }
            #expect(try await peer.next(type: 8).payload == [1, 2, 3, 4, 5, 6, 7, 8])
            peer.close()
        }
    }

    @Test func `silence is a failure, after which nothing is lost`() throws {
        var conditions = LinkConditions()
        conditions.faults = [LinkFault(.delay(.seconds(5)), .fromListener, at: 0)]
        let mesh = served(conditions)
        try mesh.run {
            let peer = try await dial(mesh)
            let error = await #expect(throws: TransportError.self) {
                try await peer.next(timeout: .seconds(2))
            }
            #expect(error?.code == .timedOut)
            #expect(try await peer.next()?.type == 1)
            peer.close()
        }
    }

    @Test func `a script can serve, and a client hears what it says`() throws {
        let mesh = SimulatedMesh(seed: 1)
        mesh.network.listen(as: mesh.identity("gateway/main")) { channel in
            let peer = ScriptedPeer.accepting(channel)
            Task(executorPreference: mesh.loop) {
                try await peer.greet()
                // Never opened by the client.
                peer.send(RawFrame(type: 3, stream: 4, flags: 3, payload: [1]))
            }
        }
        try mesh.run {
            let link = try await mesh.connect(from: "ctl/ops", to: "gateway/main")
            let end = await link.closed()
            #expect(end.message.contains("stream 4"), "\(end)")
        }
    }

    @Test func `a script speaks over TLS as it does in memory`() async throws {
        let certificates = try Certificates(["gateway/main", "ctl/ops"])
        func context(_ identity: String, isServer: Bool) throws -> TLSContext {
            try TLSContext.mutual(
                certificate: certificates.certificate(identity),
                key: certificates.key(identity), ca: certificates.ca,
                trustDomain: "biometricflow", isServer: isServer)
        }
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        let server = RPCServer(
            tls: try context("gateway/main", isServer: true), loop: loop, services: [])
        let address = try server.listen(on: try SocketAddress(host: "127.0.0.1", port: 0))
        let tls = try context("ctl/ops", isServer: false)
        let peer = try await ScriptedPeer.open(on: loop) { loop, handler throws(TransportError) in
            try SocketChannel.connect(to: address, on: loop, tls: tls, handler: handler)
        }
        try await peer.greet()
        peer.send(RawFrame(type: 7, payload: [8, 7, 6, 5, 4, 3, 2, 1]))
        #expect(try await peer.next(type: 8).payload == [8, 7, 6, 5, 4, 3, 2, 1])
        peer.close()
        await server.shutdown(grace: .seconds(1))
    }

    @Test(arguments: 0..<12)
    func `a frame is its bytes, and nothing less is a frame`(cut: Int) {
        let frame = RawFrame(
            type: 2, stream: 0x0102_0304, flags: 3, reserved: 9, head: 0x0506, payload: [7, 8, 9])
        var bytes = Array(frame.bytes.dropLast(cut + 1))
        #expect(RawFrame.take(from: &bytes) == nil)
        var whole = frame.bytes + [1]
        #expect(RawFrame.take(from: &whole) == frame)
        #expect(whole == [1])
    }
}
