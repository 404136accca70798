import Synchronization

/// What a handler's onward calls inherit from the call that it serves.
///
/// It belongs to the task that runs handlers one after the other, and says what is so of the one
/// that runs now; a task that takes it along keeps it, and the handlers after it get another.
final class CallContext: Sendable {
    /// The context of the handler that the current task runs for.
    @TaskLocal static var current: CallContext?

    /// On the loops' clock; `UInt64.max` for none.
    let deadline = Atomic(UInt64.max)

    /// Whether any task of this process can have a context: one that only calls need not look.
    private static let hasAny = Atomic(false)

    init() { Self.hasAny.store(true, ordering: .relaxed) }

    /// When the call must end that the current task serves, on the loops' clock; `UInt64.max` for
    /// never.
    static var currentDeadline: UInt64 {
        guard hasAny.load(ordering: .relaxed) else { return .max }
        return current?.deadline.load(ordering: .relaxed) ?? .max
    }
}
