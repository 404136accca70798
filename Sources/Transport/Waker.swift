import Synchronization

/// Ends the wait of one task from elsewhere, as if its time were over.
public final class Waker: Sendable {
    private struct State {
        /// Whether a wake-up came while nobody waited.
        var isPending = false
        var action: (@Sendable () -> Void)?
    }
    private let state = Lock(State())

    public init() {}

    /// Ends the wait that is under way, or else the next one; from any thread.
    public func wake() {
        let action = state.withLock { state in
            let action = state.action.take()
            state.isPending = action == nil
            return action
        }
        action?()
    }

    /// Forgets a wake-up that came while nobody waited.
    public func clear() { state.withLock { $0.isPending = false } }

    /// Has `action` called by ``wake()``, or at once where that was called before.
    func arm(_ action: @escaping @Sendable () -> Void) {
        let isPending = state.withLock { state in
            defer { state.isPending = false }
            state.action = state.isPending ? nil : action
            return state.isPending
        }
        if isPending { action() }
    }

    /// The wait is over: the next ``wake()`` is for the next one.
    func disarm() { state.withLock { $0.action = nil } }
}
