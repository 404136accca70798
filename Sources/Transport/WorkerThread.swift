import CLinux
import Glibc
import Synchronization

/// A thread for work that blocks, such as SQLite: the executor of an actor, or of tasks.
///
/// Jobs run one at a time, in the order in which they were enqueued.
public final class WorkerThread: TaskExecutor, SerialExecutor {
    private struct Queue: Sendable {
        var jobs: [UnownedJob] = []
        var isStopping = false
    }

    private let queue = Lock(Queue())
    private let wake: Descriptor
    private let thread = Lock<pthread_t?>(nil)

    /// Starts the thread.
    public init(name: String) {
        wake = Descriptor(owning: eventfd(0, Int32(EFD_CLOEXEC)))
        let started = startThread(name) { [self] in run() }
        thread.withLock { $0 = started }
    }

    /// Ends the thread behind the jobs it already has and waits for it; not from itself.
    public func shutdown() {
        let joinable = thread.withLock { thread -> pthread_t? in
            defer { thread = nil }
            return thread
        }
        guard let joinable else { return }
        queue.withLock { $0.isStopping = true }
        signal()
        pthread_join(joinable, nil)
    }

    /// What an actor that lives on this thread returns as its `unownedExecutor`; the actor must
    /// keep the thread.
    @safe public var actorExecutor: UnownedSerialExecutor { unsafe asUnownedSerialExecutor() }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let wasEmpty = queue.withLock { queue in
            queue.jobs.append(job)
            return queue.jobs.count == 1
        }
        if wasEmpty { signal() }
    }

    private func signal() {
        var one: UInt64 = 1
        // Safe because the eventfd takes exactly the 8 bytes given.
        _ = unsafe write(wake.number, &one, 8)
    }

    private func run() {
        while true {
            let (jobs, isStopping) = queue.withLock { queue in
                let taken = queue.jobs
                queue.jobs = []
                return (taken, queue.isStopping)
            }
            if jobs.isEmpty {
                if isStopping { return }
                var count: UInt64 = 0
                // Safe because the eventfd gives exactly the 8 bytes of room.
                _ = unsafe read(wake.number, &count, 8)
                continue
            }
            for job in jobs {
                unsafe job.runSynchronously(
                    isolatedTo: asUnownedSerialExecutor(),
                    taskExecutor: asUnownedTaskExecutor())
            }
        }
    }
}
