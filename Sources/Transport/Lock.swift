#if THREAD_SANITIZER
    import Glibc

    /// A pthread's mutex, for builds of `scripts/sanitize`.
    ///
    /// ThreadSanitizer does not know how a `Mutex` locks, and reports races that are none.
    @safe public final class Lock<Value>: @unchecked Sendable {
        // Safe because `value` is used between locking and unlocking only.
        private var value: Value
        private let mutex: UnsafeMutablePointer<pthread_mutex_t>

        /// Holds `value`, unlocked.
        public init(_ value: Value) {
            self.value = value
            unsafe mutex = .allocate(capacity: 1)
            unsafe mutex.initialize(to: pthread_mutex_t())
            unsafe pthread_mutex_init(mutex, nil)
        }

        deinit {
            unsafe pthread_mutex_destroy(mutex)
            unsafe mutex.deallocate()
        }

        /// Runs `body` while no other thread runs one on this value.
        public func withLock<Result, Failure>(
            _ body: (inout Value) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            unsafe pthread_mutex_lock(mutex)
            defer { unsafe pthread_mutex_unlock(mutex) }
            return try body(&value)
        }
    }
#else
    public import Synchronization

    /// The lock of what threads share: `Mutex`, other than in builds of `scripts/sanitize thread`.
    public typealias Lock<Value> = Mutex<Value>
#endif
