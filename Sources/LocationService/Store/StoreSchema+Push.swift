import SQLite

extension StoreSchema {
    /// The tables for terminals that push.
    static let pushTables = Migration(
        3,
        """
        -- Serials that may push, and what is known of how complete their log is.
        CREATE TABLE push_terminal (
            serial TEXT PRIMARY KEY,
            -- Empty where the configuration names it.
            name TEXT NOT NULL DEFAULT '',
            approved_at INTEGER,
            -- Punches in the log minus rows in its memory when both were the same set; null where
            -- that is unknown.
            forgotten INTEGER DEFAULT 0,
            -- The last count that it told.
            counted INTEGER
        ) WITHOUT ROWID;
        CREATE TABLE push_stamp (
            serial TEXT NOT NULL,
            upload TEXT NOT NULL,
            stamp TEXT NOT NULL,
            PRIMARY KEY (serial, upload)
        ) WITHOUT ROWID;
        -- The last bodies that were taken whole, by their SHA-256.
        CREATE TABLE push_body (
            id INTEGER PRIMARY KEY,
            serial TEXT NOT NULL,
            upload TEXT NOT NULL,
            hash BLOB NOT NULL,
            rows INTEGER NOT NULL,
            received_at INTEGER NOT NULL,
            UNIQUE (serial, upload, hash)
        );
        -- Lines that could not be taken, for a person to look at.
        CREATE TABLE push_quarantine (
            id INTEGER PRIMARY KEY,
            serial TEXT NOT NULL,
            upload TEXT NOT NULL,
            line BLOB NOT NULL,
            cause TEXT NOT NULL,
            received_at INTEGER NOT NULL,
            UNIQUE (serial, upload, line)
        );
        CREATE TABLE push_user (
            serial TEXT NOT NULL,
            pin TEXT NOT NULL,
            name TEXT NOT NULL,
            privilege INTEGER NOT NULL,
            card INTEGER NOT NULL,
            user_group TEXT NOT NULL,
            has_password INTEGER NOT NULL,
            received_at INTEGER NOT NULL,
            PRIMARY KEY (serial, pin)
        ) WITHOUT ROWID;
        """)
}
