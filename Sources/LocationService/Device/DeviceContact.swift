import Attendance
import MeshAPI
import RPCRuntime
import ServiceKit
import ZKProtocol

/// One connection to one device, from its identification to its end.
struct DeviceContact {
    /// How many punches a transaction holds: a kill loses at most these, and readers of the store
    /// wait for no longer.
    static let batchCount = 1000
    /// What a clock does not move by itself between two looks.
    static let stepMilliseconds: Int64 = 60_000

    let session: DeviceSession
    let log: Logger
    var reader: LogReader

    var usersRead: Int?
    /// Why the users could not be read; empty where they could.
    var usersCause = ""
    /// The device's counters before the last complete read, where nobody punched during it.
    var sizesRead: FreeSizes?
    var lastFullRead: ContinuousClock.Instant?
    var hasEvents = false
    var isFirstPoll = true
    /// Why the session ends behind the command that runs; nil lets it go on.
    var endsAfterCommand: String?
    /// Whether a command has emptied the log: that it has fewer rows then is no news.
    var isClearedByCommand = false
    /// When the clock was last set by the configuration.
    var lastClockSetting: ContinuousClock.Instant?

    init(session: DeviceSession, log: Logger, reader: LogReader) {
        self.session = session
        self.log = log
        self.reader = reader
    }

    var store: LocationStore { session.store }
    var surroundings: Surroundings { session.surroundings }

    /// Polls and listens until the connection fails or the task is cancelled.
    mutating func serve(_ client: ZKClient, _ onSuccess: () -> Void) async throws {
        try await listen(client)
        session.mailbox.open(client.waker)
        defer { session.mailbox.close() }
        while true {
            try Task.checkCancellation()
            try await poll(client)
            onSuccess()
            try await obeyClockPolicy(client)
            var next = surroundings.steady() + session.settings.pollInterval
            while true {
                try await session.mailbox.runCommands(client, &self)
                let rest = surroundings.steady().duration(to: next)
                guard rest > .zero else { break }
                let wait = min(rest, session.settings.patience.silence)
                guard let event = try await client.nextEvent(timeout: wait) else {
                    if session.mailbox.hasCommands { continue }
                    // A device that was unplugged says nothing either: ask.
                    if wait < rest { try await measureClock(client) }
                    continue
                }
                if try await store(event, client) {
                    next = min(next, surroundings.steady() + session.settings.patience.event)
                }
            }
        }
    }

    /// Asks for punches as they happen, before the first read, so that nothing falls between.
    private func listen(_ client: ZKClient) async throws(ZKError) {
        do throws(ZKError) {
            try await client.listen(to: .attendance)
        } catch {
            guard error.code == .refused else { throw error }
            log.warning("device announces no punches; it is only polled", ["cause": "\(error)"])
        }
    }

    // MARK: Commands

    /// Reads the whole log now, whatever the counters say.
    mutating func readWholeLog(_ client: ZKClient) async throws {
        sizesRead = nil
        try await poll(client)
    }

    /// Events came that nobody looked at; the next poll reads the log.
    mutating func noteEvents() { hasEvents = true }

    /// A command has emptied the log.
    mutating func noteCleared() {
        isClearedByCommand = true
        sizesRead = nil
    }

    /// The users have changed; they and the log are read anew at the next poll.
    mutating func forgetUsers() { usersRead = nil }

    // MARK: Live events

    /// Stores the event and those that have come with it; true when the log must be read to
    /// understand them.
    private mutating func store(_ first: LiveEvent, _ client: ZKClient) async throws -> Bool {
        var needsPoll = false
        var punches: [Punch] = []
        var event: LiveEvent? = first
        let now = surroundings.now()
        while let current = event {
            if case .punch(let record) = current {
                hasEvents = true
                if let punch = reader.punch(announced: record, receivedAt: now) {
                    punches.append(punch)
                } else {
                    needsPoll = true
                }
            }
            event =
                punches.count < Self.batchCount ? try await client.nextEvent(timeout: .zero) : nil
        }
        let result = try await store.submit(punches)
        if result != IngestResult() {
            log.debug("live punches", ["new": result.new, "known": result.known])
        }
        await refresh()
        return needsPoll
    }

    func refresh() async {
        guard let record = await store.record(of: reader.serial) else { return }
        session.update { $0.take(record) }
    }

    // MARK: The clock

    func measureClock(_ client: ZKClient) async throws {
        let reading = try await clock(client)
        guard let offset = reading.offset else {
            log.warning("device clock shows no real date", ["shown": "\(reading.shown)"])
            return
        }
        try await noteStep(to: offset)
        try await store.recordClock(
            of: reader.serial, offsetMilliseconds: offset, measuredAt: reading.at)
        session.update { status in
            status.clockOffsetMilliseconds = offset
            status.clockMeasuredAt = reading.at
        }
    }

    /// A clock that drifts moves by seconds in a day: more at once means that somebody set it.
    private func noteStep(to offset: Int64) async throws {
        guard let status, status.clockMeasuredAt != nil else { return }
        let (step, overflow) = offset.subtractingReportingOverflow(
            status.clockOffsetMilliseconds)
        guard overflow || step.magnitude >= UInt64(Self.stepMilliseconds) else { return }
        try await except(
            .clockStep,
            "the device's clock went from \(status.clockOffsetMilliseconds) ms to \(offset) ms off")
    }

    /// The reading of the device's clock that is nearest to the true time.
    func instant(of wall: WallTime, near now: Int64) -> Int64 {
        if case .fixed(let offset) = session.settings.clockMode { return wall.seconds - offset }
        switch session.zone.reading(of: wall) {
        case .once(let instant), .never(let instant): return instant
        case .twice(let first, let second):
            return (first - now).magnitude <= (second - now).magnitude ? first : second
        }
    }
}
