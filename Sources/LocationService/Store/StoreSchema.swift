import MeshAPI
import SQLite

/// The tables of a location's store.
enum StoreSchema {
    /// The kinds of entry, by the field number of their body in `LogEntry`.
    enum Kind: Int64 {
        case punch = 3
        case device = 4
        case zone = 5
        case clock = 6
        case watermark = 7
        case amendment = 8
    }

    static let migrations = [
        Migration(
            1,
            """
            -- One row: which log this is, and which start of the service it was last seen by.
            CREATE TABLE identity (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                log_id BLOB NOT NULL CHECK (length(log_id) = 16),
                token TEXT NOT NULL,
                next_token TEXT
            );
            -- The log. Rows are only ever added; body is an encoded LogEntry.
            CREATE TABLE log (
                sequence INTEGER PRIMARY KEY,
                kind INTEGER NOT NULL,
                body BLOB NOT NULL
            );
            -- What the entries say together, kept beside them for finding it.
            CREATE TABLE punch (
                sequence INTEGER PRIMARY KEY,
                device TEXT NOT NULL,
                user TEXT NOT NULL,
                local_time TEXT NOT NULL,
                state INTEGER NOT NULL,
                instant INTEGER,
                resolved_user TEXT NOT NULL,
                amended_state INTEGER,
                amended_verify INTEGER,
                UNIQUE (device, user, local_time, state)
            );
            CREATE INDEX punch_instant ON punch (instant);
            CREATE TABLE device (
                serial TEXT PRIMARY KEY,
                body BLOB NOT NULL,
                punches INTEGER NOT NULL DEFAULT 0,
                complete_through INTEGER,
                records INTEGER NOT NULL DEFAULT 0,
                clock_offset INTEGER,
                clock_measured_at INTEGER
            ) WITHOUT ROWID;
            """),
        Migration(
            2,
            """
            -- The looks at a device's clock that told something new; they are in the log as well.
            CREATE TABLE clock_history (
                number INTEGER PRIMARY KEY,
                device TEXT NOT NULL,
                measured_at INTEGER NOT NULL,
                clock_offset INTEGER NOT NULL,
                was_set INTEGER NOT NULL DEFAULT 0,
                clock_mode TEXT NOT NULL
            );
            CREATE INDEX clock_history_device ON clock_history (device);
            -- What went against the rules at a device; the same again is counted.
            CREATE TABLE exception (
                number INTEGER PRIMARY KEY,
                device TEXT NOT NULL,
                kind INTEGER NOT NULL,
                first_at INTEGER NOT NULL,
                at INTEGER NOT NULL,
                times INTEGER NOT NULL DEFAULT 1,
                text TEXT NOT NULL,
                announced_bytes INTEGER,
                row_count INTEGER,
                count_before INTEGER,
                count_after INTEGER
            );
            CREATE INDEX exception_device ON exception (device);
            -- Punches of a device by the day of their instant in UTC, for the latest days.
            CREATE TABLE punch_day (
                device TEXT NOT NULL,
                day INTEGER NOT NULL,
                punches INTEGER NOT NULL,
                PRIMARY KEY (device, day)
            ) WITHOUT ROWID;
            INSERT INTO punch_day
                SELECT device, instant / 86400, count(*) FROM punch WHERE instant >= 0
                GROUP BY 1, 2;
            """, rest: fillClockHistory),
    ]

    /// Takes the looks at clocks out of a log that was written before their table was there.
    private static func fillClockHistory(_ database: Database) throws(SQLiteError) {
        var modes: [String: String] = [:]
        let bodies = try database.statement(
            "SELECT body FROM log WHERE kind IN (4, 6) ORDER BY sequence")
        defer { bodies.reset() }
        while try bodies.step() {
            let entry = try LocationStore.decode(bodies.blob(0))
            if let device = entry.device { modes[device.serial] = device.clockMode }
            guard let clock = entry.clock else { continue }
            let record = ClockRecord(
                device: clock.device, measuredAt: clock.measuredAt,
                offsetMilliseconds: clock.offsetMilliseconds,
                clockMode: modes[clock.device] ?? "")
            try record.insert(into: database)
        }
    }
}
