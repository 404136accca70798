import RPCRuntime
import RPCTesting
import Transport

/// Serves what the plan's calls ask for, and keeps account.
struct Worker: Work.Service {
    let mesh: SimulatedMesh
    let ledger: Ledger

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
        for number in 0..<min(request.count, 10_000) {
            try await pause(request.pause / 8)
            ledger.change(request.call) { $0.written += 1 }
            try await responses.write(item(request, number))
        }
        try fail(request.outcome)
        ledger.change(request.call) { $0.isDone = true }
    }

    private func begin(_ call: UInt64) {
        ledger.change(call) { call in
            call.executions += 1
            call.running += 1
        }
    }

    private func end(_ call: UInt64) { ledger.change(call) { $0.running -= 1 } }

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
        let code = UInt8(exactly: outcome).flatMap { RPCError.Code(rawValue: $0) }
        throw RPCError(code ?? .unknown, "as asked")
    }
}
