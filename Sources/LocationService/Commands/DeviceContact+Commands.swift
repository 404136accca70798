import Attendance
import MeshAPI
import RPCRuntime
import Transport
import ZKProtocol

/// A look at a terminal's clock.
struct ClockReading: Sendable {
    var shown: LocalTime
    /// The clock minus true time in milliseconds; nil where it shows no real date.
    var offset: Int64?
    /// How long the terminal took to answer.
    var roundTrip: Duration
    /// When it had answered.
    var at: Timestamp
}

extension DeviceContact {
    var serial: String { reader.serial }

    /// Looks at the terminal's clock without writing it down.
    func clock(_ client: ZKClient) async throws -> ClockReading {
        let start = surroundings.steady()
        let before = surroundings.now()
        let shown = try await client.time()
        let after = surroundings.now()
        let roundTrip = start.duration(to: surroundings.steady())
        guard let seconds = shown.secondsSince1970 else {
            return ClockReading(shown: shown, offset: nil, roundTrip: roundTrip, at: after)
        }
        let middle =
            before.millisecondsSince1970
            + (after.millisecondsSince1970 - before.millisecondsSince1970) / 2
        let instant = instant(of: WallTime(seconds: seconds), near: middle / 1000)
        // It shows the second that has begun; on average half of it has passed.
        return ClockReading(
            shown: shown, offset: instant * 1000 + 500 - middle, roundTrip: roundTrip, at: after)
    }

    /// Sets the terminal's clock to the location's time and measures it again.
    ///
    /// A terminal takes whole seconds, so the command leaves when a second is about to begin, and
    /// earlier by half of the time that the terminal takes to answer. `willSend` is called right
    /// before it is sent.
    func setClock(
        _ client: ZKClient, _ willSend: () throws -> Void
    ) async throws -> (before: Int64?, after: Int64?) {
        let before = try await clock(client)
        let (seconds, attoseconds) = before.roundTrip.components
        let travel = (seconds * 1000 + attoseconds / 1_000_000_000_000_000) / 2
        let arrival = surroundings.now().millisecondsSince1970 + travel
        let rest = 1000 - arrival % 1000
        let second = (arrival + rest) / 1000
        try await session.loop.sleep(for: .milliseconds(rest))
        guard let time = LocalTime(secondsSince1970: wall(at: second).seconds) else {
            throw RPCError(
                .failedPrecondition, "the location's time is none that a terminal can show")
        }
        try willSend()
        try await client.setTime(time)
        if let offset = before.offset {
            try await session.store.recordClock(
                of: serial, offsetMilliseconds: offset, measuredAt: before.at, wasSet: true)
        }
        let after = try await clock(client)
        if let offset = after.offset {
            try await session.store.recordClock(
                of: serial, offsetMilliseconds: offset, measuredAt: after.at)
            session.update { status in
                status.clockOffsetMilliseconds = offset
                status.clockMeasuredAt = after.at
            }
        }
        return (before.offset, after.offset)
    }

    /// What the terminal's clock shall show at an instant.
    private func wall(at instant: Int64) -> WallTime {
        if case .fixed(let offset) = session.settings.clockMode {
            return WallTime(seconds: instant + offset)
        }
        return session.zone.wallTime(at: instant)
    }

    // MARK: The log

    /// How long a terminal takes no punches after it was last told so.
    static let holdSeconds: UInt32 = 120

    /// Has the terminal take no punches while `body` runs; it takes them again by itself should
    /// nobody be left to tell it.
    func withPunchingHeld<Result>(
        _ client: ZKClient, _ body: () async throws -> Result
    ) async throws -> Result {
        try await client.disable(forSeconds: Self.holdSeconds)
        do {
            let result = try await body()
            try await client.enable()
            return result
        } catch {
            try? await client.enable()
            throw error
        }
    }

    /// Stores every row of a read; the rows that the store then does not have.
    func storeWhole(_ log: AttendanceLog) async throws -> Int {
        var whole = LogReader(
            serial: serial,
            resolver: InstantResolver(zone: session.zone, mode: session.settings.clockMode))
        var fresh = whole.fresh(in: log)
        let receivedAt = surroundings.now()
        var missing = 0
        while !fresh.isEmpty {
            let batch = whole.next(Self.batchCount, of: log, receivedAt: receivedAt, &fresh)
            _ = try await session.store.ingest(batch)
            missing += try await session.store.missing(of: batch)
        }
        return missing
    }

    // MARK: The clock by policy

    /// Sets the clock where the configuration says so; written down like a command.
    mutating func obeyClockPolicy(_ client: ZKClient) async throws {
        let policy = session.settings.clockPolicy
        let status = session.board.status(of: session.settings.name)
        guard policy.sets(status?.clockOffsetMilliseconds) else { return }
        if let last = lastClockSetting,
            last.duration(to: surroundings.steady()) < ClockPolicy.interval
        {
            return
        }
        lastClockSetting = surroundings.steady()
        let trail = AuditTrail(store: session.store, log: log)
        let run = CommandRun()
        var record = AuditRecord(
            principal: Requester.policy.principal, device: session.settings.name, serial: serial,
            command: "set-time",
            arguments: "whenOff toleranceSeconds=\(policy.tolerance.components.seconds)")
        record.id = try await trail.begin(record)
        do {
            let offsets = try await setClock(client) { try run.willSend() }
            await trail.complete(
                record, .done,
                "from \(offsets.before.map { "\($0)" } ?? "no real date") to "
                    + "\(offsets.after.map { "\($0)" } ?? "no real date") ms")
        } catch {
            let certainty = run.certainty(after: error)
            await trail.complete(record, certainty, "\(error)")
            // A terminal that will not is read all the same.
            if certainty != .refused { throw error }
        }
    }
}
