/// State that belongs to one loop: only that loop's thread may touch it, which is checked.
public final class LoopBound<Value>: @unchecked Sendable {
    // Safe because `withValue` checks in every build that it runs on the loop's thread.
    public let loop: EventLoop
    @usableFromInline var value: Value

    public init(_ value: sending Value, on loop: EventLoop) {
        self.loop = loop
        self.value = value
    }

    /// Gives access to the state; do not call out from `body` to code that may come back here.
    @inlinable
    public func withValue<Result: ~Copyable, Failure>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(loop.isCurrent, "state of an event loop was used on another thread")
        return try body(&value)
    }
}
