import RPCRuntime
import RPCTesting
import TestSupport
import Testing
import Transport

@testable import rpc_simulate

/// What callers are told, where the simulation found that it was wrong.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct CertaintyTests {
    struct Handler: Work.Service {
        let mesh: SimulatedMesh

        func ask(_ request: Ask, _ call: ServerCall) async throws(RPCError) -> Item {
            if request.outcome == 1 {
                throw RPCError(.unavailable, "another refused", certainty: .refused)
            }
            do throws(TransportError) {
                try await mesh.sleep(for: .milliseconds(Int64(request.pause)))
            } catch { throw RPCError(.cancelled, error.message) }
            return Item()
        }

        func feed(
            _ request: Ask, to responses: MessageWriter<Item>, _ call: ServerCall
        ) async throws(RPCError) {}

        func gather(_ requests: MessageStream<Item>, _ call: ServerCall) async throws(RPCError)
            -> Item
        {
            for try await _ in requests {}
            return Item()
        }

        func talk(
            _ requests: MessageStream<Item>, to responses: MessageWriter<Item>, _ call: ServerCall
        ) async throws(RPCError) {
            for try await _ in requests {}
        }
    }

    private func run(
        _ options: RPCOptions = RPCOptions(),
        _ body: @escaping @Sendable (SimulatedMesh, Work.Client) async throws -> Void
    ) throws {
        let mesh = SimulatedMesh(seed: 1)
        mesh.serve(
            as: "gateway/main", [Work.handlers(Handler(mesh: mesh))], options: options)
        try mesh.run {
            let link = try await mesh.connect(from: "ctl/ops", to: "gateway/main")
            try await body(mesh, Work.Client(link))
            await link.drain(grace: .seconds(1))
        }
    }

    @Test func `the time in which a call waits for room counts against its deadline`() throws {
        var options = RPCOptions()
        options.streamsMax = 1
        options.refusesDoomedCalls = false
        try run(options) { mesh, client in
            async let first = client.ask(asking(pause: 3000))
            await Task.yield()
            let began = mesh.elapsed
            let second = await #expect(throws: RPCError.self) {
                try await client.ask(asking(pause: 3000), CallOptions(timeout: .seconds(5)))
            }
            #expect(second?.code == .deadlineExceeded)
            #expect(mesh.elapsed - began == .seconds(5))
            _ = try await first
        }
    }

    @Test func `the refusal of a handler's own call is not its caller's`() throws {
        try run { _, client in
            var ask = asking(pause: 0)
            ask.outcome = 1
            let error = await #expect(throws: RPCError.self) { try await client.ask(ask) }
            #expect(error?.code == .unavailable)
            #expect(error?.certainty == .processed)
        }
    }

    @Test func `a stream of requests with a message over the limit may have been processed`()
        throws
    {
        var options = RPCOptions()
        options.messageBytesMax = 1000
        try run(options) { _, client in
            let error = await #expect(throws: RPCError.self) {
                try await client.gather { writer throws(RPCError) in
                    var item = Item()
                    try await writer.write(item)
                    item.padding = [UInt8](repeating: 1, count: 2000)
                    try await writer.write(item)
                }
            }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.certainty == .maybeProcessed)
        }
    }

    @Test func `a compressed request that becomes too large is refused`() throws {
        var options = RPCOptions()
        options.messageBytesMax = 1000
        try run(options) { mesh, client in
            // This end's limits are larger, so that it does not keep the message.
            var compressed = CallOptions()
            compressed.compressesRequest = true
            var ask = asking(pause: 0)
            ask.padding = [UInt8](repeating: 1, count: 50_000)
            let error = await #expect(throws: RPCError.self) {
                try await client.ask(ask, compressed)
            }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.certainty == .refused)
        }
    }

    @Test func `a writer whose call is cancelled does not say that it was processed`() throws {
        try run { mesh, client in
            let task = Task(executorPreference: mesh.loop) {
                try await client.gather { writer throws(RPCError) in
                    do throws(TransportError) {
                        try await mesh.sleep(for: .seconds(1))
                    } catch {}
                    try await writer.write(Item())
                }
            }
            try await mesh.sleep(for: .milliseconds(10))
            task.cancel()
            let error = await #expect(throws: RPCError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(error?.certainty == .maybeProcessed)
        }
    }
}

private func asking(pause: UInt32) -> Ask {
    var ask = Ask()
    ask.pause = pause
    return ask
}
