import MeshAPI
import RPCRuntime
import ServiceKit
import ZKProtocol

/// The poll: it brings the store up to the device, and proves that nothing is missing.
extension DeviceContact {
    var status: DeviceStatus? { session.board.status(of: session.settings.name) }

    /// Brings the store up to the device; the watermark follows when that is proved.
    mutating func poll(_ client: ZKClient) async throws {
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
            try await complete(asOf, records: sizes.records ?? 0)
            return
        }
        if sizes.users != usersRead || usersRead == nil { try await readUsers(client, sizes) }
        // Some devices count none although they have records: each session asks once.
        let isDoubted = sizes.records == 0 && (isFirstPoll || (status?.punches ?? 0) > 0)
        // While others are being read, this one is not left alone for long.
        while try await !session.limiter.take(
            within: session.settings.patience.silence, on: session.loop)
        {
            try await measureClock(client)
        }
        defer { session.limiter.leave() }
        hasEvents = false
        try await read(client, evenIfNone: isDoubted)
    }

    private mutating func readUsers(_ client: ZKClient, _ sizes: FreeSizes) async throws {
        do throws(ZKError) {
            reader.setUsers(try await client.users())
            usersRead = sizes.users
            usersCause = ""
        } catch {
            guard error.code == .incomplete || error.code == .refused else { throw error }
            // Punches are worth reading without the names of those who made them.
            log.error("the device's users cannot be read", ["cause": "\(error)"])
            usersCause = error.description.clipped(toBytes: 1024)
            try await except(.refused, usersCause)
        }
    }

    /// Whether the device can have nothing that the last complete read did not show.
    ///
    /// All counters are compared: where somebody cleared the log and as many punched as before, the
    /// operations tell.
    private func isUnchanged(_ sizes: FreeSizes) -> Bool {
        guard let records = sizes.records, sizes == sizesRead, sizes.users == usersRead,
            !hasEvents, let lastFullRead,
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
        var best: AttendanceRead?
        var failure: ZKError?
        for way in ReadWay.allCases {
            let asOf = surroundings.now()
            let read: AttendanceRead
            do throws(ZKError) {
                read = try await client.readAttendance(by: way, evenIfNone: evenIfNone)
            } catch {
                guard error.code == .incomplete || error.code == .refused else { throw error }
                // What the first way failed with says more than that another is not known.
                if failure == nil || error.code == .incomplete { failure = error }
                if error.code == .refused { break }
                continue
            }
            if read.completeness == .proved {
                try await keep(read, asOf: asOf)
                return
            }
            try await keepUnproved(read, client)
            if read.log.count >= best?.log.count ?? 0 { best = read }
            if read.completeness == .uncounted { break }
        }
        sizesRead = nil
        try await tell(best, failure)
    }

    private mutating func keep(_ read: AttendanceRead, asOf: Timestamp) async throws {
        let before = status?.recordsOnDevice ?? 0
        let result = try await ingest(read.log)
        lastFullRead = surroundings.steady()
        // Someone may have punched while the log was on its way: the counter before it is what
        // the next poll compares with, so that it reads again.
        sizesRead = read.before.records == read.log.count ? read.before : nil
        if result.new + result.amended > 0 || isFirstPoll {
            log.info(
                "device log read",
                [
                    "records": read.log.count, "new": result.new, "known": result.known,
                    "amended": result.amended, "way": read.way.rawValue,
                ])
        }
        if read.log.count < Int(before), !isClearedByCommand {
            try await except(
                .logShrank,
                "the device's log had \(before) records and has \(read.log.count): it was cleared; "
                    + "nothing is taken from the store")
        }
        isClearedByCommand = false
        let capacity = read.after.recordCapacity
        if capacity > 0, read.log.count >= capacity {
            try await except(
                .memoryFull, "the device's memory is full: it holds \(capacity) records", read)
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
            try await except(.nonsense, "rows of the log make no sense and are not stored", read)
            return
        }
        let result = try await ingest(read.log)
        log.warning(
            "device log stored without proof",
            ["rows": read.log.count, "new": result.new, "account": read.account])
    }

    /// Says why nothing is proved.
    private func tell(_ read: AttendanceRead?, _ failure: ZKError?) async throws {
        let cause = read?.account ?? failure?.description ?? "the device's log cannot be read"
        log.error("device log is not proved complete", ["cause": cause])
        if let read, read.completeness == .uncounted {
            session.update { $0.proof = .unproven }
        } else {
            session.update { $0.proof = .short }
            let kind: ExceptionKind
            if let read {
                let isShort = read.log.count < read.before.records ?? 0
                kind = isShort ? .shortRead : .countMismatch
            } else {
                kind = failure?.code == .refused ? .refused : .shortRead
            }
            try await except(kind, cause, read)
        }
        session.update { $0.cause = cause.clipped(toBytes: 1024) }
    }

    /// Notes what went against the rules, with its numbers.
    func except(
        _ kind: ExceptionKind, _ text: String, _ read: AttendanceRead? = nil
    ) async throws {
        var exception = DeviceException(
            device: reader.serial, at: surroundings.now(), kind: kind,
            text: text.clipped(toBytes: 1024))
        if let read {
            exception.announcedBytes = UInt64(clamping: read.bytes)
            exception.rows = UInt64(clamping: read.log.count)
            exception.countBefore = read.before.records.map { UInt64(clamping: $0) }
            exception.countAfter = read.after.records.map { UInt64(clamping: $0) }
        }
        let noted = try await store.recordException(exception)
        session.update { $0.lastException = noted }
    }

    /// Stores what is new in the device's log, in batches.
    private mutating func ingest(_ rows: AttendanceLog) async throws -> IngestResult {
        var fresh = reader.fresh(in: rows)
        let receivedAt = surroundings.now()
        var result = IngestResult()
        while !fresh.isEmpty {
            try Task.checkCancellation()
            let batch = reader.next(Self.batchCount, of: rows, receivedAt: receivedAt, &fresh)
            result += try await ingest(batch)
        }
        reader.stored(fresh)
        return result
    }

    /// Stores one batch.
    ///
    /// On its own because the optimiser of Swift 6.3 crashes on the two calls inside the loop.
    private func ingest(_ batch: [Punch]) async throws -> IngestResult {
        let result = try await store.submit(batch)
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
            status.proof = .proved
            status.cause = usersCause
        }
    }
}
