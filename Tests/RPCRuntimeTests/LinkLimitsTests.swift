import Dispatch
import MeshAPI
import Synchronization
import TestSupport
import Testing
import Transport

@testable import RPCRuntime

/// What callers, handlers and peers may do to a link without harm to it.
extension LinkTests {
    @Test func `streams that are left early give their credit back`() async throws {
        try await withMesh { mesh in
            // Each leaves up to a stream's window behind: together more than the connection's.
            for _ in 0..<20 {
                try await mesh.echo.download(StreamRequest(count: 10_000, size: 1000)) {
                    payloads throws(RPCError) in
                    for try await _ in payloads { break }
                    // More arrives while the reader does something else.
                    _ = try await mesh.echo.echo(Payload(data: [0]))
                }
            }
            let owed = await onLoop(of: mesh.client) { state in
                CreditSum(state.core)
            }
            // What is on its way yet is paid back when it arrives.
            let answer = try await mesh.send([UInt8](repeating: 9, count: 3_000_000))
            #expect(answer.count == 3_000_000)
            let after = await onLoop(of: mesh.client) { state in
                CreditSum(state.core)
            }
            #expect(owed.credited <= owed.window)
            #expect(after.credited == after.window && after.unread == 0)
        }
    }

    @Test func `an answer that cannot be read gives its credit back`() async throws {
        try await withMesh { mesh in
            let error = await #expect(throws: RPCError.self) {
                try await mesh.client.serverStreaming(
                    Echo.Method.download, StreamRequest(count: 1, size: 1000), CallOptions()
                ) { (unreadable: MessageStream<Unreadable>) throws(RPCError) in
                    for try await _ in unreadable {}
                }
            }
            #expect(error?.code == .internal)
            let credit = await onLoop(of: mesh.client) { state in
                CreditSum(state.core)
            }
            #expect(credit.credited == credit.window && credit.unread == 0)
        }
    }

    @Test func `a reader of large messages that takes nothing stops its writer`() async throws {
        try await withMesh { mesh in
            try await mesh.echo.download(StreamRequest(count: 10_000, size: 100_000)) {
                payloads throws(RPCError) in
                for _ in 0..<200 { _ = try await mesh.echo.echo(Payload(data: [0])) }
            }
            #expect(mesh.handler.written.value < 40)
        }
    }

    @Test func `an actor that others use as well calls and streams from a handler's task`()
        async throws
    {
        /// An actor without an executor of its own: it runs where its callers run.
        actor Caller {
            let echo: Echo.Client
            var turns = 0
            init(_ echo: Echo.Client) { self.echo = echo }

            func call() async throws -> Int {
                var count = 0
                for _ in 0..<10 {
                    count += try await echo.echo(Payload(data: [0])).data.count
                    count += try await echo.download(StreamRequest(count: 20, size: 10)) {
                        payloads throws(RPCError) in
                        var received = 0
                        for try await _ in payloads { received += 1 }
                        return received
                    }
                }
                return count
            }

            func turn() -> Int {
                turns += 1
                return turns
            }
        }
        try await withMesh { mesh in
            let caller = Caller(mesh.echo)
            let isOver = Counter()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<3 {
                    group.addTask(executorPreference: mesh.client.loop) { try await caller.call() }
                }
                group.addTask {
                    // Keeps the actor busy from the pool, with rests: an actor that never runs out of
                    // work would hold whichever thread it runs on, the loop's too.
                    while isOver.value == 0 {
                        _ = await caller.turn()
                        try await Task.sleep(for: .microseconds(100))
                    }
                    return 10 * 21
                }
                for _ in 0..<3 {
                    let count = try await group.next()
                    #expect(count == 10 * 21)
                }
                isOver.add()
            }
        }
    }

    @Test func `a task that only began on the loop calls and streams from elsewhere`() async throws
    {
        try await withMesh { mesh in
            let done = OneShot<Int>()
            let echo = mesh.echo
            mesh.client.loop.execute {
                // Without a preference it goes on wherever the pool has room.
                Task.immediate {
                    do throws(RPCError) {
                        let first = try await echo.echo(Payload(data: [0])).data.count
                        let count = try await echo.download(StreamRequest(count: 200, size: 10)) {
                            payloads throws(RPCError) in
                            var received = 0
                            for try await _ in payloads { received += 1 }
                            return received
                        }
                        done.settle(.success(first + count))
                    } catch {
                        done.settle(.failure(TransportError(.system, error.message)))
                    }
                }
            }
            let count = try await done.value {}
            #expect(count == 201)
        }
    }

    @Test func `a writer is told that the call is over though its peer reads nothing`() async throws
    {
        var options = RPCOptions()
        // More than all buffers between the two ends, so that the socket is what stops the writer.
        options.streamWindow = 64 << 20
        options.connectionWindow = 128 << 20
        options.keepaliveActive = .seconds(1000)
        try await withMesh(options) { mesh in
            let isReading = DispatchSemaphore(value: 0)
            let call = Task {
                try await mesh.echo.download(
                    StreamRequest(count: 1_000_000, size: 10_000), CallOptions(timeout: .seconds(1))
                ) { payloads throws(RPCError) in
                    for try await _ in payloads {}
                }
            }
            try await eventually { mesh.handler.written.value > 0 }
            mesh.client.loop.execute { isReading.wait() }
            try await eventually { mesh.handler.cancelled.value == 1 }
            isReading.signal()
            _ = try? await call.value
        }
    }

    @Test func `a draining link closes when its last call ends with an error`() async throws {
        try await withMesh { mesh in
            let call = Task { try await mesh.send([7]) }
            try await eventually { mesh.handler.started.value == 1 }
            let client = mesh.client
            let drain = Task { await client.drain(grace: .seconds(1000)) }
            try await eventually { client.isDraining }
            mesh.handler.release.settle(.success(true))
            let error = await #expect(throws: RPCError.self) { try await call.value }
            #expect(error?.code == .aborted)
            await drain.value
        }
    }

    @Test func `a draining link closes when its last answer has left`() async throws {
        try await withMesh { mesh in
            let call = Task { try await mesh.send([7, 7]) }
            try await eventually { mesh.handler.started.value == 1 }
            let server = mesh.server
            let shutdown = Task { await server.shutdown(grace: .seconds(1000)) }
            try await eventually { server.connections.allSatisfy { $0.isDraining } }
            mesh.handler.release.settle(.success(true))
            let answer = try await call.value
            #expect(answer.count == 3_000_000)
            await shutdown.value
        }
    }

    @Test func `an attempt that was cancelled leaves no link`() async throws {
        try await withMesh { mesh in
            let certificates = try Self.certificates("ctl/alice")
            let server = RPCServer(
                tls: try context(certificates, "gateway/main", isServer: true),
                loop: mesh.client.loop, services: [])
            let address = try server.listen(on: SocketAddress(host: "127.0.0.1", port: 0))
            let loop = EventLoop(name: "dialler")
            let dialler = RPCDialler(
                address: address.description,
                tls: try context(certificates, "ctl/alice", isServer: false), loop: loop)
            // The attempt is cancelled before the loop comes to it.
            let isFree = DispatchSemaphore(value: 0)
            loop.execute { isFree.wait() }
            let attempt = Task { try await dialler.connect() }
            attempt.cancel()
            await #expect(throws: RPCError.self) { _ = try await attempt.value }
            isFree.signal()
            // By the time that later ones are up, it would be.
            for _ in 0..<3 {
                let later = try await dialler.connect()
                later.close()
                _ = await later.closed()
            }
            try await eventually { server.connections.isEmpty }
            await server.shutdown(grace: .zero)
            loop.shutdown()
        }
    }

    @Test func `a writer that outlives its handler is told that the call is over`() async throws {
        try await withMesh { mesh in
            try await mesh.echo.download(StreamRequest(count: 0, size: 14)) {
                payloads throws(RPCError) in
                for try await _ in payloads { break }
                do throws(TransportError) {
                    _ = try await mesh.handler.release.value {}
                } catch { throw RPCError(.internal, error.message) }
            }
        }
    }

    private func onLoop<Result: Sendable>(
        of connection: RPCConnection,
        _ body: @escaping @Sendable (borrowing RPCConnection.State) -> Result
    ) async -> Result {
        await Task(executorPreference: connection.loop) {
            connection.state.withValue { body($0) }
        }.value
    }
}

/// What of a connection's window is with the peer or owed to it.
private struct CreditSum {
    let credited: Int
    let window: Int
    let unread: Int

    init(_ core: borrowing ConnectionCore<CallState>) {
        credited = core.receiveCredit + core.window.owed
        window = core.window.size
        unread = core.unread
    }
}

/// A message that never can be read.
private struct Unreadable: Message {
    static let typeName = "test.Unreadable"
    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {}
    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        throw DecodingFailure(.truncated, offset: 0)
    }
}
