import SQLite

extension StoreSchema {
    /// Where each terminal answered the last time.
    static let places = Migration(
        5,
        """
        CREATE TABLE device_place (
            name TEXT PRIMARY KEY,
            -- The address that the configuration had then: with another one the row counts no more.
            configured TEXT NOT NULL,
            serial TEXT NOT NULL,
            address TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX device_place_serial ON device_place (serial);
        """)
}
