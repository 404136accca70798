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
        outlook,
        pushTables,
        commands,
        places,
    ]
}
