/// A suspended task, to be resumed exactly once.
///
/// Cheaper than ``OneShot``, for code on one loop that takes the waiter out of its place before it
/// resumes it.
@safe public struct Waiter<Value: Sendable>: Sendable {
    // Safe because its users keep it in one place on one loop, and empty the place to resume it.
    @usableFromInline let raw: UnsafeContinuation<Value, Never>

    @inlinable init(_ raw: UnsafeContinuation<Value, Never>) { unsafe self.raw = raw }

    /// Lets the task go on.
    @inlinable public func resume(_ value: Value) { unsafe raw.resume(returning: value) }
}

/// Suspends until the waiter given to `body` is resumed, which may be inside `body`.
///
/// Inlined, as every level of calls between a task and its suspension costs a look-up of its executor.
@inlinable @inline(__always)
public func suspend<Value: Sendable>(_ body: (Waiter<Value>) -> Void) async -> Value {
    await unsafe withUnsafeContinuation { unsafe body(Waiter($0)) }
}
