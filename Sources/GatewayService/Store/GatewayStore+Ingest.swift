import MeshAPI
import RPCRuntime
import SQLite
import Synchronization
import Transport

/// What storing a batch changed.
struct Ingested: Sendable, Hashable {
    /// Punches that were new to the gateway.
    var inserted = 0
    /// Punches that the gateway had already.
    var duplicates = 0
    /// The last entry of the location's log that is now stored.
    var lastSequence: UInt64 = 0
    /// True when the copy began again at the log's first entry.
    var restarted = false
}

extension GatewayStore {
    /// Stores a batch and the new position in the location's log in one transaction.
    ///
    /// A batch continues the stored position, or begins at the log's first entry: then the log is
    /// another one, or has become shorter, and what is known already is recognised by its key.
    func ingest(_ batch: LogBatch, from location: String, at now: Timestamp)
        throws(StoreError) -> Ingested
    {
        guard batch.logID.count == 16 else {
            throw StoreError(
                .badBatch, "\(location) sent a log id of \(batch.logID.count) bytes, not 16")
        }
        let ingested = try storing { () throws(StoreError) in
            var row = try locationRow(location)
            var ingested = Ingested()
            for entry in try place(batch, of: location, in: &row, &ingested) {
                try apply(entry, to: &row, &ingested)
                row.lastSequence += 1
            }
            try noteDevices(batch, in: &row)
            try save(row, at: now)
            ingested.lastSequence = UInt64(clamping: row.lastSequence)
            return ingested
        }
        if ingested.inserted > 0 { try noteCommits() }
        return ingested
    }

    /// Runs a transaction, and notes for ``isRefusing`` whether the store took it.
    private func storing<Result>(
        _ body: () throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        do throws(StoreError) {
            let result = try database.transaction(body)
            refusing.withLock { $0 = false }
            return result
        } catch {
            if error.kind == .database { refusing.withLock { $0 = true } }
            throw error
        }
    }

    /// The entries that are new; goes back to the start for a new log.
    ///
    /// The first entries may be stored already, when an older link of the same location brought
    /// them meanwhile.
    private func place(
        _ batch: LogBatch, of location: String, in row: inout LocationRow,
        _ ingested: inout Ingested
    ) throws(StoreError) -> ArraySlice<LogEntry> {
        let first = batch.entries.first?.sequence
        let isOtherLog = batch.logID != row.logID
        if isOtherLog || first == 1 && row.lastSequence > 0 {
            guard first == nil || first == 1 else {
                throw StoreError(
                    .badBatch,
                    "\(location) sent an unknown log from entry \(first ?? 0) on, not from 1")
            }
            ingested.restarted = row.lastSequence > 0 || isOtherLog && !row.logID.isEmpty
            row.logID = batch.logID
            row.lastSequence = 0
            try run("UPDATE device SET confirmed = 0 WHERE location = ?1", .integer(row.id))
        }
        let stored = UInt64(clamping: row.lastSequence)
        var expected = min(first ?? 0, stored &+ 1)
        for entry in batch.entries {
            guard entry.sequence == expected, expected < UInt64(Int64.max) else {
                throw StoreError(
                    .badBatch,
                    "\(location) sent entry \(entry.sequence) where \(expected) was due")
            }
            expected += 1
        }
        return batch.entries.drop { $0.sequence <= stored }
    }

    private func apply(_ entry: LogEntry, to row: inout LocationRow, _ ingested: inout Ingested)
        throws(StoreError)
    {
        if let punch = entry.punch {
            if try insert(punch, at: row.id) {
                row.punches += 1
                ingested.inserted += 1
            } else {
                ingested.duplicates += 1
            }
        }
        if let device = entry.device { try save(device, at: row.id) }
        if let zone = entry.zone { row.zone = zone.name }
        if let clock = entry.clock {
            try run(
                """
                UPDATE device SET clock_offset = ?3, clock_measured = ?4
                WHERE location = ?1 AND serial = ?2
                """, .integer(row.id), .text(clock.device), .integer(clock.offsetMilliseconds),
                .integer(clock.measuredAt.microseconds))
        }
        if let watermark = entry.watermark { try save(watermark, at: row.id) }
        if let amendment = entry.amendment { try apply(amendment, at: row.id) }
    }

    // MARK: Punches

    /// Stores a punch unless it is known; true when it was new.
    ///
    /// State 255 stands for any state: it matches whatever is stored under the same device, user
    /// and time, and is made precise by a later row that says more.
    private func insert(_ punch: Punch, at location: Int64) throws(StoreError) -> Bool {
        let unknown: Int64 = 255
        let state = Int64(punch.state)
        let known = try reading { () throws(SQLiteError) in
            try database.rows(
                """
                SELECT sequence, state FROM punch
                WHERE location = ?1 AND device = ?2 AND user = ?3 AND local_time = ?4
                """, .integer(location), .text(punch.device), .text(punch.user),
                .text(punch.localTime)
            ) { row in (sequence: row.integer(0), state: row.integer(1)) }
        }
        if known.contains(where: { $0.state == state }) { return false }
        if state == unknown, !known.isEmpty { return false }
        if let vague = known.first(where: { $0.state == unknown }) {
            try run(
                """
                UPDATE punch SET state = ?2, verify = ?3, work_code = ?4,
                    resolved_user = CASE ?5 WHEN '' THEN resolved_user ELSE ?5 END
                WHERE sequence = ?1
                """, .integer(vague.sequence), .integer(state), .integer(Int64(punch.verify)),
                .integer(Int64(punch.workCode)), .text(punch.resolvedUser))
            return false
        }
        try run(
            """
            INSERT INTO punch (location, device, user, local_time, state, raw_state,
                resolved_user, verify, work_code, source, received_at, instant)
            VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """, .integer(location), .text(punch.device), .text(punch.user),
            .text(punch.localTime), .integer(state), .text(punch.resolvedUser),
            .integer(Int64(punch.verify)), .integer(Int64(punch.workCode)),
            .integer(Int64(punch.source.rawValue)), .integer(punch.receivedAt.microseconds),
            .integer(punch.instant?.microseconds))
        try run(
            """
            INSERT INTO device (location, serial, punches) VALUES (?1, ?2, 1)
            ON CONFLICT DO UPDATE SET punches = punches + 1
            """, .integer(location), .text(punch.device))
        return true
    }

    /// Adds what was learned later about a punch; one that is not known is left out.
    private func apply(_ amendment: Amendment, at location: Int64) throws(StoreError) {
        // The state may have been learned already from a row; then the raw state still matches.
        // A punch that is stored under the new state is the same punch: nothing is to be done.
        try run(
            """
            UPDATE OR IGNORE punch SET
                state = coalesce(?6, state),
                verify = coalesce(?7, verify),
                resolved_user = coalesce(?8, resolved_user)
            WHERE location = ?1 AND device = ?2 AND user = ?3 AND local_time = ?4
                AND (state = ?5 OR raw_state = ?5)
            """, .integer(location), .text(amendment.device), .text(amendment.user),
            .text(amendment.localTime), .integer(Int64(amendment.state)),
            .integer(amendment.newState.map(Int64.init)),
            .integer(amendment.newVerify.map(Int64.init)), .text(amendment.newResolvedUser))
    }

    // MARK: Devices

    private func save(_ device: Device, at location: Int64) throws(StoreError) {
        try run(
            """
            INSERT INTO device (location, serial, name, platform, firmware, address, active,
                clock_mode, poll_interval)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT DO UPDATE SET name = ?3, platform = ?4, firmware = ?5, address = ?6,
                active = ?7, clock_mode = ?8, poll_interval = ?9, confirmed = 1
            """, .integer(location), .text(device.serial), .text(device.name),
            .text(device.platform), .text(device.firmware), .text(device.address),
            .integer(device.active ? 1 : 0), .text(device.clockMode),
            .integer(Int64(device.pollIntervalSeconds)))
    }

    /// Moves a device's watermark forward, never back: what an older copy of the log says again
    /// is still held here.
    private func save(_ watermark: Watermark, at location: Int64) throws(StoreError) {
        try run(
            """
            INSERT INTO device (location, serial, watermark, records) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET
                watermark = max(coalesce(watermark, ?3), ?3), records = ?4
            """, .integer(location), .text(watermark.device),
            .integer(watermark.completeThrough.microseconds), .integer(Int64(watermark.records)))
    }

    /// Takes what a heartbeat says of the devices, once the log is stored up to it.
    private func noteDevices(_ batch: LogBatch, in row: inout LocationRow) throws(StoreError) {
        guard !batch.devices.isEmpty, row.lastSequence >= Int64(clamping: batch.lastSequence)
        else { return }
        row.unread = 0
        for status in batch.devices where status.device.active {
            guard let through = status.completeThrough else {
                row.unread += 1
                continue
            }
            try run(
                """
                UPDATE device SET watermark = ?3
                WHERE location = ?1 AND serial = ?2 AND coalesce(watermark, ?3 - 1) < ?3
                """, .integer(row.id), .text(status.device.serial),
                .integer(through.microseconds))
        }
        // A device that a new log does not name is gone when the configuration does not either.
        let names = batch.devices.map(\.device.name)
        let unconfirmed = try reading { () throws(SQLiteError) in
            try database.rows(
                """
                SELECT serial, name FROM device
                WHERE location = ?1 AND confirmed = 0 AND active = 1
                """, .integer(row.id)
            ) { (serial: $0.text(0), name: $0.text(1)) }
        }
        for device in unconfirmed where !names.contains(device.name) {
            try run(
                "UPDATE device SET active = 0 WHERE location = ?1 AND serial = ?2",
                .integer(row.id), .text(device.serial))
        }
    }

    private func save(_ row: LocationRow, at now: Timestamp) throws(StoreError) {
        try run(
            """
            UPDATE location SET log_id = ?2, last_sequence = ?3, punches = ?4, zone = ?5,
                unread = ?6, last_contact = ?7
            WHERE id = ?1
            """, .integer(row.id), .blob(row.logID), .integer(row.lastSequence),
            .integer(row.punches), .text(row.zone), .integer(row.unread),
            .integer(now.microseconds))
    }

    private func run(_ sql: String, _ values: Value...) throws(StoreError) {
        try reading { () throws(SQLiteError) in
            let statement = try database.statement(sql)
            var index: Int32 = 0
            for value in values {
                index += 1
                try statement.bind(index, to: value)
            }
            while try statement.step() {}
        }
    }
}
