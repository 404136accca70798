import CLinux

/// A place where one task at a time waits on a loop; cancelling the task is heard there.
@safe open class Waiting {
    // Safe because the continuation is touched on the loop's thread only, and taken out before it
    // is resumed. Without the language's check of exclusive access, as no access lasts.
    @exclusivity(unchecked) @usableFromInline final var waiter: UnsafeContinuation<Void, Never>?

    public init() {}

    /// The waiting task was cancelled, or had been; on any thread, and maybe inside ``wait()``.
    ///
    /// It may read what has been the same since before the task began to wait, and must have the
    /// task woken by ``wake()``, on the loop.
    open func cancelled() {}

    /// Whether a task waits.
    public final var isWaiting: Bool { unsafe waiter != nil }

    /// Suspends until ``wake()``, without hearing of the task's cancellation: for waits that
    /// somebody ends soon in any case.
    @inlinable @inline(__always)
    public final func waitBriefly() async {
        await unsafe _unsafeInheritExecutor_withUnsafeContinuation { unsafe waiter = $0 }
    }

    /// Suspends until ``wake()``.
    ///
    /// Only on the loop, one task at a time. Inlined, as every level of asynchronous calls between
    /// a task and its suspension costs a look-up of its executor.
    @inlinable @inline(__always)
    public final func wait() async {
        let watch = unsafe watchCancellation(self)
        await waitBriefly()
        unsafe stopWatching(watch)
    }

    /// Lets the waiting task go on, if there is one; only on the loop.
    @inlinable public final func wake() {
        guard let waiting = unsafe waiter else { return }
        unsafe waiter = nil
        unsafe waiting.resume()
    }
}

/// Has ``Waiting/cancelled()`` called when the current task is cancelled.
///
/// Safe because the caller keeps `waiting` alive until ``stopWatching(_:)``, behind which the runtime
/// does not call any more.
@usableFromInline @unsafe func watchCancellation(_ waiting: Waiting) -> UnsafeMutableRawPointer {
    unsafe CLinux_watch_cancellation(Unmanaged.passUnretained(waiting).toOpaque())
}

@usableFromInline @unsafe func stopWatching(_ watch: UnsafeMutableRawPointer) {
    unsafe CLinux_stop_watching(watch)
}

@c(CLinux_task_cancelled) func taskCancelled(_ context: UnsafeMutableRawPointer) {
    unsafe Unmanaged<Waiting>.fromOpaque(context).takeUnretainedValue().cancelled()
}

/// Whether the current task has been cancelled; `Task.isCancelled` without counting references.
public var isCurrentTaskCancelled: Bool { CLinux_task_is_cancelled() }
