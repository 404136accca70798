import ZKProtocol

/// Rows of a log that follow from a seed one by one, so that they need no memory.
///
/// For hundreds of devices in one process; ``Population`` makes histories that look like life.
struct DerivedHistory: Sendable {
    let seed: UInt64
    let count: Int
    private let users: [DeviceUser]
    /// Seconds since 1970 on the device's clock, behind the last row.
    private let end: Int64

    /// - Parameters:
    ///   - seed: What the rows follow from.
    ///   - count: How many rows there are.
    ///   - users: Who punched; none makes no rows.
    ///   - lastDay: The day of the last row, counted from 1970.
    init(seed: UInt64, count: Int, users: [DeviceUser], lastDay: Int) {
        self.seed = seed
        self.count = users.isEmpty ? 0 : count
        self.users = users
        end = Int64(lastDay + 1) * 86_400
    }

    /// The row at a place; each is later than the one before.
    subscript(place: Int) -> AttendanceRecord {
        var random = SeededGenerator(seed: seed, part: UInt64(truncatingIfNeeded: place) &+ 16)
        let user = random.pick(users)
        let verify: UInt8 = random.pick([1, 1, 15, 4])
        let seconds = end - Int64(count - place) * 61 + Int64(random.below(30))
        return AttendanceRecord(
            index: user.uid, userID: user.userID,
            time: LocalTime(secondsSince1970: seconds) ?? LocalTime(packed: 0),
            state: UInt8(place & 1), verify: verify)
    }
}

extension Device {
    /// How many rows the log has.
    var rowCount: Int { (history?.count ?? 0) + log.count }

    /// The rows of the log, the oldest first.
    var rows: some Sequence<AttendanceRecord> {
        let (history, log) = (history, log)
        let first = history?.count ?? 0
        return (0..<first + log.count).lazy.map { place in
            if place < first, let history { return history[place] }
            return log[place - first]
        }
    }
}
