import Synchronization
import Transport

/// Lets a few whole logs be read at a time: each of them takes memory until it is stored.
final class ReadLimiter: Sendable {
    private struct State {
        var free: Int
        var waiting: [OneShot<Bool>] = []
    }
    private let state: Lock<State>

    init(_ places: Int) { state = Lock(State(free: places)) }

    /// Runs `body` in a place; waits for one where all are taken, in the order of coming.
    func withPlace<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await take()
        defer { leave() }
        return try await body()
    }

    private func take() async throws(TransportError) {
        let turn = OneShot<Bool>()
        let isFree = state.withLock { state in
            if state.free > 0 {
                state.free -= 1
                return true
            }
            state.waiting.append(turn)
            return false
        }
        if isFree { return }
        do throws(TransportError) {
            _ = try await turn.value {}
        } catch {
            state.withLock { state in state.waiting.removeAll { $0 === turn } }
            throw error
        }
    }

    private func leave() {
        while true {
            let next = state.withLock { state -> OneShot<Bool>? in
                if state.waiting.isEmpty {
                    state.free += 1
                    return nil
                }
                return state.waiting.removeFirst()
            }
            guard let next else { return }
            // One that was cancelled meanwhile takes no place.
            if next.settle(.success(true)) { return }
        }
    }
}
