import MeshAPI
import Synchronization
import TestSupport
import Testing
import Transport

@testable import RPCRuntime

/// Calls over real sockets and mutual TLS, both ways.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct LinkTests {
    /// A service whose behaviour the request's bytes choose.
    struct Handler: Echo.Service {
        let cancelled = Counter()
        let started = Counter()
        let written = Counter()
        let release = OneShot<Bool>()

        func echo(_ request: Payload, _ call: ServerCall) async throws(RPCError) -> Payload {
            switch request.data.first {
            case 1:
                throw RPCError(.failedPrecondition, "\t\ntest with whitespace\r\nand ☺ and 😈\t\n")
            case 2:
                started.add()
                // Sleeps until it is cancelled.
                do { try await Task.sleep(for: .seconds(100)) } catch {
                    cancelled.add()
                    throw RPCError(.cancelled, "stopped")
                }
                return request
            case 3: return Payload(data: Array(call.peer.description.utf8))
            case 4:
                let back = Echo.Client(call.connection)
                return try await back.echo(Payload(data: [5] + request.data.dropFirst()))
            case 7:
                started.add()
                _ = try? await release.value {}
                if request.data.count == 1 { throw RPCError(.aborted, "released") }
                return Payload(data: [UInt8](repeating: 7, count: 3_000_000))
            case 8: return Payload(data: request.data + request.data)
            case 6:
                let left = call.remainingTime ?? .zero
                return Payload(data: Array("\(left.components.seconds)".utf8))
            default: return request
            }
        }

        func download(
            _ request: StreamRequest, to payloads: MessageWriter<Payload>, _ call: ServerCall
        ) async throws(RPCError) {
            let payload = Payload(data: [UInt8](repeating: 7, count: Int(request.size)))
            if request.size == 14 {
                // Leaves a writer behind that fills the window.
                Task(executorPreference: call.connection.loop) {
                    do throws(RPCError) {
                        while true {
                            try await payloads.write(
                                Payload(data: [UInt8](repeating: 7, count: 10_000)))
                            written.add()
                        }
                    } catch { release.settle(.success(true)) }
                }
                while written.value < 100 { await Task.yield() }
                return
            }
            for _ in 0..<request.count {
                do throws(RPCError) {
                    try await payloads.write(payload)
                    written.add()
                } catch {
                    cancelled.add()
                    throw error
                }
            }
            if request.size == 13 { throw RPCError(.dataLoss, "the end is missing") }
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
            _ payloads: MessageStream<Payload>, to answers: MessageWriter<Payload>,
            _ call: ServerCall
        ) async throws(RPCError) {
            for try await payload in payloads { try await answers.write(payload) }
        }
    }

    final class Counter: Sendable {
        private let count = Lock(0)
        var value: Int { count.withLock { $0 } }
        func add() { count.withLock { $0 += 1 } }
    }

    struct Mesh {
        let server: RPCServer
        let handler: Handler
        let client: RPCConnection
        let events: Events

        var echo: Echo.Client { Echo.Client(client) }

        /// Calls `echo` and gives back what came; untyped, as the expectation macros want it.
        func send(_ data: [UInt8], timeout: Duration? = nil) async throws -> [UInt8] {
            try await echo.echo(Payload(data: data), CallOptions(timeout: timeout)).data
        }
    }

    final class Events: Sendable {
        private let all = Lock<[String]>([])
        var messages: [String] { all.withLock { $0 } }
        func add(_ event: RPCEvent) { all.withLock { $0.append(event.message) } }
    }

    /// Made once per identity: several processes each time would hold up the other tests.
    private static let made = Lock<[String: Certificates]>([:])

    static func certificates(_ identity: String) throws -> Certificates {
        try made.withLock { made in
            if let known = made[identity] { return known }
            let new = try Certificates([identity, "gateway/main"])
            made[identity] = new
            return new
        }
    }

    func withMesh(
        client identity: String = "ctl/alice", _ options: RPCOptions = RPCOptions(),
        _ body: (Mesh) async throws -> Void
    ) async throws {
        let certificates = try Self.certificates(identity)
        let loop = EventLoop(name: "server")
        let clientLoop = EventLoop(name: "client")
        defer {
            loop.shutdown()
            clientLoop.shutdown()
        }
        let handler = Handler()
        let events = Events()
        let server = RPCServer(
            tls: try context(certificates, "gateway/main", isServer: true), loop: loop,
            services: [Echo.handlers(handler)], options: options, log: events.add)
        let address = try server.listen(on: SocketAddress(host: "127.0.0.1", port: 0))
        let client = try await RPCDialler(
            address: address.description,
            tls: try context(certificates, identity, isServer: false), loop: clientLoop,
            services: [Echo.handlers(Handler())], options: options
        ).connect()
        try await body(Mesh(server: server, handler: handler, client: client, events: events))
        client.close()
        await server.shutdown(grace: .milliseconds(100))
    }

    func context(_ certificates: Certificates, _ identity: String, isServer: Bool) throws
        -> TLSContext
    {
        try TLSContext.mutual(
            certificate: certificates.certificate(identity), key: certificates.key(identity),
            ca: certificates.ca, trustDomain: "biometricflow", isServer: isServer)
    }

    @Test(arguments: [0, 1, 100, 16_384, 271_828, 3_000_000])
    func `a unary call echoes its bytes`(size: Int) async throws {
        try await withMesh { mesh in
            let data = (0..<size).map { _ in UInt8(9) }
            let answer = try await mesh.send(data)
            #expect(answer == data)
        }
    }

    @Test func `a thousand calls at once all come back`() async throws {
        try await withMesh { mesh in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<1000 {
                    // The peer serves 256 at once: callers keep to it in waves.
                    if index >= 200 { _ = try await group.next() }
                    group.addTask {
                        let data = [UInt8](repeating: 200, count: index * 37)
                        return try await mesh.send(data) == data
                    }
                }
                for try await isEqual in group { #expect(isEqual) }
            }
        }
    }

    @Test func `status code, message and certainty arrive as they were`() async throws {
        try await withMesh { mesh in
            let error = await #expect(throws: RPCError.self) {
                try await mesh.send([1])
            }
            #expect(error?.code == .failedPrecondition && error?.certainty == .processed)
            #expect(error?.message == "\t\ntest with whitespace\r\nand ☺ and 😈\t\n")
        }
    }

    @Test func `the handler knows who calls`() async throws {
        try await withMesh { mesh in
            let answer = try await mesh.send([3])
            #expect(String(decoding: answer, as: UTF8.self) == "spiffe://biometricflow/ctl/alice")
        }
    }

    @Test func `a handler may call back on the same link`() async throws {
        try await withMesh(client: "gateway/other") { mesh in
            let answer = try await mesh.send([4, 8, 9])
            #expect(answer == [5, 8, 9])
        }
    }

    @Test func `a request that cannot be read is the caller's mistake`() async throws {
        try await withMesh { mesh in
            var request = Payload()
            request.unknownFields = [1 << 3 | 2, 5]
            let sent = request
            let error = await #expect(throws: RPCError.self) { try await mesh.echo.echo(sent) }
            #expect(error?.code == .invalidArgument && error?.certainty == .refused)
        }
    }

    @Test func `a role that the schema does not name is refused before the handler runs`()
        async throws
    {
        try await withMesh(client: "location/cairo") { mesh in
            let error = await #expect(throws: RPCError.self) {
                try await mesh.send([0])
            }
            #expect(error?.code == .permissionDenied && error?.certainty == .refused)
            #expect(error?.message.contains("spiffe://biometricflow/location/cairo") == true)
        }
    }

    @Test func `a method that nobody serves is unimplemented and the link lives on`() async throws {
        try await withMesh { mesh in
            let unknown = MethodDescriptor(
                name: "x.Y/z", id: 1, kind: .unary, deadline: .seconds(5), idleLimit: nil,
                roles: ["ctl"], fingerprint: 0)
            let error = await #expect(throws: RPCError.self) { () async throws in
                let answer: Payload = try await mesh.client.unary(
                    unknown, Payload(data: []), CallOptions())
                _ = answer
            }
            #expect(error?.code == .unimplemented)
            let answer = try await mesh.send([0])
            #expect(answer == [0])
        }
    }

    @Test func `a deadline ends the call at the caller and cancels the handler`() async throws {
        try await withMesh { mesh in
            let error = await #expect(throws: RPCError.self) {
                try await mesh.send([2], timeout: .milliseconds(20))
            }
            #expect(error?.code == .deadlineExceeded)
            try await eventually { mesh.handler.cancelled.value == 1 }
        }
    }

    @Test func `the handler sees the time that is left`() async throws {
        try await withMesh { mesh in
            let answer = try await mesh.send([6], timeout: .seconds(500))
            let left = try #require(Int(String(decoding: answer, as: UTF8.self)))
            #expect((400...500).contains(left))
        }
    }

    @Test func `cancelling the caller's task cancels the handler's`() async throws {
        try await withMesh { mesh in
            let call = Task { try await mesh.send([2]) }
            try await eventually { mesh.handler.started.value == 1 }
            call.cancel()
            let error = await #expect(throws: RPCError.self) { try await call.value }
            #expect(error?.code == .cancelled)
            try await eventually { mesh.handler.cancelled.value == 1 }
        }
    }

    @Test(arguments: [(0, 10), (1, 10), (5, 0), (10_000, 100), (40, 200_000)])
    func `a stream brings every message in order`(count: Int, size: Int) async throws {
        try await withMesh { mesh in
            let request = StreamRequest(count: UInt64(count), size: UInt32(size))
            let received = try await mesh.echo.download(request) { payloads throws(RPCError) in
                var received = 0
                for try await payload in payloads {
                    guard payload.data.count == size else { return -1 }
                    received += 1
                }
                return received
            }
            #expect(received == count)
        }
    }

    @Test func `an error behind a stream's messages comes behind them`() async throws {
        try await withMesh { mesh in
            let received = Counter()
            let error = await #expect(throws: RPCError.self) {
                try await mesh.echo.download(StreamRequest(count: 3, size: 13)) {
                    payloads throws(RPCError) in
                    for try await _ in payloads { received.add() }
                }
            }
            #expect(received.value == 3 && error?.code == .dataLoss)
        }
    }

    @Test func `leaving a stream early cancels its handler and the link lives on`() async throws {
        try await withMesh { mesh in
            try await mesh.echo.download(StreamRequest(count: 1_000_000, size: 1000)) {
                payloads throws(RPCError) in
                for try await _ in payloads { break }
            }
            try await eventually { mesh.handler.cancelled.value == 1 }
            let answer = try await mesh.send([0])
            #expect(answer == [0])
        }
    }

    @Test func `a reader that takes nothing stops its writer and nobody else`() async throws {
        try await withMesh { mesh in
            try await mesh.echo.download(StreamRequest(count: 1_000_000, size: 1000)) {
                payloads throws(RPCError) in
                // Nothing is read, and still other calls are answered.
                for size in [0, 100_000] {
                    _ = try await mesh.echo.echo(Payload(data: [UInt8](repeating: 0, count: size)))
                }
            }
            // A stream's window and what waited behind it, not a million messages.
            #expect(mesh.handler.written.value < 3000)
        }
    }

    @Test func `a lost link fails its calls and says whether they may have run`() async throws {
        try await withMesh { mesh in
            let call = Task { try await mesh.send([2]) }
            try await eventually { mesh.handler.started.value == 1 }
            for connection in mesh.server.connections { connection.close() }
            let error = await #expect(throws: RPCError.self) { try await call.value }
            #expect(error?.code == .unavailable)
            let after = await #expect(throws: RPCError.self) {
                try await mesh.send([0])
            }
            #expect(after?.code == .unavailable && after?.certainty == .notSent)
        }
    }

    @Test func `a shutdown lets calls under way end and refuses new ones`() async throws {
        try await withMesh { mesh in
            let before = try await mesh.send([0])
            #expect(before == [0])
            await mesh.server.shutdown(grace: .seconds(5))
            let end = await mesh.client.closed()
            #expect(end.message.contains("drain") || end.message.contains("closed"))
            #expect(mesh.events.messages.contains { $0.contains("ended") })
        }
    }

    /// Waits for what another task does soon; the suite's time limit bounds it.
    func eventually(_ condition: () -> Bool) async throws {
        while !condition() { try await Task.sleep(for: .milliseconds(1)) }
    }
}
