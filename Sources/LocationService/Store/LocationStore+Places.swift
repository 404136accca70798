import MeshAPI
import SQLite

extension LocationStore {
    /// Where the device of this name was read the last time.
    func place(of name: String) throws(StoreError) -> DevicePlace? {
        try reading { () throws(SQLiteError) in
            try database.rows(
                "SELECT name, configured, serial, address FROM device_place WHERE name = ?",
                .text(name)
            ) { DevicePlace($0) }.first
        }
    }

    /// The name under which a terminal is read, where that is another one than `name`.
    func otherName(of serial: String, than name: String) throws(StoreError) -> String? {
        try reading { () throws(SQLiteError) in
            try database.rows(
                "SELECT name FROM device_place WHERE serial = ? AND name <> ? LIMIT 1",
                .text(serial), .text(name)
            ) { $0.text(0) }.first
        }
    }

    /// Keeps where a device was read; a terminal has one name.
    func keep(_ place: DevicePlace) throws(StoreError) {
        try commit { (_) throws(SQLiteError) in
            try database.run(
                "DELETE FROM device_place WHERE serial = ?", .text(place.serial))
            try database.run(
                """
                INSERT OR REPLACE INTO device_place (name, configured, serial, address)
                VALUES (?, ?, ?, ?)
                """, .text(place.name), .text(place.configured), .text(place.serial),
                .text(place.address))
        }
    }

    /// Forgets where devices were that are configured no longer, or with another address now.
    ///
    /// A device that was read before places were kept has the place that the log says, where that
    /// is the one of its configuration.
    func retainPlaces(_ configured: [String: String]) throws(StoreError) {
        try commit { (_) throws(SQLiteError) in
            let places = try database.rows(
                "SELECT name, configured, serial, address FROM device_place"
            ) { DevicePlace($0) }
            for place in places where configured[place.name] != place.configured {
                try database.run("DELETE FROM device_place WHERE name = ?", .text(place.name))
            }
            for device in devices.values.map(\.device)
            where device.active && configured[device.name] == device.address {
                try database.run(
                    """
                    INSERT OR IGNORE INTO device_place (name, configured, serial, address)
                    VALUES (?, ?, ?, ?)
                    """, .text(device.name), .text(device.address), .text(device.serial),
                    .text(device.address))
            }
        }
    }
}

extension DevicePlace {
    fileprivate init(_ row: Statement) {
        self.init(
            name: row.text(0), configured: row.text(1), serial: row.text(2), address: row.text(3))
    }
}
