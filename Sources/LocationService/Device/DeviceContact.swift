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

    let session: DeviceSession
    let log: Logger
    var reader: LogReader

    private var usersRead: Int?
    /// Why the users could not be read; empty where they could.
    private var usersCause = ""
    /// The device's counter at the last complete read.
    private var recordsRead: Int?
    private var lastFullRead: ContinuousClock.Instant?
    private var hasEvents = false
    private var isFirstPoll = true
    /// Why the session ends behind the command that runs; nil lets it go on.
    var endsAfterCommand: String?
    /// When the clock was last set by the configuration.
    var lastClockSetting: ContinuousClock.Instant?

    init(session: DeviceSession, log: Logger, reader: LogReader) {
        self.session = session
        self.log = log
        self.reader = reader
    }

    private var store: LocationStore { session.store }
    private var surroundings: Surroundings { session.surroundings }

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
        recordsRead = nil
        try await poll(client)
    }

    /// Events came that nobody looked at; the next poll reads the log.
    mutating func noteEvents() { hasEvents = true }

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
        let result = try await store.ingest(punches)
        if result != IngestResult() {
            log.debug("live punches", ["new": result.new, "known": result.known])
        }
        await refresh()
        return needsPoll
    }

    // MARK: The poll

    /// Brings the store up to the device; the watermark follows when that is proved.
    private mutating func poll(_ client: ZKClient) async throws {
        try await measureClock(client)
        // What the counters say was so at this instant or later.
        let asOf = surroundings.now()
        let sizes = try await client.freeSizes()
        session.update { status in
            status.recordsCapacity = UInt32(clamping: sizes.recordCapacity)
            status.users = UInt32(clamping: sizes.users ?? 0)
            status.lastContact = surroundings.now()
        }
        if isUnchanged(sizes) {
            try await complete(asOf, records: recordsRead ?? 0)
            return
        }
        if sizes.users != usersRead || usersRead == nil {
            do throws(ZKError) {
                reader.setUsers(try await client.users())
                usersRead = sizes.users
                usersCause = ""
            } catch {
                guard error.code == .incomplete || error.code == .refused else { throw error }
                // Punches are worth reading without the names of those who made them.
                log.error("the device's users cannot be read", ["cause": "\(error)"])
                usersCause = error.description.clipped(toBytes: 1024)
            }
        }
        hasEvents = false
        // Some devices count none although they have records.
        let isEmptied = sizes.records == 0 && (status?.punches ?? 0) > 0
        try await read(client, evenIfNone: isEmptied)
    }

    private var status: DeviceStatus? { session.board.status(of: session.settings.name) }

    /// Whether the device can have nothing that the last complete read did not show.
    private func isUnchanged(_ sizes: FreeSizes) -> Bool {
        guard let records = sizes.records, records == recordsRead, !hasEvents,
            sizes.users == usersRead, let lastFullRead,
            lastFullRead.duration(to: surroundings.steady()) < session.settings.patience.fullRead
        else { return false }
        // A full memory drops its oldest record for each new one, and counts the same.
        return records < sizes.recordCapacity
    }

    /// Reads the log in one way after the other until a read is proved to be all of it.
    ///
    /// The rows of a read that is not are kept where every one of them makes sense; the watermark
    /// stays where it was, and the numbers are told.
    private mutating func read(_ client: ZKClient, evenIfNone: Bool) async throws {
        var account: String?
        for way in ReadWay.allCases {
            let asOf = surroundings.now()
            let read: AttendanceRead
            do throws(ZKError) {
                read = try await client.readAttendance(by: way, evenIfNone: evenIfNone)
            } catch {
                guard error.code == .incomplete || error.code == .refused else { throw error }
                // Where one way showed numbers, they say more than that another is not known.
                if account == nil || error.code == .incomplete { account = "\(error)" }
                if error.code == .refused { break }
                continue
            }
            if read.completeness == .proved {
                try await keep(read, asOf: asOf)
                return
            }
            account = read.account
            try await keepUnproved(read, client)
            if read.completeness == .uncounted { break }
        }
        recordsRead = nil
        let cause = account ?? "the device's log cannot be read"
        log.error("device log is not proved complete", ["cause": cause])
        session.update { $0.cause = cause.clipped(toBytes: 1024) }
    }

    private mutating func keep(_ read: AttendanceRead, asOf: Timestamp) async throws {
        let result = try await ingest(read.log)
        lastFullRead = surroundings.steady()
        // Someone may have punched while the log was on its way: the counter before it is what
        // the next poll compares with, so that it reads again.
        recordsRead = read.before.records == read.log.count ? read.before.records : nil
        if result.new + result.amended > 0 || isFirstPoll {
            log.info(
                "device log read",
                [
                    "records": read.log.count, "new": result.new, "known": result.known,
                    "amended": result.amended, "way": read.way.rawValue,
                ])
        }
        try await complete(asOf, records: read.log.count)
    }

    /// Keeps the punches of a log that its device's counter contradicts, or does not count.
    ///
    /// Only where every row makes sense: rows cut at the wrong places would be punches that never
    /// were, and no entry is ever taken back.
    private mutating func keepUnproved(_ read: AttendanceRead, _ client: ZKClient) async throws {
        let latest = try await client.time().packed.addingReportingOverflow(86_400)
        let isSound = read.log.allSatisfy { row in
            row.time.isRealDate && row.time.year > 2000
                && (latest.overflow || row.time.packed <= latest.partialValue)
                && !row.identifier.unicodeScalars.contains { $0.value < 0x20 }
        }
        guard isSound else {
            log.error("device log makes no sense and is not stored", ["rows": read.log.count])
            return
        }
        let result = try await ingest(read.log)
        log.warning(
            "device log stored without proof",
            ["rows": read.log.count, "new": result.new, "account": read.account])
    }

    /// Stores what is new in the device's log, in batches.
    private mutating func ingest(_ rows: AttendanceLog) async throws -> IngestResult {
        let fresh = reader.fresh(in: rows, receivedAt: surroundings.now())
        var result = IngestResult()
        var position = 0
        while position < fresh.punches.count {
            try Task.checkCancellation()
            let end = min(position + Self.batchCount, fresh.punches.count)
            result += try await ingest(Array(fresh.punches[position..<end]))
            position = end
        }
        reader.stored(fresh)
        return result
    }

    /// Stores one batch.
    ///
    /// On its own because the optimiser of Swift 6.3 crashes on the two calls inside the loop.
    private func ingest(_ batch: [Punch]) async throws -> IngestResult {
        let result = try await store.ingest(batch)
        await refresh()
        return result
    }

    /// Every punch that the device had recorded by `asOf` is in the log.
    private mutating func complete(_ asOf: Timestamp, records: Int) async throws {
        let count = UInt32(clamping: records)
        try await store.advanceWatermark(
            of: reader.serial, to: asOf, records: count, isImportant: isFirstPoll)
        isFirstPoll = false
        await refresh()
        session.update { status in
            status.completeThrough = [status.completeThrough, asOf].compactMap(\.self).max()
            status.recordsOnDevice = count
            status.lastContact = surroundings.now()
            status.cause = usersCause
        }
    }

    private func refresh() async {
        guard let record = await store.record(of: reader.serial) else { return }
        session.update { $0.take(record) }
    }

    // MARK: The clock

    private func measureClock(_ client: ZKClient) async throws {
        let before = surroundings.now()
        let shown = try await client.time()
        let after = surroundings.now()
        guard let seconds = shown.secondsSince1970 else {
            log.warning("device clock shows no real date", ["shown": "\(shown)"])
            return
        }
        let middle =
            before.millisecondsSince1970
            + (after.millisecondsSince1970 - before.millisecondsSince1970) / 2
        let instant = instant(of: WallTime(seconds: seconds), near: middle / 1000)
        // It shows the second that has begun; on average half of it has passed.
        let offset = instant * 1000 + 500 - middle
        try await store.recordClock(
            of: reader.serial, offsetMilliseconds: offset, measuredAt: after)
        session.update { status in
            status.clockOffsetMilliseconds = offset
            status.clockMeasuredAt = after
        }
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
