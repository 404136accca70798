import SQLite

extension StoreSchema {
    /// What commands need: who ordered what, and the terminals that were added at run time.
    static let commands = Migration(
        4,
        """
        -- Commands that changed something, each written before its terminal hears of it.
        CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL,
            principal TEXT NOT NULL,
            gateway TEXT NOT NULL,
            device TEXT NOT NULL,
            serial TEXT NOT NULL,
            command TEXT NOT NULL,
            arguments TEXT NOT NULL,
            -- Null until the command has ended; for ever where the process ended first.
            certainty INTEGER,
            outcome TEXT NOT NULL DEFAULT '',
            completed_at INTEGER
        );
        -- Terminals beside those of the configuration; body is an encoded ManagedDevice.
        CREATE TABLE managed_device (
            name TEXT PRIMARY KEY,
            body BLOB NOT NULL
        ) WITHOUT ROWID;
        """)
}
