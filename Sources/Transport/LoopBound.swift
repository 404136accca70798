/// State that belongs to one loop: only that loop's thread may touch it, which is checked.
public final class LoopBound<Value>: @unchecked Sendable {
    // Safe because `withValue` checks in every build that it runs on the loop's thread, and that
    // no other `withValue` is under way there. The second check is what the language's own
    // exclusivity check does, for a tenth of its cost, since only one thread gets here.
    public let loop: EventLoop
    @exclusivity(unchecked) @usableFromInline var value: Value
    @exclusivity(unchecked) @usableFromInline var isInUse = false

    public init(_ value: sending Value, on loop: EventLoop) {
        self.loop = loop
        unsafe self.value = value
    }

    /// Holds what is used on the loop elsewhere too, and nowhere else; only from the loop.
    public init(confined value: Value, on loop: EventLoop) {
        precondition(loop.isCurrent, "state of an event loop was made on another thread")
        self.loop = loop
        unsafe self.value = value
    }

    /// Gives access to the state; do not call out from `body` to code that may come back here.
    @inlinable
    public func withValue<Result: ~Copyable, Failure>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(loop.isCurrent, "state of an event loop was used on another thread")
        unsafe precondition(!isInUse, "state of an event loop was used while it was being changed")
        unsafe isInUse = true
        defer { unsafe isInUse = false }
        return unsafe try body(&value)
    }
}

/// A reference to what belongs to a loop, which other threads may carry about and not look at.
public struct LoopReference<Object: AnyObject>: @unchecked Sendable {
    // Safe because the object is given out on its loop's thread only, which is checked in every
    // build.
    @usableFromInline let carried: Object
    public let loop: EventLoop

    @inlinable public init(_ object: Object, of loop: EventLoop) {
        carried = object
        self.loop = loop
    }

    /// The object; only on the loop.
    @inlinable public var object: Object {
        precondition(loop.isCurrent, "an object of an event loop was used on another thread")
        return carried
    }
}
