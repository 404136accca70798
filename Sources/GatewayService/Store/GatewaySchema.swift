import RPCRuntime
import SQLite

/// The tables of the gateway's store.
///
/// Instants are microseconds since 1970.
enum GatewaySchema {
    static let migrations = [
        Migration(
            1,
            """
            CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;

            -- What is held of each location's log. `unread` counts devices that the location
            -- has never read whole; `log_id` is empty before the first batch.
            CREATE TABLE location (
                id INTEGER PRIMARY KEY,
                name TEXT NOT NULL UNIQUE,
                log_id BLOB NOT NULL DEFAULT x'',
                last_sequence INTEGER NOT NULL DEFAULT 0,
                zone TEXT NOT NULL DEFAULT '',
                last_contact INTEGER,
                punches INTEGER NOT NULL DEFAULT 0,
                unread INTEGER NOT NULL DEFAULT 0
            ) STRICT;

            -- `confirmed` is 0 while a new log of the location has not named the device yet.
            CREATE TABLE device (
                location INTEGER NOT NULL REFERENCES location (id),
                serial TEXT NOT NULL,
                name TEXT NOT NULL DEFAULT '',
                platform TEXT NOT NULL DEFAULT '',
                firmware TEXT NOT NULL DEFAULT '',
                address TEXT NOT NULL DEFAULT '',
                active INTEGER NOT NULL DEFAULT 1,
                clock_mode TEXT NOT NULL DEFAULT '',
                poll_interval INTEGER NOT NULL DEFAULT 0,
                watermark INTEGER,
                records INTEGER NOT NULL DEFAULT 0,
                clock_offset INTEGER NOT NULL DEFAULT 0,
                clock_measured INTEGER,
                punches INTEGER NOT NULL DEFAULT 0,
                confirmed INTEGER NOT NULL DEFAULT 1,
                PRIMARY KEY (location, serial)
            ) WITHOUT ROWID, STRICT;

            -- `sequence` is the gateway's own commit sequence. `state` is what is known now,
            -- `raw_state` what the first entry said.
            CREATE TABLE punch (
                sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                location INTEGER NOT NULL REFERENCES location (id),
                device TEXT NOT NULL,
                user TEXT NOT NULL,
                local_time TEXT NOT NULL,
                state INTEGER NOT NULL,
                raw_state INTEGER NOT NULL,
                resolved_user TEXT NOT NULL,
                verify INTEGER NOT NULL,
                work_code INTEGER NOT NULL,
                source INTEGER NOT NULL,
                received_at INTEGER NOT NULL,
                instant INTEGER
            ) STRICT;
            CREATE UNIQUE INDEX punch_key ON punch (location, device, user, local_time, state);
            CREATE INDEX punch_instant ON punch (instant);

            -- `hash` is the HMAC of the secret under the pepper, which is not in this file.
            CREATE TABLE api_key (
                id TEXT PRIMARY KEY,
                name TEXT NOT NULL,
                hash BLOB NOT NULL,
                created_at INTEGER NOT NULL,
                created_by TEXT NOT NULL,
                revoked_at INTEGER,
                last_used_at INTEGER
            ) WITHOUT ROWID, STRICT;
            """)
    ]
}

extension Timestamp {
    /// As the store keeps it; finer parts are cut off.
    var microseconds: Int64 { seconds * 1_000_000 + Int64(nanoseconds / 1000) }

    /// The instant, or the nearest end of the range of timestamps.
    init(microseconds: Int64) {
        let (quotient, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        let seconds = rest < 0 ? quotient - 1 : quotient
        let fraction = rest < 0 ? rest + 1_000_000 : rest
        self =
            Timestamp(seconds: seconds, nanoseconds: Int32(fraction * 1000))
            ?? (microseconds < 0 ? .min : .max)
    }
}
