import Synchronization
import Transport

/// Tells waiting tasks that the commit sequence has grown.
final class CommitSignal: Sendable {
    private struct State {
        var latest: Int64
        var nextID = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state: Lock<State>

    init(latest: Int64) {
        state = Lock(State(latest: latest))
    }

    var latest: Int64 { state.withLock { $0.latest } }

    func advance(to sequence: Int64) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard sequence > state.latest else { return [] }
            state.latest = sequence
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when a sequence behind `sequence` is stored, or the task is cancelled.
    func wait(after sequence: Int64) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    // Cancellation that comes first finds no waiter, so it is looked for here.
                    if state.latest > sequence || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}
