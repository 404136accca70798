import Attendance
import MeshAPI
import RPCRuntime
import SQLite

/// The table of punches while a batch is stored.
///
/// Both statements are looked up once for the batch, and keep their parameters' memory from row
/// to row.
struct PunchTable {
    /// A punch in the table with the same device, user and local time as the one at hand.
    struct Stored {
        var sequence: Int64
        var matching: PunchMatching.Stored
        var resolvedUser: String
    }

    private let finding: Statement
    private let inserting: Statement

    init(_ database: Database) throws(SQLiteError) {
        finding = try database.statement(
            """
            SELECT sequence, state, amended_state, resolved_user FROM punch
            WHERE device = ? AND user = ? AND local_time = ?
            """)
        inserting = try database.statement(
            """
            INSERT INTO punch (sequence, device, user, local_time, state, instant, resolved_user)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """)
    }

    func find(_ punch: Punch) throws(SQLiteError) -> [Stored] {
        try finding.bind(1, punch.device)
        try finding.bind(2, punch.user)
        try finding.bind(3, punch.localTime)
        var found: [Stored] = []
        while try finding.step() {
            found.append(
                Stored(
                    sequence: finding.integer(0),
                    matching: PunchMatching.Stored(
                        state: UInt32(clamping: finding.integer(1)),
                        amendedState: finding.optionalInteger(2).map { UInt32(clamping: $0) }),
                    resolvedUser: finding.text(3)))
        }
        return found
    }

    func insert(_ punch: Punch, sequence: UInt64) throws(SQLiteError) {
        try inserting.bind(1, Int64(clamping: sequence))
        try inserting.bind(2, punch.device)
        try inserting.bind(3, punch.user)
        try inserting.bind(4, punch.localTime)
        try inserting.bind(5, Int64(punch.state))
        if let instant = punch.instant {
            try inserting.bind(6, instant.seconds)
        } else {
            try inserting.bindNull(6)
        }
        try inserting.bind(7, punch.resolvedUser)
        _ = try inserting.step()
    }
}

/// The punches of a batch that were new, counted by what is kept of them.
struct FreshPunches {
    let today: Int64
    /// By device.
    private(set) var counts: [String: UInt64] = [:]
    /// By device and day, of the days that count.
    private(set) var days: [String: [Int64: UInt64]] = [:]
    private let window: ClosedRange<Int64>

    init(today: Int64) {
        self.today = today
        window = RecentPunches.window(today)
    }

    mutating func add(_ punch: Punch) {
        counts[punch.device, default: 0] += 1
        if let day = punch.instant.map(RecentPunches.day), window.contains(day) {
            days[punch.device, default: [:]][day, default: 0] += 1
        }
    }
}
