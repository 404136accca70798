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

    /// Takes a place that ``leave()`` gives back; false where none is free `within` a time.
    ///
    /// Who asks again goes to the end, as do all who came before.
    func take(within patience: Duration, on loop: EventLoop) async throws(TransportError) -> Bool {
        let turn = OneShot<Bool>()
        let isFree = state.withLock { state in
            if state.free > 0 {
                state.free -= 1
                return true
            }
            state.waiting.append(turn)
            return false
        }
        if isFree { return true }
        let waiting = Task {
            if (try? await loop.sleep(for: patience)) != nil { turn.settle(.success(false)) }
        }
        defer { waiting.cancel() }
        do throws(TransportError) {
            if try await turn.value(after: {}) { return true }
        } catch {
            forget(turn)
            throw error
        }
        forget(turn)
        return false
    }

    private func forget(_ turn: OneShot<Bool>) {
        state.withLock { state in state.waiting.removeAll { $0 === turn } }
    }

    /// Gives a place to who waits longest.
    func leave() {
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
