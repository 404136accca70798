import HTTP
import MeshAPI
import RPCRuntime
import SQLite

/// Which punches; empty lists and nil match all.
struct PunchFilter: Sendable, Hashable {
    var locations: [String] = []
    var devices: [String] = []
    var users: [String] = []
    /// Inside the range.
    var from: Timestamp?
    /// Not inside the range.
    var to: Timestamp?
}

/// A location and its devices as they are stored.
struct StoredLocation: Sendable {
    var name: String
    var logID: [UInt8]
    var lastSequence: UInt64
    var zone: String
    var lastContact: Timestamp?
    var punches: UInt64
    /// Devices that the location has never read whole, when it last said so.
    var unread: Int64
    var devices: [StoredDevice] = []
}

/// A device as it is stored.
struct StoredDevice: Sendable {
    var device: Device
    var watermark: Timestamp?
    var records: UInt32
    var clockOffsetMilliseconds: Int64
    var clockMeasuredAt: Timestamp?
    var punches: UInt64
}

extension GatewayStore {
    /// Every location with its devices, by name.
    func locations() throws(StoreError) -> [StoredLocation] {
        try reading { () throws(SQLiteError) in
            var locations: [Int64: StoredLocation] = [:]
            _ = try database.rows(
                """
                SELECT id, name, log_id, last_sequence, zone, last_contact, punches, unread
                FROM location
                """
            ) { row in
                locations[row.integer(0)] = StoredLocation(
                    name: row.text(1), logID: row.blob(2),
                    lastSequence: UInt64(clamping: row.integer(3)), zone: row.text(4),
                    lastContact: row.optionalInteger(5).map(Timestamp.init(microseconds:)),
                    punches: UInt64(clamping: row.integer(6)), unread: row.integer(7))
            }
            _ = try database.rows(
                """
                SELECT location, serial, name, platform, firmware, address, active, clock_mode,
                    poll_interval, watermark, records, clock_offset, clock_measured, punches
                FROM device ORDER BY location, serial
                """
            ) { row in
                locations[row.integer(0)]?.devices.append(Self.device(row))
            }
            return locations.values.sorted { $0.name < $1.name }
        }
    }

    private static func device(_ row: Statement) -> StoredDevice {
        StoredDevice(
            device: Device(
                serial: row.text(1), name: row.text(2), platform: row.text(3),
                firmware: row.text(4), address: row.text(5), active: row.integer(6) != 0,
                clockMode: row.text(7), pollIntervalSeconds: UInt32(clamping: row.integer(8))),
            watermark: row.optionalInteger(9).map(Timestamp.init(microseconds:)),
            records: UInt32(clamping: row.integer(10)), clockOffsetMilliseconds: row.integer(11),
            clockMeasuredAt: row.optionalInteger(12).map(Timestamp.init(microseconds:)),
            punches: UInt64(clamping: row.integer(13)))
    }

    /// Punches behind `sequence` in commit order, and the state of the locations at the same
    /// moment.
    func page(of filter: PunchFilter, after sequence: Int64, limit: Int) throws(StoreError)
        -> (punches: [StoredPunch], locations: [StoredLocation], lastCommit: Int64)
    {
        let locations = try locations()
        return try reading { () throws(SQLiteError) in
            let (sql, values) = Self.select(
                filter, after: sequence, limit: limit, byInstant: try isNarrow(filter))
            let statement = try database.statement(sql)
            defer { statement.reset() }
            var index: Int32 = 0
            for value in values {
                index += 1
                try statement.bind(index, to: value)
            }
            var punches: [StoredPunch] = []
            while try statement.step() { punches.append(Self.punch(statement)) }
            return (punches, locations, try Self.lastCommit(in: database))
        }
    }

    /// Whether the range of instants holds so few punches that sorting them is quicker than
    /// walking through all in commit order.
    private func isNarrow(_ filter: PunchFilter) throws(SQLiteError) -> Bool {
        guard filter.from != nil || filter.to != nil else { return false }
        let enough: Int64 = 20_000
        let count = try database.first(
            """
            SELECT count(*) FROM (
                SELECT 1 FROM punch WHERE instant >= ?1 AND instant < ?2 LIMIT ?3)
            """, .integer(filter.from?.microsecondsRoundedUp ?? .min),
            .integer(filter.to?.microsecondsRoundedUp ?? .max), .integer(enough))
        return count != .integer(enough)
    }

    /// One of a few statement texts, by which filters are there; values are always parameters.
    ///
    /// The index is named, because SQLite cannot know what is narrow: by itself it sorts half of
    /// the store for each page of one location.
    private static func select(
        _ filter: PunchFilter, after sequence: Int64, limit: Int, byInstant: Bool
    ) -> (sql: String, values: [Value]) {
        var sql = """
            SELECT p.sequence, l.name, p.device, p.user, p.resolved_user, p.local_time, p.state,
                p.verify, p.work_code, p.source, p.received_at, p.instant
            FROM punch p \(byInstant ? "INDEXED BY punch_instant" : "NOT INDEXED")
                CROSS JOIN location l ON l.id = p.location
            WHERE p.sequence > ?
            """
        var values: [Value] = [.integer(sequence)]
        let lists = [
            ("l.name IN", filter.locations), ("p.device IN", filter.devices),
        ]
        for (test, list) in lists where !list.isEmpty {
            sql += " AND \(test) (SELECT value FROM json_each(?))"
            values.append(.text(jsonList(list)))
        }
        if !filter.users.isEmpty {
            sql += """
                 AND (p.user IN (SELECT value FROM json_each(?))
                    OR p.resolved_user IN (SELECT value FROM json_each(?)))
                """
            values += [.text(jsonList(filter.users)), .text(jsonList(filter.users))]
        }
        if let from = filter.from {
            sql += " AND p.instant >= ?"
            values.append(.integer(from.microsecondsRoundedUp))
        }
        if let to = filter.to {
            sql += " AND p.instant < ?"
            values.append(.integer(to.microsecondsRoundedUp))
        }
        sql += " ORDER BY p.sequence LIMIT ?"
        values.append(.integer(Int64(limit)))
        return (sql, values)
    }

    private static func jsonList(_ list: [String]) -> String {
        var json = DocumentWriter()
        json.array { json in
            for element in list { json.string(element) }
        }
        return String(decoding: json.bytes, as: UTF8.self)
    }

    private static func punch(_ row: Statement) -> StoredPunch {
        StoredPunch(
            sequence: UInt64(clamping: row.integer(0)), location: row.text(1),
            device: row.text(2), user: row.text(3), resolvedUser: row.text(4),
            localTime: row.text(5),
            instant: row.optionalInteger(11).map(Timestamp.init(microseconds:)),
            state: UInt32(clamping: row.integer(6)), stateName: stateName(row.integer(6)),
            verify: UInt32(clamping: row.integer(7)), workCode: UInt32(clamping: row.integer(8)),
            source: PunchSource(rawValue: Int32(clamping: row.integer(9))),
            receivedAt: Timestamp(microseconds: row.integer(10)))
    }

    /// The words for the states that terminals have.
    private static func stateName(_ state: Int64) -> String {
        switch state {
        case 0: "check_in"
        case 1: "check_out"
        case 2: "break_out"
        case 3: "break_in"
        case 4: "overtime_in"
        case 5: "overtime_out"
        case 255: "unknown"
        default: "other"
        }
    }
}

extension Timestamp {
    /// The first microsecond that is not before this instant.
    var microsecondsRoundedUp: Int64 {
        microseconds + (nanoseconds % 1000 == 0 ? 0 : 1)
    }
}
