public import CLinux
import Glibc
import Synchronization

/// One thread with epoll: it owns its sockets and timers, and runs tasks.
///
/// A turn handles the sockets that are ready, then the tasks and closures that were enqueued, then
/// due timers, and at its end writes out what every channel gathered: one TLS record and one
/// system call per channel and turn, however many messages that was.
@safe
public final class EventLoop: TaskExecutor, @unchecked Sendable {
    // Safe because `inbox` and `thread` are behind locks, and everything else that changes is
    // touched on the loop's own thread only.

    /// A task's job, or a closure.
    private enum Work {
        case job(UnownedJob)
        case closure(() -> Void)
    }

    private struct Inbox: @unchecked Sendable {
        // Safe because closures get in only through the @Sendable parameter of `execute`.
        var work: [Work] = []
        var isStopping = false
        /// Whether a simulated loop runs a turn.
        var isSimulating = false
        /// Whether another thread gave work to a simulated loop in a turn.
        var hasStrayed = false
    }

    public let name: String
    /// nil where time is simulated: see ``SimulatedTime``.
    private let poller: Poller?
    private let inbox = Lock(Inbox())
    private let thread = Lock<pthread_t?>(nil)

    /// The monotonic clock at the beginning of the turn, in nanoseconds.
    @inlinable
    public var now: UInt64 { unsafe turnTime }

    // The hottest of the loop's state, without the language's checks of exclusive access: only the
    // loop's thread gets here, and no access lasts while anything else runs.
    @exclusivity(unchecked) @usableFromInline var turnTime: UInt64 = 0
    @exclusivity(unchecked) private var work: [Work] = []
    @exclusivity(unchecked) private var dirty: [Channel] = []
    /// Whether the next job that is enqueued here is kept apart, for ``wakeNow(_:)``.
    @exclusivity(unchecked) private var catchesJob = false
    @exclusivity(unchecked) private var caughtJob: UnownedJob?

    private var timers = TimerHeap()
    /// Bytes on simulated links, by the time at which they arrive.
    private var arrivals = TimerHeap()
    private var flushing: [Channel] = []
    private var isStopping = false
    /// Whether the thread is about to end; on the loop.
    private(set) var isStopped = false

    /// What the kernel gave in one read, before decryption.
    let readBuffer: UnsafeMutableRawBufferPointer
    /// How many sockets wait for peers that were refused; on the loop.
    var lingeringCount = 0
    /// For the output of the loop's channels.
    let spareMemory = SpareMemory()
    /// The decrypted bytes of one read.
    let plainBuffer: UnsafeMutableRawBufferPointer

    /// The bytes of ``lend(_:_:)``.
    @exclusivity(unchecked)
    @usableFromInline var lent = unsafe UnsafeRawBufferPointer(start: nil, count: 0)

    /// Starts the thread.
    public init(name: String) {
        self.name = name
        poller = Poller()
        // Safe because both live until `deinit`, which runs when the thread has ended.
        unsafe readBuffer = .allocate(byteCount: 256 << 10, alignment: 64)
        unsafe plainBuffer = .allocate(byteCount: 256 << 10, alignment: 64)
        unsafe turnTime = Self.clock()
        let started = startThread(name) { [self] in run() }
        thread.withLock { $0 = started }
    }

    /// Makes a loop without a thread, whose turns ``SimulatedTime`` runs.
    init(name: String, simulatedFrom start: UInt64) {
        self.name = name
        poller = nil
        unsafe turnTime = start
        // Safe because nothing is read from sockets in simulated time.
        unsafe readBuffer = .allocate(byteCount: 0, alignment: 64)
        unsafe plainBuffer = .allocate(byteCount: 0, alignment: 64)
    }

    deinit {
        unsafe readBuffer.deallocate()
        unsafe plainBuffer.deallocate()
    }

    /// Ends the thread and waits for it; not from the loop itself.
    ///
    /// Sockets that are still open are closed; tasks that wait on them get `.closed`.
    public func shutdown() {
        let joinable = thread.withLock { thread -> pthread_t? in
            defer { thread = nil }
            return thread
        }
        guard let joinable else { return }
        inbox.withLock { $0.isStopping = true }
        poller?.signal()
        pthread_join(joinable, nil)
    }

    /// Whether the caller runs on this loop's thread.
    @inlinable @inline(__always)
    public var isCurrent: Bool {
        // Safe because the pointers are compared, not followed.
        unsafe CLinux_thread_value() == Unmanaged.passUnretained(self).toOpaque()
    }

    /// Runs `body` on the loop, behind what is enqueued already; from any thread.
    public func execute(_ body: @escaping @Sendable () -> Void) { add(.closure(body)) }

    /// Runs `body` at once when the caller is on the loop, and like ``execute(_:)`` otherwise.
    public func perform(_ body: @escaping @Sendable () -> Void) {
        if isCurrent { body() } else { add(.closure(body)) }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent, unsafe catchesJob {
            unsafe catchesJob = false
            unsafe caughtJob = job
        } else {
            add(.job(job))
        }
    }

    /// Wakes a task, and runs it at once instead of later in the turn if it runs on this loop.
    ///
    /// Only from the loop, and not from within a task. So what the task is woken for may be lent.
    public func wakeNow(_ waiting: Waiting) {
        precondition(isCurrent, "tasks are woken on their loop")
        unsafe catchesJob = true
        waiting.wake()
        unsafe catchesJob = false
        guard let job = unsafe caughtJob else { return }
        unsafe caughtJob = nil
        unsafe job.runSynchronously(on: asUnownedTaskExecutor())
    }

    private func add(_ item: Work) {
        if isCurrent {
            unsafe work.append(item)
            return
        }
        let wasEmpty = inbox.withLock { inbox in
            inbox.work.append(item)
            if inbox.isSimulating { inbox.hasStrayed = true }
            return inbox.work.count == 1
        }
        if wasEmpty { poller?.signal() }
    }

    /// The monotonic clock in nanoseconds.
    static func clock() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// The clock of ``now`` as it is at this moment.
    public func currentTime() -> UInt64 { poller == nil ? now : Self.clock() }

    /// Suspends until the loop has looked at its sockets once more, for work that would keep its
    /// other connections waiting; elsewhere it returns at once.
    public func nextTurn() async {
        guard isCurrent else { return }
        let turn = Waiting()
        schedule(at: now) { turn.wake() }
        await turn.waitBriefly()
    }

    // MARK: - Lending

    /// Makes bytes readable by ``withLent(_:)`` while `body` runs; only from the loop.
    ///
    /// For code that asks for a span when it needs one, as a task cannot take a span along.
    public func lend(_ bytes: Span<UInt8>, _ body: () -> Void) {
        precondition(isCurrent, "bytes are lent on their loop")
        // Safe because the pointer is forgotten before the bytes are.
        unsafe bytes.withUnsafeBytes { buffer in
            let before = unsafe lent
            unsafe lent = buffer
            body()
            unsafe lent = before
        }
    }

    /// Reads what is lent now; nothing outside of ``lend(_:_:)``.
    @inlinable @inline(__always)
    public func withLent<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        precondition(isCurrent, "lent bytes are read on their loop")
        // Safe because a span cannot be kept, and `lend` is still under way.
        return body(unsafe Span<UInt8>(_unsafeBytes: lent))
    }

    // MARK: - Timers

    /// Runs `body` on the loop at `deadline` on the clock of ``now``; only from the loop.
    @discardableResult
    public func schedule(at deadline: UInt64, _ body: @escaping () -> Void) -> TimerID {
        precondition(isCurrent, "timers are set on their loop")
        return timers.insert(deadline, body)
    }

    /// Takes a timer back; nothing happens when it has run.
    ///
    /// Only from the loop.
    public func cancel(_ timer: TimerID) { timers.cancel(timer) }

    /// The timers that are set; only from the loop.
    var timerCount: Int { timers.count }

    /// Suspends for at least `duration`, or until `waker` wakes; throws `.cancelled` when the task is.
    public func sleep(
        for duration: Duration, waker: Waker? = nil
    ) async throws(TransportError) {
        let done = OneShot<Bool>()
        let nanoseconds = duration.clampedNanoseconds
        defer { waker?.disarm() }
        _ = try await done.value {
            waker?.arm { done.settle(.success(true)) }
            perform { [self] in
                if done.isSettled { return }
                let timer = schedule(at: currentTime() &+ nanoseconds) {
                    done.settle(.success(true))
                }
                // Sleeps that are cancelled must not pile up until they would have ended.
                done.onSettled { [self] in perform { [self] in cancel(timer) } }
            }
        }
    }

    // MARK: - Sockets

    /// Watches a descriptor; see ``Poller/add(_:_:events:)``.
    func add(_ target: any Pollable, _ descriptor: Int32, events: UInt32) -> UInt32 {
        guard let poller else { preconditionFailure("there are no sockets in simulated time") }
        return poller.add(target, descriptor, events: events)
    }

    func modify(_ descriptor: Int32, events: UInt32, generation: UInt32) {
        poller?.modify(descriptor, events: events, generation: generation)
    }

    func remove(_ descriptor: Int32) { poller?.remove(descriptor) }

    /// Has `channel` flushed at the end of this turn.
    func setDirty(_ channel: Channel) { unsafe dirty.append(channel) }

    // MARK: - The turn

    private func run() {
        guard let poller else { return }
        unsafe CLinux_set_thread_value(Unmanaged.passUnretained(self).toOpaque())
        while !isStopping {
            let ready = poller.wait(timeToNext())
            unsafe turnTime = Self.clock()
            poller.dispatch(ready)
            finishTurn()
        }
        isStopped = true
        poller.closeAll(TransportError(.closed, "the event loop '\(name)' was shut down"))
        // What waited on those sockets, or for its next turn, runs on; each round may enqueue more.
        for _ in 0..<64 {
            runWork()
            runTimers()
        }
        CLinux_set_thread_value(nil)
    }

    /// What a turn does once the sockets have been looked at.
    private func finishTurn() {
        runWork()
        runTimers()
        flush()
    }

    private func runTimers() {
        // One at a time: a body may set or cancel timers.
        while let body = timers.takeDue(now) { body() }
    }

    /// The milliseconds until there is something to do, but for the sockets; -1 for no limit.
    private func timeToNext() -> Int32 {
        if unsafe !work.isEmpty || !dirty.isEmpty { return 0 }
        guard let next = timers.next else { return -1 }
        let current = Self.clock()
        // Rounded up, so that a timer is due when the wait ends.
        let milliseconds = next <= current ? 0 : (next - current + 999_999) / 1_000_000
        return Int32(clamping: milliseconds)
    }

    /// How many tasks and closures it ran.
    @discardableResult
    private func runWork() -> Int {
        let arrived = inbox.withLock { inbox in
            isStopping = inbox.isStopping
            if inbox.work.isEmpty { return [Work]() }
            let arrived = inbox.work
            inbox.work = []
            return arrived
        }
        unsafe work.append(contentsOf: arrived)
        // Work that this work enqueues runs in the same turn, up to a bound: a task that never
        // rests must not keep the sockets waiting.
        var index = 0
        var bound = unsafe max(work.count, 4096)
        while unsafe index < work.count, bound > 0 {
            let item = unsafe work[index]
            index += 1
            bound -= 1
            switch item {
            case .job(let job):
                // Not as a serial executor: a task that prefers this loop would be enqueued once
                // more at each call of a nonisolated function.
                unsafe job.runSynchronously(on: asUnownedTaskExecutor())
            case .closure(let body): body()
            }
        }
        if unsafe index == work.count {
            unsafe work.removeAll(keepingCapacity: true)
        } else {
            unsafe work.removeFirst(index)
        }
        return index
    }

    /// Writes out what every channel gathered, once: what one of them has more waits for the next
    /// turn, which looks at the sockets first.
    private func flush() {
        if unsafe dirty.isEmpty { return }
        unsafe swap(&dirty, &flushing)
        for channel in flushing { channel.flush() }
        flushing.removeAll(keepingCapacity: true)
    }

    // MARK: - Simulated time

    /// Has bytes of a ``MemoryChannel`` arrive: in a turn, they come where a socket's would.
    func scheduleArrival(at time: UInt64, _ body: @escaping () -> Void) {
        if poller == nil {
            _ = arrivals.insert(time, body)
        } else {
            _ = timers.insert(time, body)
        }
    }

    /// Calls `body` as the loop's own thread; only without a thread, and from one at a time.
    func simulate<Result>(_ body: () -> Result) -> Result {
        precondition(poller == nil, "the event loop '\(name)' has a thread")
        if isCurrent { return body() }
        inbox.withLock { inbox in
            precondition(!inbox.isSimulating, "simulated time passes on one thread at a time")
            inbox.isSimulating = true
        }
        let outer = unsafe CLinux_thread_value()
        unsafe CLinux_set_thread_value(Unmanaged.passUnretained(self).toOpaque())
        defer {
            inbox.withLock { $0.isSimulating = false }
            unsafe CLinux_set_thread_value(outer)
        }
        return body()
    }

    /// Runs one turn; how much it did, 0 when there was nothing to do.
    func simulateTurn() -> Int {
        let hasInbox = inbox.withLock { !$0.work.isEmpty }
        let isDue = min(arrivals.next ?? .max, timers.next ?? .max) <= now
        guard unsafe hasInbox || isDue || !work.isEmpty || !dirty.isEmpty else { return 0 }
        while let body = arrivals.takeDue(now) { body() }
        let count = runWork()
        runTimers()
        flush()
        return 1 + count
    }

    /// The time of the next arrival or timer.
    var nextSimulated: UInt64? {
        switch (arrivals.nextSet(), timers.nextSet()) {
        case (let arrival?, let timer?): min(arrival, timer)
        case (let arrival, let timer): arrival ?? timer
        }
    }

    func setSimulated(now time: UInt64) { simulate { unsafe turnTime = max(turnTime, time) } }

    /// Whether another thread gave work to this loop in a turn.
    var hasStrayed: Bool { inbox.withLock { $0.hasStrayed } }

    /// What is set and on its way: timers, and bytes of links.
    var simulatedCounts: (timers: Int, arrivals: Int) {
        simulate { (timers.count, arrivals.count) }
    }

    /// Forgets timers and arrivals, whose bodies hold the loop itself.
    func endSimulation() {
        timers = TimerHeap()
        arrivals = TimerHeap()
        for _ in 0..<64 { runWork() }
    }
}

extension Duration {
    /// The duration in nanoseconds: 0 when negative, at most a hundred years.
    public var clampedNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        if seconds < 0 || attoseconds < 0 { return 0 }
        return UInt64(min(seconds, 3_155_760_000)) * 1_000_000_000
            + UInt64(attoseconds / 1_000_000_000)
    }
}
