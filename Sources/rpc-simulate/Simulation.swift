import RPCRuntime
import RPCTesting
import Synchronization
import Transport

/// One seed's mesh: a server, diallers, calls both ways, faults, and afterwards the account.
final class Simulation: Sendable {
    /// The ends of a dialler's links that are up.
    private struct Ends: Sendable {
        var here: RPCConnection?
        var hasStalled = false
        /// What keeps a link up.
        var task: Task<Void, Never>?
    }

    let mesh: SimulatedMesh
    let ledger = Ledger()
    private let plan: Plan
    private let worker: Worker
    private let ends: Lock<[Ends]>
    private let server: RPCServer

    init(seed: UInt64, keepsTrace: Bool = false) {
        let mesh = SimulatedMesh(seed: seed, keepsTrace: keepsTrace)
        let plan = mesh.withRandom { Plan(&$0) }
        ends = Lock(plan.diallers.map { _ in Ends() })
        let worker = Worker(mesh: mesh, ledger: ledger)
        server = RPCServer(
            tls: nil, loop: mesh.loop, services: [Work.handlers(worker)],
            options: plan.serverOptions)
        (self.mesh, self.plan, self.worker) = (mesh, plan, worker)
    }

    /// Runs the plan, and throws at the first thing that cannot be.
    func run() throws {
        listen()
        mesh.network.setPlan { [self] attempt in conditions(attempt) }
        try mesh.run(within: .seconds(100_000)) { [self] in
            await withTaskGroup(of: Void.self) { group in
                for number in plan.diallers.indices {
                    group.addTask { [self] in await live(number) }
                }
                for (at, event) in plan.events {
                    group.addTask { [self] in
                        try? await mesh.sleep(for: at)
                        await happen(event)
                    }
                }
            }
            try await checkCredit()
            await end()
        }
        try mesh.settle(within: .seconds(600))
        try checkNothingIsLeft()
        let mistakes = ledger.mistakes(isBare: plan.isBare)
        if let first = mistakes.first {
            throw Mistake("\(first)\(mistakes.count > 1 ? ", and \(mistakes.count - 1) more" : "")")
        }
    }

    /// What must not be.
    struct Mistake: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    private func listen() {
        mesh.network.listen(as: mesh.identity("gateway/main"), server)
    }

    private func conditions(_ attempt: MemoryNetwork.Attempt) -> LinkConditions {
        var conditions = mesh.withRandom { random in
            LinkConditions.drawn(from: &random, faults: plan.hasFaults ? 2 : 0)
        }
        conditions.isProtected = !plan.isBare
        for fault in conditions.faults { mesh.note("planned: \(fault)") }
        let stalls = conditions.faults.contains { $0.kind == .stall }
        if stalls, let number = Int(attempt.dialler.name.dropFirst()) {
            ends.withLock { $0[number].hasStalled = true }
        }
        return conditions
    }

    // MARK: - Diallers and their calls

    private func live(_ number: Int) async {
        let dialler = plan.diallers[number]
        let dial = mesh.dialler(
            from: dialler.name, to: "gateway/main", services: [Work.handlers(worker)],
            options: dialler.options)
        if dialler.redials {
            let task = Task(executorPreference: mesh.loop) { [self] in
                await dial.run(random: { [mesh] in mesh.randomFraction() }, grace: plan.grace) {
                    [self] connection in
                    mesh.note("\(dialler.name) has a link")
                    ends.withLock { $0[number].here = connection }
                }
            }
            ends.withLock { $0[number].task = task }
        } else {
            do throws(RPCError) {
                let connection = try await dial.connect()
                mesh.note("\(dialler.name) has its link")
                ends.withLock { $0[number].here = connection }
            } catch {
                mesh.note("\(dialler.name) has no link: \(error)")
                return
            }
        }
        await withTaskGroup(of: Void.self) { group in
            for caller in dialler.callers {
                group.addTask { [self] in
                    for operation in caller.operations {
                        try? await mesh.sleep(for: operation.rest)
                        guard let connection = await connection(number, caller.isAtListener)
                        else { continue }
                        await perform(operation, on: connection)
                    }
                }
            }
        }
    }

    /// An end of the dialler's link; nil when there is none for a while.
    private func connection(_ number: Int, _ isAtListener: Bool) async -> RPCConnection? {
        for _ in 0..<5 {
            let found =
                isAtListener
                ? there(number).first : ends.withLock { $0[number].here }
            // Now and then one that has ended: it must say so.
            if let found, found.inspect() != nil || mesh.withRandom({ $0.chance(1, 10) }) {
                return found
            }
            try? await mesh.sleep(for: .milliseconds(300))
        }
        return nil
    }

    /// The server's ends of a dialler's links.
    private func there(_ number: Int) -> [RPCConnection] {
        let identity = mesh.identity(plan.diallers[number].name)
        return server.connections.filter { $0.peer == identity }
    }

    private func perform(_ operation: Plan.Operation, on connection: RPCConnection) async {
        let id = ledger.open(operation, at: mesh.elapsed)
        mesh.note("call \(id) begins: \(operation)")
        let task = Task(executorPreference: mesh.loop) { [self] in
            await call(id, operation, on: connection)
        }
        var timer: TimerID?
        if let delay = operation.cancelAfter {
            timer = mesh.loop.schedule(at: mesh.loop.now &+ delay.clampedNanoseconds) {
                task.cancel()
            }
        }
        let error = await task.value
        if let timer { mesh.loop.cancel(timer) }
        let ended = mesh.elapsed
        mesh.note(
            "call \(id) \(operation.kind.rawValue): \(error.map { "\($0.code) \($0.certainty) \($0.message)" } ?? "success")"
        )
        ledger.change(id) { call in
            call.isSettled = true
            call.error = error
            call.ended = ended
        }
    }

    /// Makes the call; how it failed.
    private func call(
        _ id: UInt64, _ operation: Plan.Operation, on connection: RPCConnection
    ) async -> RPCError? {
        let client = Work.Client(connection)
        var options = CallOptions()
        if let timeout = operation.timeout { options.timeout = timeout }
        if operation.isCompressed { options.compressesRequest = true }
        do throws(RPCError) {
            switch operation.kind {
            case .ask:
                var ask = ask(id, operation)
                ask.padding = [UInt8](repeating: 7, count: operation.requestSize)
                ledger.receive(id, try await client.ask(ask, options), size: operation.size)
            case .feed:
                var ask = ask(id, operation)
                ask.padding = [UInt8](repeating: 7, count: operation.requestSize)
                try await client.feed(ask, options) { items throws(RPCError) in
                    try await take(items, id, operation)
                }
            case .gather:
                options.metadata.append(Worker.callKey, text: "\(id)")
                let item = try await client.gather(options) { writer throws(RPCError) in
                    try await send(writer, id, operation)
                }
                ledger.receive(
                    id, item, size: operation.requests == 0 ? 0 : operation.size)
            case .talk:
                options.metadata.append(Worker.callKey, text: "\(id)")
                try await client.talk(options) { writer, items throws(RPCError) in
                    try await talk(writer, items, id, operation)
                }
            }
            return nil
        } catch { return error }
    }

    private func ask(_ id: UInt64, _ operation: Plan.Operation) -> Ask {
        var ask = Ask()
        ask.call = id
        ask.count = operation.count
        ask.size = operation.size
        ask.pause = operation.pause
        ask.outcome = operation.outcome
        ask.limit = operation.limit
        return ask
    }

    private func take(
        _ items: MessageStream<Item>, _ id: UInt64, _ operation: Plan.Operation
    ) async throws(RPCError) {
        var count: UInt32 = 0
        if operation.stopAfter == 0 { return }
        for try await item in items {
            ledger.receive(id, item, size: operation.size)
            count += 1
            if count >= operation.stopAfter { return }
            if let pause = operation.readPause { try? await mesh.sleep(for: pause) }
        }
    }

    /// Writes a stream of requests, the first of which says what is wanted.
    private func send(
        _ writer: MessageWriter<Item>, _ id: UInt64, _ operation: Plan.Operation
    ) async throws(RPCError) {
        for number in 0..<operation.requests {
            var item = Item()
            item.call = id
            item.number = number
            item.padding = [UInt8](
                repeating: Ledger.byte(id, number), count: operation.requestSize)
            if number == 0 { item.ask = ask(id, operation) }
            ledger.change(id) { $0.asked += 1 }
            try await writer.write(item)
        }
    }

    /// Writes and reads at once.
    private func talk(
        _ writer: MessageWriter<Item>, _ items: MessageStream<Item>, _ id: UInt64,
        _ operation: Plan.Operation
    ) async throws(RPCError) {
        let reading = Task(executorPreference: mesh.loop) { [self] () -> RPCError? in
            do throws(RPCError) {
                try await take(items, id, operation)
                return nil
            } catch { return error }
        }
        // The end of the answers counts: a handler may read less than is written.
        do throws(RPCError) {
            try await send(writer, id, operation)
            writer.finish()
        } catch {
            mesh.note("call \(id) cannot write: \(error)")
            if error.code == .resourceExhausted {
                // Too large a message: the handler would wait for it.
                reading.cancel()
                _ = await reading.value
                throw error
            }
        }
        let failure = await withTaskCancellationHandler {
            await reading.value
        } onCancel: {
            reading.cancel()
        }
        if let failure { throw failure }
    }

    private func happen(_ event: Plan.Event) async {
        mesh.note("\(event)")
        switch event {
        case .cut: mesh.network.cutAll()
        case .drain(let number, let isAtListener, let grace):
            let found =
                isAtListener ? there(number).first : ends.withLock { $0[number].here }
            await found?.drain(grace: grace)
        case .absence(let duration):
            mesh.network.stopListening(as: mesh.identity("gateway/main"))
            try? await mesh.sleep(for: duration)
            listen()
        }
    }

    // MARK: - The end

    /// When every call has ended, each end may send again what the other's window is.
    private func checkCredit() async throws {
        // Until nothing is on its way; links that go on say something only now and then.
        for _ in 0..<200 {
            try await mesh.sleep(for: .seconds(1))
            if mesh.time.arrivalCount == 0 { break }
        }
        if plan.isBare { return }
        for number in plan.diallers.indices {
            let (here, hasStalled) = ends.withLock { ($0[number].here, $0[number].hasStalled) }
            let others = there(number)
            guard !hasStalled, others.count == 1, let near = here?.inspect(),
                let far = others[0].inspect()
            else { continue }
            let name = plan.diallers[number].name
            try check(near, towards: far, "\(name) to the server")
            try check(far, towards: near, "the server to \(name)")
        }
    }

    private func check(
        _ sender: RPCConnection.Inspection, towards receiver: RPCConnection.Inspection,
        _ what: String
    ) throws {
        let isIdle =
            sender.streams == 0 && sender.served == 0 && sender.reassemblyBytes == 0
            && sender.backlogs == 0
        guard isIdle else { throw Mistake("\(what): something is left of ended calls: \(sender)") }
        guard sender.sendCredit == receiver.receiveCredit,
            receiver.receiveCredit + receiver.creditOwed == receiver.window
        else { throw Mistake("\(what): credit is lost: \(sender); \(receiver)") }
    }

    private func end() async {
        let tasks = ends.withLock { ends in ends.compactMap(\.task) }
        for task in tasks { task.cancel() }
        await server.shutdown(grace: plan.grace)
        for task in tasks { await task.value }
        for number in plan.diallers.indices {
            guard let link = ends.withLock({ $0[number].here }) else { continue }
            await link.drain(grace: plan.grace)
            _ = await link.closed()
        }
    }

    private func checkNothingIsLeft() throws {
        guard mesh.time.timerCount == 0, mesh.time.arrivalCount == 0 else {
            throw Mistake(
                "\(mesh.time.timerCount) timers and \(mesh.time.arrivalCount) arrivals are left")
        }
        guard server.connections.isEmpty else {
            throw Mistake("the server still has \(server.connections.count) links")
        }
    }
}
