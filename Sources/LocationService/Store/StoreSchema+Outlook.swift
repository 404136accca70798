import MeshAPI
import SQLite

extension StoreSchema {
    /// What is known of devices beside their punches.
    static let outlook = Migration(
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
        -- Empty but while it is tried whether anything can be written.
        CREATE TABLE probe (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
        INSERT INTO punch_day
            SELECT device, instant / 86400, count(*) FROM punch WHERE instant >= 0
            GROUP BY 1, 2;
        """, rest: fillClockHistory)

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
