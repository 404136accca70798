import MeshAPI
import RPCRuntime
import RPCTesting
import Synchronization
import TestSupport
import Testing
import Transport

/// How links are kept up, replaced and let go, in simulated time.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct LinkLifeTests {
    struct Handler: Echo.Service {
        let mesh: SimulatedMesh

        func echo(_ request: Payload, _ call: ServerCall) async throws(RPCError) -> Payload {
            guard let seconds = request.data.first else { return request }
            do throws(TransportError) {
                try await mesh.sleep(for: .seconds(Int64(seconds)))
            } catch { throw RPCError(.cancelled, error.message) }
            return request
        }

        /// A message each second, numbered, without end.
        func download(
            _ request: StreamRequest, to payloads: MessageWriter<Payload>, _ call: ServerCall
        ) async throws(RPCError) {
            var number = request.count
            while true {
                try await payloads.write(Payload(data: [UInt8(truncatingIfNeeded: number)]))
                number += 1
                do throws(TransportError) {
                    try await mesh.sleep(for: .seconds(1))
                } catch { throw RPCError(.cancelled, error.message) }
            }
        }

        func upload(
            _ payloads: MessageStream<Payload>, _ call: ServerCall
        ) async throws(RPCError) -> StreamRequest {
            var seen = StreamRequest()
            for try await _ in payloads { seen.count += 1 }
            return seen
        }

        func chat(
            _ payloads: MessageStream<Payload>, to answers: MessageWriter<Payload>,
            _ call: ServerCall
        ) async throws(RPCError) {
            for try await payload in payloads { try await answers.write(payload) }
        }
    }

    final class Seen: Sendable {
        private let numbers = Lock<[UInt8]>([])
        private let connections = Lock<[RPCConnection]>([])
        var all: [UInt8] { numbers.withLock { $0 } }
        var links: [RPCConnection] { connections.withLock { $0 } }
        func add(_ number: UInt8) { numbers.withLock { $0.append(number) } }
        func add(_ link: RPCConnection) { connections.withLock { $0.append(link) } }
    }

    @discardableResult
    private func serve(_ mesh: SimulatedMesh, _ options: RPCOptions = RPCOptions()) -> RPCServer {
        mesh.serve(
            as: "gateway/main", [Echo.handlers(Handler(mesh: mesh))], options: options)
    }

    private func link(_ mesh: SimulatedMesh) -> RPCLink {
        RPCLink(mesh.dialler(from: "ctl/ops", to: "gateway/main"))
    }

    /// Runs `body` while the link is kept up.
    private func keeping(
        _ link: RPCLink, _ mesh: SimulatedMesh, _ seen: Seen = Seen(),
        _ body: () async throws -> Void
    ) async throws {
        let running = Task(executorPreference: mesh.loop) {
            await link.run(random: { 0.5 }) { seen.add($0) }
        }
        defer { running.cancel() }
        try await body()
    }

    @Test func `a call waits for a link that is being made`() throws {
        let mesh = SimulatedMesh(seed: 1)
        serve(mesh)
        try mesh.run {
            let link = link(mesh)
            try await keeping(link, mesh) {
                let answer = try await Echo.Client(link).echo(Payload())
                #expect(answer == Payload())
            }
        }
    }

    @Test func `a call fails at once with the reason of the last attempt`() throws {
        let mesh = SimulatedMesh(seed: 2)
        try mesh.run {
            let link = link(mesh)
            try await keeping(link, mesh) {
                let error = await #expect(throws: RPCError.self) {
                    try await Echo.Client(link).echo(Payload())
                }
                #expect(error?.code == .unavailable && error?.certainty == .notSent)
                #expect(error?.hops.first?.stage == .connect, "\(String(describing: error))")
                #expect(error?.hops.first?.method == "biometricflow.bench.v1.Echo/echo")
            }
        }
        #expect(mesh.elapsed < .seconds(1))
    }

    @Test func `a call that waits for ready outlasts a server that is down`() throws {
        let mesh = SimulatedMesh(seed: 3)
        try mesh.run {
            let link = link(mesh)
            try await keeping(link, mesh) {
                var options = CallOptions(timeout: .seconds(60))
                options.waitsForReady = true
                async let answer = Echo.Client(link).echo(Payload(), options)
                try await mesh.sleep(for: .seconds(20))
                serve(mesh)
                #expect(try await answer == Payload())
                #expect(mesh.elapsed < .seconds(40))
            }
        }
    }

    @Test func `a call that waits in vain says how long and for what`() throws {
        let mesh = SimulatedMesh(seed: 4)
        try mesh.run {
            let link = link(mesh)
            try await keeping(link, mesh) {
                var options = CallOptions(timeout: .seconds(30))
                options.waitsForReady = true
                let error = await #expect(throws: RPCError.self) {
                    try await Echo.Client(link).echo(Payload(), options)
                }
                #expect(error?.code == .deadlineExceeded && error?.certainty == .notSent)
                #expect(error?.hops.first?.stage == .queue)
                #expect(error?.hops.first?.times.first?.microseconds == 30_000_000)
                #expect((error?.hops.first?.attempts ?? 0) > 5)
            }
        }
    }

    @Test func `attempts back off for 540 s as the schedule says`() throws {
        let mesh = SimulatedMesh(seed: 5)
        let attempts = Lock(0)
        try mesh.run {
            let dialler = mesh.dialler(
                from: "ctl/ops", to: "gateway/main",
                log: { if $0.message.hasPrefix("no link") { attempts.withLock { $0 += 1 } } })
            let running = Task(executorPreference: mesh.loop) {
                await dialler.run(random: { 0.5 })
            }
            try await mesh.sleep(for: .seconds(540))
            running.cancel()
            await running.value
        }
        // 0.1 s by 1.6 up to 10 s: ten pauses make 26.6 s with the first at the ceiling, and then
        // one every 10 s.
        #expect((60...64).contains(attempts.withLock { $0 }), "\(attempts.withLock { $0 })")
    }

    @Test func `a draining server is left for a new link before the old one goes`() throws {
        let mesh = SimulatedMesh(seed: 6)
        let server = serve(mesh)
        try mesh.run {
            let (link, seen) = (link(mesh), Seen())
            try await keeping(link, mesh, seen) {
                let client = Echo.Client(link)
                _ = try await client.echo(Payload())
                // Three seconds under way while the server drains its end of the link.
                async let slow = client.echo(Payload(data: [3]))
                try await mesh.sleep(for: .milliseconds(100))
                let old = try #require(server.connections.first)
                async let drained: Void = old.drain(grace: .seconds(20))
                for _ in 0..<20 {
                    // A call at each moment: none fails, though the link changes below it.
                    #expect(try await client.echo(Payload()) == Payload())
                    try await mesh.sleep(for: .milliseconds(100))
                }
                #expect(try await slow == Payload(data: [3]))
                await drained
                #expect(seen.links.count == 2)
            }
        }
    }

    @Test func `a follower that goes on elsewhere loses and repeats nothing`() throws {
        let mesh = SimulatedMesh(seed: 7)
        let server = serve(mesh)
        try mesh.run {
            let (link, seen) = (link(mesh), Seen())
            try await keeping(link, mesh) {
                while seen.all.count < 30 {
                    var request = StreamRequest()
                    request.count = UInt64(seen.all.last.map { $0 + 1 } ?? 0)
                    do throws(RPCError) {
                        try await Echo.Client(link).download(request) {
                            payloads throws(RPCError) in
                            for try await payload in payloads {
                                seen.add(payload.data.first ?? 255)
                                if seen.all.count == 10 {
                                    server.connections.first?.setStreamsMax(200)
                                    Task(executorPreference: mesh.loop) {
                                        await server.connections.first?.drain(grace: .seconds(9))
                                    }
                                }
                                if seen.all.count == 30 { return }
                            }
                        }
                    } catch {
                        #expect(error.isResumable, "\(error)")
                    }
                }
            }
            #expect(seen.all == (0..<30).map { UInt8($0) })
        }
    }

    @Test func `a link without calls ends after its idle time, and an old one after its age`()
        throws
    {
        let mesh = SimulatedMesh(seed: 8)
        serve(mesh)
        try mesh.run {
            let idle = try await mesh.connect(from: "ctl/ops", to: "gateway/main")
            _ = try await Echo.Client(idle).echo(Payload())
            _ = await idle.closed()
            #expect(mesh.elapsed >= .seconds(1800) && mesh.elapsed < .seconds(1900))
            let old = try await mesh.connect(from: "ctl/ops", to: "gateway/main")
            let begin = mesh.elapsed
            let calling = Task(executorPreference: mesh.loop) {
                // Never idle.
                while true {
                    _ = try await Echo.Client(old).echo(Payload())
                    try await mesh.sleep(for: .seconds(60))
                }
            }
            let end = await old.closed()
            calling.cancel()
            _ = await calling.result
            let age = mesh.elapsed - begin
            #expect(age > .seconds(3200) && age < .seconds(4100), "\(age): \(end)")
        }
    }
}
