import MeshAPI
import RPCRuntime
import RPCTesting
import Synchronization
import TestSupport
import Testing
import Transport

/// The mesh on one thread: real servers, diallers and handlers in simulated time.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct MeshTests {
    struct Handler: Echo.Service {
        let mesh: SimulatedMesh

        func echo(_ request: Payload, _ call: ServerCall) async throws(RPCError) -> Payload {
            if request.data.isEmpty { return Payload(data: Array(call.peer.description.utf8)) }
            do throws(TransportError) {
                try await mesh.sleep(for: .seconds(Int64(request.data.count)))
            } catch { throw RPCError(.cancelled, error.message) }
            return request
        }

        func download(
            _ request: StreamRequest, to payloads: MessageWriter<Payload>, _ call: ServerCall
        ) async throws(RPCError) {
            for number in 0..<request.count {
                let byte = UInt8(truncatingIfNeeded: number)
                try await payloads.write(
                    Payload(data: [UInt8](repeating: byte, count: Int(request.size))))
            }
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

    private func served(
        _ seed: UInt64, _ conditions: LinkConditions = LinkConditions(), keepsTrace: Bool = false
    ) -> SimulatedMesh {
        let mesh = SimulatedMesh(seed: seed, conditions: conditions, keepsTrace: keepsTrace)
        mesh.serve(as: "gateway/main", [Echo.handlers(Handler(mesh: mesh))])
        return mesh
    }

    @Test func `calls are answered, and know who calls`() throws {
        let mesh = served(1)
        let peer = try mesh.run {
            let link = try await mesh.connect(from: "ctl/ops", to: "gateway/main")
            #expect(link.peer == mesh.identity("gateway/main"), "\(mesh)")
            let answer = try await Echo.Client(link).echo(Payload())
            await link.drain(grace: .seconds(1))
            return String(decoding: answer.data, as: UTF8.self)
        }
        #expect(peer == "spiffe://simulation/ctl/ops")
        #expect(mesh.time.timerCount == 0)
        #expect(mesh.time.arrivalCount == 0)
    }

    @Test func `a deadline passes in no time`() throws {
        let mesh = served(2)
        try mesh.run {
            let link = try await mesh.connect(from: "ctl/ops", to: "gateway/main")
            let error = await #expect(throws: RPCError.self) {
                try await Echo.Client(link).echo(Payload(data: [UInt8](repeating: 1, count: 100)))
            }
            #expect(error?.code == .deadlineExceeded, "\(mesh)")
            // The schema's 30 s.
            #expect(mesh.elapsed == .seconds(30))
            link.close()
        }
    }

    @Test func `a download crosses a bad line whole and in order`() throws {
        for seed: UInt64 in 0..<20 {
            var random = SeededRandom(seed: seed)
            let mesh = served(seed, .drawn(from: &random, faults: 0))
            try mesh.run {
                let link = try await mesh.connect(from: "ctl/ops", to: "gateway/main")
                var request = StreamRequest()
                (request.count, request.size) = (100, 1000)
                let bytes = try await Echo.Client(link).download(request) {
                    payloads throws(RPCError) in
                    var bytes: [UInt8] = []
                    for try await payload in payloads {
                        #expect(payload.data.count == 1000)
                        bytes.append(payload.data[0])
                    }
                    return bytes
                }
                #expect(bytes == Array(0..<100), "\(mesh)")
                await link.drain(grace: .seconds(600))
            }
        }
    }

    @Test func `requests stream up, and both ways at once`() throws {
        for seed: UInt64 in 0..<20 {
            var random = SeededRandom(seed: seed)
            let mesh = served(seed, .drawn(from: &random, faults: 0))
            try mesh.run {
                let link = try await mesh.connect(from: "ctl/ops", to: "gateway/main")
                let echo = Echo.Client(link)
                let seen = try await echo.upload { writer throws(RPCError) in
                    for size in [1000, 3000, 0] {
                        try await writer.write(Payload(data: [UInt8](repeating: 1, count: size)))
                    }
                }
                #expect(seen == StreamRequest(count: 3, size: 3000), "\(mesh)")
                let answers = try await echo.chat { writer, payloads throws(RPCError) in
                    var answers: [UInt8?] = []
                    var iterator = payloads.makeAsyncIterator()
                    for byte: UInt8 in 1...3 {
                        try await writer.write(Payload(data: [byte]))
                        answers.append(try await iterator.next()?.data.first)
                    }
                    writer.finish()
                    answers.append(try await iterator.next()?.data.first)
                    return answers
                }
                #expect(answers == [1, 2, 3, nil], "\(mesh)")
                await link.drain(grace: .seconds(600))
            }
        }
    }

    @Test func `a dialler backs off, and comes back when the server does`() throws {
        let mesh = SimulatedMesh(seed: 3)
        let attempts = Shared<[Duration]>([])
        mesh.network.setPlan { _ in
            attempts.withLock { $0.append(mesh.elapsed) }
            return LinkConditions()
        }
        try mesh.run {
            let links = Shared(0)
            let dialler = mesh.dialler(from: "location/cairo", to: "gateway/main")
            let task = Task(executorPreference: mesh.loop) {
                await dialler.run(random: { mesh.randomFraction() }) { _ in
                    links.withLock { $0 += 1 }
                }
            }
            try await mesh.sleep(for: .seconds(100))
            #expect(links.withLock { $0 } == 0)
            mesh.serve(as: "gateway/main", [Echo.handlers(Handler(mesh: mesh))])
            try await mesh.sleep(for: .seconds(15))
            #expect(links.withLock { $0 } == 1)
            mesh.network.cutAll()
            try await mesh.sleep(for: .seconds(1))
            #expect(links.withLock { $0 } == 2)
            task.cancel()
            await task.value
        }
        let waits = attempts.withLock { zip($0, $0.dropFirst()).map { $1 - $0 } }.dropLast(2)
        // From 100 ms by 1.6 to 10 s, each by up to a fifth more or less.
        var expected = 0.1
        for wait in waits {
            let seconds =
                Double(wait.components.attoseconds) / 1e18
                + Double(wait.components.seconds)
            #expect(seconds >= expected * 0.79 && seconds <= expected * 1.21, "\(mesh)")
            expected = min(expected * 1.6, 10)
        }
        #expect(waits.count > 15)
    }

    @Test func `a link that falls silent is found dead by its pings`() throws {
        var conditions = LinkConditions()
        conditions.faults = [LinkFault(.stall, .fromListener, at: 2000)]
        let mesh = served(4, conditions)
        try mesh.run {
            let link = try await mesh.connect(from: "ctl/ops", to: "gateway/main")
            var request = StreamRequest()
            (request.count, request.size) = (100, 1000)
            let error = await #expect(throws: RPCError.self) {
                try await Echo.Client(link).download(request) { payloads throws(RPCError) in
                    for try await _ in payloads {}
                }
            }
            #expect(error?.code == .unavailable, "\(mesh)")
            #expect(error?.certainty == .maybeProcessed, "\(mesh)")
            #expect(mesh.elapsed == .seconds(15))
            _ = await link.closed()
        }
    }

    @Test func `one seed is one run, and another seed another`() throws {
        func run(_ seed: UInt64) throws -> (UInt64, [String]) {
            var conditions = LinkConditions()
            conditions.latency = .milliseconds(1) ... .milliseconds(50)
            conditions.segmentBytes = 1...200
            conditions.faults = [LinkFault(.cut, .fromListener, at: 500)]
            let mesh = served(seed, conditions, keepsTrace: true)
            try mesh.run {
                do {
                    let link = try await mesh.connect(from: "ctl/ops", to: "gateway/main")
                    await withTaskGroup(of: Void.self) { group in
                        for count in 0..<10 {
                            group.addTask {
                                let payload = Payload(data: [UInt8](repeating: 1, count: count))
                                let answer = try? await Echo.Client(link).echo(payload)
                                mesh.note("\(count): \(answer?.data.count ?? -1)")
                            }
                        }
                    }
                    link.close()
                    _ = await link.closed()
                } catch { mesh.note("\(error)") }
            }
            return (mesh.traceHash, mesh.traceLines)
        }
        let (first, lines) = try run(5)
        let (second, again) = try run(5)
        #expect(lines == again)
        #expect(first == second)
        #expect(lines.count > 10)
        #expect(try run(6).0 != first)
    }

    // MARK: - Failures

    @Test func `a body that waits for ever is told so, with the seed`() throws {
        let mesh = SimulatedMesh(seed: 77)
        let error = #expect(throws: SimulationFailure.self) {
            try mesh.run { _ = try await OneShot<Bool>().value {} }
        }
        guard case .stuck? = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.description.contains("SimulatedMesh(seed: 77) does it again") == true)
    }

    @Test func `a body that throws, one that is late and one that never rests fail`() throws {
        let thrown = #expect(throws: SimulationFailure.self) {
            try SimulatedMesh(seed: 1).run { throw RPCError(.aborted, "no") }
        }
        #expect(
            thrown?.description
                == "seed 1 at 0.0 seconds: aborted: no; SimulatedMesh(seed: 1) does it again")
        let mesh = SimulatedMesh(seed: 2)
        let late = #expect(throws: SimulationFailure.self) {
            try mesh.run(within: .seconds(5)) { try await mesh.sleep(for: .seconds(6)) }
        }
        guard case .late? = late?.reason else {
            Issue.record("\(String(describing: late))")
            return
        }
        let isDone = Shared(false)
        let restless = #expect(throws: SimulationFailure.self) {
            try SimulatedMesh(seed: 3).run {
                while !isDone.withLock({ $0 }) { await Task.yield() }
            }
        }
        isDone.withLock { $0 = true }
        guard case .restless? = restless?.reason else {
            Issue.record("\(String(describing: restless))")
            return
        }
    }
}

final class Shared<Value: Sendable>: Sendable {
    private let value: Lock<Value>
    init(_ value: Value) { self.value = Lock(value) }
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        value.withLock { body(&$0) }
    }
}
