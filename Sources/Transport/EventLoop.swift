import CLinux
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
    }

    public let name: String
    private let epoll: Descriptor
    private let wake: Descriptor
    private let inbox = Mutex(Inbox())
    private let thread = Mutex<pthread_t?>(nil)

    /// The monotonic clock at the beginning of the turn, in nanoseconds.
    public private(set) var now: UInt64 = 0
    private var work: [Work] = []
    private var timers = TimerHeap()
    private var registrations: [Registration] = []
    private var generation: UInt32 = 0
    private var dirty: [Channel] = []
    private var flushing: [Channel] = []
    private var isStopping = false
    /// Whether the thread is about to end; on the loop.
    private(set) var isStopped = false

    /// What the kernel gave in one read, before decryption.
    let readBuffer: UnsafeMutableRawBufferPointer
    /// The decrypted bytes of one read.
    let plainBuffer: UnsafeMutableRawBufferPointer

    private struct Registration {
        var generation: UInt32 = 0
        var target: (any Pollable)?
    }

    /// Starts the thread.
    public init(name: String) {
        self.name = name
        epoll = Descriptor(owning: epoll_create1(Int32(EPOLL_CLOEXEC)))
        wake = Descriptor(
            owning: eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK)))
        // Safe because both live until `deinit`, which runs when the thread has ended.
        unsafe readBuffer = .allocate(byteCount: 256 << 10, alignment: 64)
        unsafe plainBuffer = .allocate(byteCount: 256 << 10, alignment: 64)
        let added = register(wake.number, UInt32(EPOLLIN.rawValue), generation: 0)
        precondition(added == 0, "epoll does not take an eventfd")
        now = Self.clock()
        let started = startThread(name) { [self] in run() }
        thread.withLock { $0 = started }
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
        signal()
        pthread_join(joinable, nil)
    }

    /// Whether the caller runs on this loop's thread.
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

    public func enqueue(_ job: consuming ExecutorJob) { add(.job(UnownedJob(job))) }

    private func add(_ item: Work) {
        if isCurrent {
            work.append(item)
            return
        }
        let wasEmpty = inbox.withLock { inbox in
            inbox.work.append(item)
            return inbox.work.count == 1
        }
        if wasEmpty { signal() }
    }

    private func signal() {
        var one: UInt64 = 1
        // Safe because the eventfd takes exactly the 8 bytes given.
        _ = unsafe write(wake.number, &one, 8)
    }

    /// The monotonic clock in nanoseconds.
    static func clock() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
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

    /// Suspends for at least `duration`; throws `.cancelled` when the task is.
    public func sleep(for duration: Duration) async throws(TransportError) {
        let done = OneShot<Bool>()
        let nanoseconds = duration.clampedNanoseconds
        _ = try await done.value {
            perform { [self] in
                if done.isSettled { return }
                let timer = schedule(at: Self.clock() &+ nanoseconds) {
                    done.settle(.success(true))
                }
                // Sleeps that are cancelled must not pile up until they would have ended.
                done.onSettled { [self] in perform { [self] in cancel(timer) } }
            }
        }
    }

    // MARK: - Sockets

    /// Watches a descriptor; the registration's number keeps late events from a later owner of
    /// the same descriptor number.
    func add(_ target: any Pollable, _ descriptor: Int32, events: UInt32) -> UInt32 {
        // 0 is the loop's own eventfd.
        generation = generation == .max ? 1 : generation + 1
        let index = Int(descriptor)
        while registrations.count <= index { registrations.append(Registration()) }
        registrations[index] = Registration(generation: generation, target: target)
        let status = register(descriptor, events, generation: generation)
        precondition(status == 0, "epoll_ctl(ADD) failed: error \(errno)")
        return generation
    }

    func modify(_ descriptor: Int32, events: UInt32, generation: UInt32) {
        let status = CLinux_epoll_ctl(
            epoll.number, Int32(EPOLL_CTL_MOD), descriptor, events,
            UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor)))
        precondition(status == 0, "epoll_ctl(MOD) failed: error \(errno)")
    }

    func remove(_ descriptor: Int32) {
        registrations[Int(descriptor)] = Registration()
        _ = CLinux_epoll_ctl(epoll.number, Int32(EPOLL_CTL_DEL), descriptor, 0, 0)
    }

    private func register(_ descriptor: Int32, _ events: UInt32, generation: UInt32) -> Int32 {
        CLinux_epoll_ctl(
            epoll.number, Int32(EPOLL_CTL_ADD), descriptor, events,
            UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor)))
    }

    /// Has `channel` flushed at the end of this turn.
    func setDirty(_ channel: Channel) { dirty.append(channel) }

    // MARK: - The turn

    private func run() {
        unsafe CLinux_set_thread_value(Unmanaged.passUnretained(self).toOpaque())
        var events = [CLinux_event](repeating: CLinux_event(), count: 256)
        while !isStopping {
            let ready = wait(&events)
            now = Self.clock()
            for index in 0..<ready { dispatch(events[index]) }
            runWork()
            // One at a time: a body may set or cancel timers.
            while let body = timers.takeDue(now) { body() }
            flush()
        }
        closeAll()
        CLinux_set_thread_value(nil)
    }

    private func wait(_ events: inout [CLinux_event]) -> Int {
        var timeout: Int32 = -1
        if !work.isEmpty || !dirty.isEmpty {
            timeout = 0
        } else if let next = timers.next {
            let current = Self.clock()
            // Rounded up, so that a timer is due when the wait ends.
            let milliseconds = next <= current ? 0 : (next - current + 999_999) / 1_000_000
            timeout = Int32(clamping: milliseconds)
        }
        // Safe because the shim writes at most 256 events, which is the array's length.
        let count = unsafe CLinux_epoll_wait(epoll.number, &events, timeout)
        precondition(count >= 0 || count == -EINTR, "epoll_wait failed: error \(-count)")
        return Int(max(count, 0))
    }

    private func dispatch(_ event: CLinux_event) {
        let descriptor = Int(UInt32(truncatingIfNeeded: event.data))
        let generation = UInt32(truncatingIfNeeded: event.data >> 32)
        if generation == 0 {
            var count: UInt64 = 0
            // Safe because the eventfd gives exactly the 8 bytes of room.
            _ = unsafe read(wake.number, &count, 8)
            return
        }
        guard descriptor < registrations.count,
            registrations[descriptor].generation == generation,
            let target = registrations[descriptor].target
        else { return }
        target.handle(events: event.events)
    }

    private func runWork() {
        let arrived = inbox.withLock { inbox in
            isStopping = inbox.isStopping
            if inbox.work.isEmpty { return [Work]() }
            let arrived = inbox.work
            inbox.work = []
            return arrived
        }
        work.append(contentsOf: arrived)
        // Work that this work enqueues runs in the same turn, up to a bound: a task that never
        // rests must not keep the sockets waiting.
        var index = 0
        var bound = max(work.count, 4096)
        while index < work.count, bound > 0 {
            let item = work[index]
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
        if index == work.count {
            work.removeAll(keepingCapacity: true)
        } else {
            work.removeFirst(index)
        }
    }

    private func flush() {
        while !dirty.isEmpty {
            swap(&dirty, &flushing)
            for channel in flushing { channel.flush() }
            flushing.removeAll(keepingCapacity: true)
        }
    }

    private func closeAll() {
        isStopped = true
        for index in registrations.indices {
            registrations[index].target?.close(
                TransportError(.closed, "the event loop '\(name)' was shut down"))
        }
        // What waited on those sockets runs on; each round may enqueue more.
        for _ in 0..<64 { runWork() }
    }
}

/// What a loop calls when a descriptor is ready.
protocol Pollable: AnyObject {
    func handle(events: UInt32)
    func close(_ error: TransportError)
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
