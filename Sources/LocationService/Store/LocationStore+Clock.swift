import MeshAPI
import RPCRuntime
import SQLite

extension LocationStore {
    /// A terminal shows whole seconds, so smaller differences between two looks are nothing.
    static let clockChangeMilliseconds: Int64 = 2000

    /// Notes how far the device's clock is off, when that has changed.
    ///
    /// - Parameter wasSet: Whether the clock was set after this look; then it is noted always.
    func recordClock(
        of serial: String, offsetMilliseconds: Int64, measuredAt: Timestamp, wasSet: Bool = false
    ) throws(StoreError) {
        guard var record = devices[serial] else { return }
        var isNew = true
        if let last = record.clockOffsetMilliseconds {
            let (difference, overflow) = offsetMilliseconds.subtractingReportingOverflow(last)
            isNew = overflow || difference.magnitude >= UInt64(Self.clockChangeMilliseconds)
        }
        guard isNew || wasSet else { return }
        record.clockOffsetMilliseconds = offsetMilliseconds
        record.clockMeasuredAt = measuredAt
        try commit { (appender) throws(SQLiteError) in
            if isNew {
                try appender.append(
                    .clock,
                    LogEntry(
                        clock: ClockMeasurement(
                            device: serial, measuredAt: measuredAt,
                            offsetMilliseconds: offsetMilliseconds)))
            }
            let look = ClockRecord(
                device: serial, measuredAt: measuredAt, offsetMilliseconds: offsetMilliseconds,
                wasSet: wasSet, clockMode: record.device.clockMode)
            try look.insert(into: database)
            try record.write(database)
            devices[serial] = record
        }
    }

    /// The looks at a device's clock that told something new, the newest first; of all devices
    /// for nil.
    ///
    /// - Parameter before: The number of the last one of the page before; 0 to begin.
    func clockHistory(
        of serial: String?, before: UInt64 = 0, limit: Int
    ) throws(StoreError) -> [ClockRecord] {
        // With both in one text SQLite would look at every row.
        let isWanted = serial == nil ? "?1 IS NULL" : "device = ?1"
        return try reading { () throws(SQLiteError) in
            try database.rows(
                """
                SELECT number, device, measured_at, clock_offset, was_set, clock_mode
                FROM clock_history
                WHERE \(isWanted) AND (?2 = 0 OR number < ?2)
                ORDER BY number DESC LIMIT ?3
                """,
                .text(serial), .integer(Int64(clamping: before)), .integer(Int64(clamping: limit))
            ) { row in
                ClockRecord(
                    number: UInt64(clamping: row.integer(0)), device: row.text(1),
                    measuredAt: Timestamp(millisecondsSince1970: row.integer(2)) ?? Timestamp(),
                    offsetMilliseconds: row.integer(3), wasSet: row.integer(4) != 0,
                    clockMode: row.text(5))
            }
        }
    }
}

extension ClockRecord {
    /// Adds the look to the history; its number is given there.
    func insert(into database: Database) throws(SQLiteError) {
        try database.run(
            """
            INSERT INTO clock_history (device, measured_at, clock_offset, was_set, clock_mode)
            VALUES (?, ?, ?, ?, ?)
            """,
            .text(device), .integer(measuredAt.millisecondsSince1970),
            .integer(offsetMilliseconds), .integer(wasSet ? 1 : 0), .text(clockMode))
    }
}
