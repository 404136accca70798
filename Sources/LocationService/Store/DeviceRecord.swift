import MeshAPI
import RPCRuntime
import SQLite

/// What the store knows of a device.
struct DeviceRecord: Sendable, Hashable {
    var device: Device
    /// Punches of it in the log.
    var punches: UInt64 = 0
    var completeThrough: Timestamp?
    /// Records in its memory at the last full read.
    var records: UInt32 = 0
    var clockOffsetMilliseconds: Int64?
    var clockMeasuredAt: Timestamp?
    /// How many punches it has had lately; nil without any.
    var rate: RecentPunches.Rate?
    var lastException: DeviceException?

    static func readAll(_ database: Database) throws(SQLiteError) -> [String: DeviceRecord] {
        let rows = try database.rows(
            """
            SELECT serial, body, punches, complete_through, records, clock_offset,
                clock_measured_at FROM device
            """
        ) { (row) throws(SQLiteError) in
            let device: Device
            do throws(DecodingFailure) {
                device = try Device(decoding: row.blob(1))
            } catch {
                throw SQLiteError.corrupt("the device \(row.text(0)): \(error)")
            }
            return DeviceRecord(
                device: device, punches: UInt64(clamping: row.integer(2)),
                completeThrough: row.optionalInteger(3)
                    .flatMap { Timestamp(millisecondsSince1970: $0) },
                records: UInt32(clamping: row.integer(4)),
                clockOffsetMilliseconds: row.optionalInteger(5),
                clockMeasuredAt: row.optionalInteger(6)
                    .flatMap { Timestamp(millisecondsSince1970: $0) })
        }
        var records = Dictionary(rows.map { ($0.device.serial, $0) }) { $1 }
        for exception in try NumberedException.lastOfEach(database) {
            records[exception.device]?.lastException = exception
        }
        return records
    }

    func write(_ database: Database) throws(SQLiteError) {
        try database.run(
            """
            INSERT OR REPLACE INTO device (serial, body, punches, complete_through, records,
                clock_offset, clock_measured_at) VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            .text(device.serial), .blob(device.encoded()), .integer(Int64(clamping: punches)),
            .integer(completeThrough?.millisecondsSince1970), .integer(Int64(records)),
            .integer(clockOffsetMilliseconds), .integer(clockMeasuredAt?.millisecondsSince1970))
    }
}
