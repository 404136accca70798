import MeshAPI
import RPCRuntime
import SQLite

extension LocationStore {
    /// Kept of each device; older ones go.
    static let exceptionsMax = 1000

    /// Notes what went against the rules at a device, with its numbers.
    ///
    /// The same as the device's last one, numbers included, is counted there.
    /// What it returns is as ``DeviceStatus/lastException`` shows it.
    @discardableResult
    func recordException(_ exception: DeviceException) throws(StoreError) -> DeviceException {
        var noted = exception
        noted.device = exception.device.clipped(toBytes: 64)
        noted.text = exception.text.clipped(toBytes: 1024)
        noted.times = 1
        noted.firstAt = exception.at
        let last = try exceptions(of: noted.device, limit: 1).first
        let repeated = last.flatMap { $0.exception.isLike(noted) ? $0 : nil }
        if let before = repeated?.exception {
            noted.times = before.times &+ (before.times == .max ? 0 : 1)
            noted.firstAt = before.firstAt
        }
        let stored = noted
        try commit { (_) throws(SQLiteError) in
            if let repeated {
                try database.run(
                    "UPDATE exception SET at = ?2, times = ?3, text = ?4 WHERE number = ?1",
                    .integer(Int64(clamping: repeated.number)),
                    .integer(stored.at.millisecondsSince1970), .integer(Int64(stored.times)),
                    .text(stored.text))
            } else {
                try insert(stored)
            }
            devices[stored.device]?.lastException = stored
        }
        return stored
    }

    private func insert(_ exception: DeviceException) throws(SQLiteError) {
        func number(_ value: UInt64?) -> Value { .integer(value.map { Int64(clamping: $0) }) }
        let at = Value.integer(exception.at.millisecondsSince1970)
        try database.run(
            """
            INSERT INTO exception (device, kind, first_at, at, text, announced_bytes, row_count,
                count_before, count_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .text(exception.device), .integer(Int64(exception.kind.rawValue)), at, at,
            .text(exception.text), number(exception.announcedBytes), number(exception.rows),
            number(exception.countBefore), number(exception.countAfter))
        try database.run(
            """
            DELETE FROM exception WHERE device = ?1 AND number <= (
                SELECT number FROM exception WHERE device = ?1
                ORDER BY number DESC LIMIT 1 OFFSET ?2)
            """, .text(exception.device), .integer(Int64(Self.exceptionsMax)))
    }

    /// What went against the rules at a device, the newest first; at all devices for nil.
    ///
    /// - Parameter before: The number of the last one of the page before; 0 to begin.
    func exceptions(
        of device: String?, before: UInt64 = 0, limit: Int
    ) throws(StoreError) -> [NumberedException] {
        // With both in one text SQLite would look at every row.
        let isWanted = device == nil ? "?1 IS NULL" : "device = ?1"
        return try reading { () throws(SQLiteError) in
            try database.rows(
                """
                \(NumberedException.selection) WHERE \(isWanted) AND (?2 = 0 OR number < ?2)
                ORDER BY number DESC LIMIT ?3
                """,
                .text(device), .integer(Int64(clamping: before)), .integer(Int64(clamping: limit)),
                read: NumberedException.init)
        }
    }
}

extension NumberedException {
    /// The last one of each device.
    static func lastOfEach(_ database: Database) throws(SQLiteError) -> [DeviceException] {
        try database.rows(
            """
            \(selection) WHERE number IN (SELECT max(number) FROM exception GROUP BY device)
            """
        ) { NumberedException($0).exception }
    }

    /// In the order in which a row is read.
    fileprivate static let selection = """
        SELECT number, device, kind, first_at, at, times, text, announced_bytes, row_count,
            count_before, count_after
        FROM exception
        """

    fileprivate init(_ row: Statement) {
        func number(_ column: Int32) -> UInt64? {
            row.optionalInteger(column).map { UInt64(clamping: $0) }
        }
        func instant(_ column: Int32) -> Timestamp? {
            Timestamp(millisecondsSince1970: row.integer(column))
        }
        self.init(
            number: UInt64(clamping: row.integer(0)),
            exception: DeviceException(
                device: row.text(1), at: instant(4) ?? Timestamp(),
                kind: ExceptionKind(rawValue: Int32(clamping: row.integer(2))), text: row.text(6),
                announcedBytes: number(7), rows: number(8), countBefore: number(9),
                countAfter: number(10), times: UInt32(clamping: row.integer(5)),
                firstAt: instant(3)))
    }
}

extension DeviceException {
    /// Whether it says the same with the same numbers.
    fileprivate func isLike(_ other: DeviceException) -> Bool {
        kind == other.kind && announcedBytes == other.announcedBytes && rows == other.rows
            && countBefore == other.countBefore && countAfter == other.countAfter
    }
}
