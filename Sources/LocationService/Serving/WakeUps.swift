import Synchronization
import Transport

/// Wakes those who wait for something to change.
///
/// A wake-up carries nothing and several in a row may arrive as one: who is woken looks for
/// itself. None is lost: one that comes before the waiter waits is waiting for it.
final class WakeUps: Sendable {
    private struct State {
        var waiters: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var nextID: UInt64 = 0
    }
    private let state = Lock(State())

    /// Wakes every waiter.
    func announce() {
        let waiters = state.withLock { Array($0.waiters.values) }
        for waiter in waiters { waiter.yield() }
    }

    /// Wake-ups from now on; ends with its task.
    func stream() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextID += 1
            state.waiters[state.nextID] = continuation
            return state.nextID
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.waiters.removeValue(forKey: id) }
        }
        return stream
    }
}
