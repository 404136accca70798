import Glibc
import Synchronization

#if THREAD_SANITIZER
    /// A pthread's mutex, for builds of `scripts/sanitize`.
    ///
    /// ThreadSanitizer does not know how a `Mutex` locks, and reports races that are none.
    @safe final class Lock<Value>: @unchecked Sendable {
        // Safe because `value` is used between locking and unlocking only.
        private var value: Value
        private let mutex: UnsafeMutablePointer<pthread_mutex_t>

        init(_ value: Value) {
            self.value = value
            unsafe mutex = .allocate(capacity: 1)
            unsafe mutex.initialize(to: pthread_mutex_t())
            unsafe pthread_mutex_init(mutex, nil)
        }

        deinit {
            unsafe pthread_mutex_destroy(mutex)
            unsafe mutex.deallocate()
        }

        func withLock<Result, Failure>(
            _ body: (inout Value) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            unsafe pthread_mutex_lock(mutex)
            defer { unsafe pthread_mutex_unlock(mutex) }
            return try body(&value)
        }
    }
#else
    /// The lock of what threads hand each other jobs by.
    typealias Lock<Value> = Mutex<Value>
#endif
