import MeshAPI
import RPCRuntime
import SQLite

/// A run of entries and where the log stood when they were read.
struct LogSlice: Sendable {
    var logID: [UInt8]
    var entries: [LogEntry]
    var lastSequence: UInt64
}

extension LocationStore {
    /// Where the log stands.
    var position: (logID: [UInt8], lastSequence: UInt64) { (logID, lastSequence) }

    /// The entries behind `after` for a follower that believes to follow `logID`.
    ///
    /// From the first entry when that is another log, or one that is shorter than the follower
    /// says. A follower that knows more of this very log than this process found at its start and
    /// has given it since, has it from a life of the store that was undone. Then what is written
    /// here and what was written there have the same numbers, and the log gets a new id.
    func follow(
        _ follower: String, logID: [UInt8], after: UInt64, limit: Int
    ) throws(StoreError) -> LogSlice {
        var start = after
        if logID == self.logID {
            if after > max(sequenceAtOpening, sequenceServed[follower] ?? 0) {
                try renewLogID()
                start = 0
            }
        } else {
            start = 0
        }
        let slice = LogSlice(
            logID: self.logID, entries: try entries(after: start, limit: limit),
            lastSequence: lastSequence)
        if let last = slice.entries.last?.sequence {
            sequenceServed[follower] = max(sequenceServed[follower] ?? 0, last)
        }
        return slice
    }

    /// At most `limit` entries behind `after`.
    func entries(after: UInt64, limit: Int) throws(StoreError) -> [LogEntry] {
        do throws(SQLiteError) {
            let found = try database.rows(
                "SELECT sequence, body FROM log WHERE sequence > ? ORDER BY sequence LIMIT ?",
                .integer(Int64(clamping: after)), .integer(Int64(clamping: limit))
            ) { (row) throws(SQLiteError) in
                let entry = try LocationStore.decode(row.blob(1))
                guard Int64(clamping: entry.sequence) == row.integer(0) else {
                    throw SQLiteError.corrupt("entry \(row.integer(0)) says \(entry.sequence)")
                }
                return entry
            }
            // Followers count on it.
            if let first = found.first, first.sequence != after + 1 {
                throw SQLiteError.corrupt("the log has no entry \(after + 1)")
            }
            return found
        } catch {
            throw StoreError(error)
        }
    }

    /// Punches in commit order with what was learned of them later; of one device or of all.
    func punches(
        ofDevice serial: String?, after: UInt64, limit: Int
    ) throws(StoreError) -> [LocatedPunch] {
        do throws(SQLiteError) {
            return try database.rows(
                """
                SELECT body, amended_state, amended_verify, resolved_user FROM punch
                JOIN log USING (sequence)
                WHERE sequence > ?1 AND (?2 IS NULL OR device = ?2) ORDER BY sequence LIMIT ?3
                """,
                .integer(Int64(clamping: after)), .text(serial), .integer(Int64(clamping: limit))
            ) { (row) throws(SQLiteError) in
                let entry = try LocationStore.decode(row.blob(0))
                guard var punch = entry.punch else {
                    throw SQLiteError.corrupt("entry \(entry.sequence) is no punch")
                }
                if let state = row.optionalInteger(1) { punch.state = UInt32(clamping: state) }
                if let verify = row.optionalInteger(2) { punch.verify = UInt32(clamping: verify) }
                punch.resolvedUser = row.text(3)
                return LocatedPunch(sequence: entry.sequence, punch: punch)
            }
        } catch {
            throw StoreError(error)
        }
    }

    /// Looks for damage, with effort that has a bound: true when the whole was looked through.
    func check() throws(StoreError) -> Bool {
        try reading { () throws(SQLiteError) in
            try database.checkIntegrity(upTo: Database.Options().checkedBytesMax)
        }
    }

    /// Writes as much as the largest transaction that failed, to see whether that is possible
    /// again; nothing of it stays.
    func probe() throws(StoreError) {
        let entries = alarm.entriesWanted
        let bytes = Int64(min(max(entries, 100), 20_000)) * 512
        do throws(SQLiteError) {
            try database.transaction { () throws(SQLiteError) in
                try database.run("DELETE FROM probe")
                try database.run("INSERT INTO probe VALUES (1, zeroblob(?))", .integer(bytes))
            }
            try database.run("DELETE FROM probe")
        } catch {
            let failure = StoreError(error)
            alarm.failed(failure, entries: entries)
            throw failure
        }
        alarm.stored(entries)
    }

    /// Runs statements that only read, and translates their failure.
    func reading<Result>(_ body: () throws(SQLiteError) -> Result) throws(StoreError) -> Result {
        do throws(SQLiteError) { return try body() } catch { throw StoreError(error) }
    }

    static func decode(_ body: [UInt8]) throws(SQLiteError) -> LogEntry {
        do throws(DecodingFailure) {
            return try LogEntry(decoding: body)
        } catch {
            throw SQLiteError.corrupt("an entry of the log: \(error)")
        }
    }
}
