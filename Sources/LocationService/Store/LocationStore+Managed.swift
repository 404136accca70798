import MeshAPI
import RPCRuntime
import SQLite

extension LocationStore {
    /// The terminals that were added at run time, by name.
    func managedDevices() throws(StoreError) -> [ManagedDevice] {
        do throws(SQLiteError) {
            return try database.rows("SELECT name, body FROM managed_device ORDER BY name") {
                (row) throws(SQLiteError) in
                do throws(DecodingFailure) {
                    return try ManagedDevice(decoding: row.blob(1))
                } catch {
                    throw SQLiteError.corrupt("the added device \(row.text(0)): \(error)")
                }
            }
        } catch {
            throw StoreError(error)
        }
    }

    /// Adds a terminal, or changes the one of that name.
    func keep(_ device: ManagedDevice) throws(StoreError) {
        try commit { (_) throws(SQLiteError) in
            try database.run(
                "INSERT OR REPLACE INTO managed_device (name, body) VALUES (?, ?)",
                .text(device.name), .blob(device.encoded()))
            // What an earlier one of the name has left, and it is none of this one.
            try database.run("DELETE FROM device_place WHERE name = ?", .text(device.name))
        }
    }

    /// Takes a terminal away that was added.
    func forget(_ name: String) throws(StoreError) {
        try commit { (_) throws(SQLiteError) in
            try database.run("DELETE FROM managed_device WHERE name = ?", .text(name))
            try database.run("DELETE FROM device_place WHERE name = ?", .text(name))
        }
    }

    /// The device is no longer read; its entries stay.
    func retire(_ name: String) throws(StoreError) {
        try retainDevices(named: Set(devices.values.map(\.device.name)).subtracting([name]))
    }
}
