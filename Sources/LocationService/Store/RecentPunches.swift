import MeshAPI
import RPCRuntime
import SQLite

/// How many punches each device had on each of the latest days.
///
/// By the day of a punch's instant in UTC: a log that is read for the first time brings years of
/// punches in one day, and says nothing of how fast the memory fills.
struct RecentPunches {
    /// How many days a rate is taken over, today included.
    static let days: Int64 = 14

    private var counts: [String: [Int64: UInt64]] = [:]

    /// New punches of a device, and the days over which they came.
    struct Rate: Sendable, Hashable {
        var punches: UInt64
        var days: UInt64

        /// Rounded up.
        var perDay: UInt64 {
            let (whole, rest) = punches.quotientAndRemainder(dividingBy: days)
            return whole + (rest > 0 ? 1 : 0)
        }
    }

    static func day(_ instant: Timestamp) -> Int64 {
        let (day, rest) = instant.seconds.quotientAndRemainder(dividingBy: 86_400)
        return rest < 0 ? day - 1 : day
    }

    /// The days that count on `today`.
    static func window(_ today: Int64) -> ClosedRange<Int64> { today - days + 1...today }

    /// Reads the days that count, and forgets those that never will again.
    static func read(
        _ database: Database, today: Int64, forgets: Bool = false
    ) throws(SQLiteError) -> RecentPunches {
        let first = window(today).lowerBound
        if forgets { try database.run("DELETE FROM punch_day WHERE day < ?", .integer(first)) }
        var recent = RecentPunches()
        let rows = try database.rows(
            "SELECT device, day, punches FROM punch_day WHERE day >= ?", .integer(first)
        ) { ($0.text(0), $0.integer(1), UInt64(clamping: $0.integer(2))) }
        for (device, day, punches) in rows { recent.counts[device, default: [:]][day] = punches }
        return recent
    }

    /// The rate of the device; nil without a punch in the days that count.
    func rate(of device: String, today: Int64) -> Rate? {
        let window = Self.window(today)
        guard let days = counts[device] else { return nil }
        var sum: UInt64 = 0
        var first = Int64.max
        for (day, punches) in days where window.contains(day) {
            sum += punches
            first = min(first, day)
        }
        guard sum > 0 else { return nil }
        return Rate(punches: sum, days: UInt64(clamping: today - first + 1))
    }

    /// Adds what a batch has brought, in memory and in the file.
    mutating func add(
        _ fresh: [String: [Int64: UInt64]], to database: Database, today: Int64
    ) throws(SQLiteError) {
        let oldest = Self.window(today).lowerBound
        for (device, days) in fresh {
            for (day, punches) in days {
                try database.run(
                    """
                    INSERT INTO punch_day VALUES (?1, ?2, ?3)
                    ON CONFLICT DO UPDATE SET punches = punches + ?3
                    """, .text(device), .integer(day), .integer(Int64(clamping: punches)))
                counts[device, default: [:]][day, default: 0] += punches
            }
            counts[device] = counts[device]?.filter { $0.key >= oldest }
        }
    }
}

extension DeviceMemory {
    /// How full a memory with room for `capacity` records is; nil where that is not known.
    init?(records: UInt32, capacity: UInt32, rate: RecentPunches.Rate?) {
        guard capacity > 0 else { return nil }
        let percent = min(UInt64(records) * 100 / UInt64(capacity), 100)
        self.init(percentFull: UInt32(percent))
        guard let rate else { return }
        punchesPerDay = UInt32(clamping: rate.perDay)
        let room = UInt64(capacity) - min(UInt64(records), UInt64(capacity))
        let (product, isOver) = room.multipliedReportingOverflow(by: rate.days)
        daysToFull = isOver ? .max : UInt32(clamping: product / rate.punches)
    }
}

extension DeviceStatus {
    /// Takes over how fast the memory fills, and what last went against the rules.
    mutating func takeOutlook(_ record: DeviceRecord) {
        memory = DeviceMemory(
            records: recordsOnDevice, capacity: recordsCapacity, rate: record.rate)
        lastException = record.lastException ?? lastException
    }
}
