import RPCRuntime
import RPCTesting
import Transport

/// Serves what the plan's calls ask for, and keeps account.
struct Worker: Work.Service {
    let mesh: SimulatedMesh
    let ledger: Ledger

    /// The metadata by which a stream of requests names its call before its first message.
    static let callKey = "call"

    func ask(_ request: Ask, _ call: ServerCall) async throws(RPCError) -> Item {
        begin(request.call)
        defer { end(request.call) }
        try await pause(request.pause)
        try fail(request.outcome)
        ledger.change(request.call) { call in
            call.written += 1
            call.isDone = true
        }
        return item(request, 0)
    }

    func feed(
        _ request: Ask, to responses: MessageWriter<Item>, _ call: ServerCall
    ) async throws(RPCError) {
        begin(request.call)
        defer { end(request.call) }
        try await answer(request, responses)
        try fail(request.outcome)
        ledger.change(request.call) { $0.isDone = true }
    }

    func gather(_ requests: MessageStream<Item>, _ call: ServerCall) async throws(RPCError) -> Item
    {
        let id = try begin(call)
        defer { end(id) }
        let ask = try await read(requests, id)
        try await pause(ask.pause)
        try fail(ask.outcome)
        ledger.change(id) { call in
            call.written += 1
            call.isDone = true
        }
        return item(ask, 0)
    }

    func talk(
        _ requests: MessageStream<Item>, to responses: MessageWriter<Item>, _ call: ServerCall
    ) async throws(RPCError) {
        let id = try begin(call)
        defer { end(id) }
        var ask = Ask()
        var count: UInt32 = 0
        // In turn: an answer for each message, then the rest of both.
        for try await item in requests {
            if count == 0 { ask = item.ask ?? ask }
            ledger.take(id, item)
            count += 1
            if count <= ask.count {
                try await pause(ask.pause / 8)
                try await write(ask, count - 1, responses)
            }
            if count >= ask.limit { break }
        }
        ask.call = id
        try await answer(ask, responses, from: min(count, ask.count))
        try fail(ask.outcome)
        ledger.change(id) { $0.isDone = true }
    }

    /// Reads a stream of requests as far as its first message says; that one's ask.
    private func read(_ requests: MessageStream<Item>, _ id: UInt64) async throws(RPCError) -> Ask {
        var ask = Ask()
        ask.call = id
        var count: UInt32 = 0
        for try await item in requests {
            if count == 0 { ask = item.ask ?? ask }
            ledger.take(id, item)
            count += 1
            if count >= ask.limit { break }
            try await pause(ask.pause / 8)
        }
        return ask
    }

    private func answer(
        _ ask: Ask, _ responses: MessageWriter<Item>, from first: UInt32 = 0
    ) async throws(RPCError) {
        let count = min(ask.count, 10_000)
        var number = first
        while number < count {
            try await pause(ask.pause / 8)
            try await write(ask, number, responses)
            number += 1
        }
    }

    private func write(
        _ ask: Ask, _ number: UInt32, _ responses: MessageWriter<Item>
    ) async throws(RPCError) {
        ledger.change(ask.call) { $0.written += 1 }
        try await responses.write(item(ask, number))
    }

    private func begin(_ call: UInt64) {
        mesh.note("call \(call) is begun")
        ledger.change(call) { call in
            call.executions += 1
            call.running += 1
        }
    }

    private func begin(_ call: ServerCall) throws(RPCError) -> UInt64 {
        guard let id = call.metadata.text(Self.callKey).flatMap({ UInt64($0) }) else {
            ledger.note("a stream of requests came without its metadata")
            throw RPCError(.invalidArgument, "no metadata")
        }
        begin(id)
        return id
    }

    private func end(_ call: UInt64) {
        mesh.note("call \(call) is handled")
        ledger.change(call) { $0.running -= 1 }
    }

    private func item(_ request: Ask, _ number: UInt32) -> Item {
        var item = Item()
        item.call = request.call
        item.number = number
        item.padding = [UInt8](
            repeating: Ledger.byte(request.call, number), count: Int(min(request.size, 1 << 20)))
        return item
    }

    private func pause(_ milliseconds: UInt32) async throws(RPCError) {
        if milliseconds == 0 { return }
        do throws(TransportError) {
            try await mesh.sleep(for: .milliseconds(Int64(min(milliseconds, 100_000))))
        } catch { throw RPCError(.cancelled, error.message) }
    }

    private func fail(_ outcome: UInt32) throws(RPCError) {
        if outcome == 0 { return }
        let code = UInt8(exactly: outcome % 17).flatMap { RPCError.Code(rawValue: $0) }
        // Handlers pass on the errors of their own calls, which say something about those.
        let certainties: [RPCError.Certainty] = [.processed, .refused, .notSent, .maybeProcessed]
        throw RPCError(
            code ?? .unknown, "as asked", certainty: certainties[Int(outcome / 17) % 4])
    }
}
