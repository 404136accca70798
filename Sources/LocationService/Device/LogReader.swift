import Attendance
import MeshAPI
import RPCRuntime
import ZKProtocol

/// Turns the rows of one device's log into punches, and knows which rows it has seen.
///
/// A device sends its whole log each time. Where the beginning is what it was the last time, only
/// the rows behind it are new; a log that was cleared or overwritten is taken from its start, and
/// the store recognises what it has.
struct LogReader {
    let serial: String
    /// The user id of each internal index.
    private(set) var users: [UInt16: String] = [:]
    private(set) var knownUserIDs: Set<String> = []
    /// Whether rows carry the user id; nil before the first row was seen.
    private(set) var rowsCarryUserID: Bool?
    /// Where the resolver stands before any row of the log.
    private let start: InstantResolver
    private var seen: Seen?

    /// The rows that were stored: their number, what they were, and the resolver behind them.
    fileprivate struct Seen {
        var count: Int
        var hash: Int
        var resolver: InstantResolver
    }

    init(serial: String, resolver: InstantResolver) {
        self.serial = serial
        start = resolver
    }

    /// Takes the device's users; rows with an index alone are resolved anew when they changed.
    mutating func setUsers(_ list: [DeviceUser]) {
        let fresh = Dictionary(
            list.lazy.filter { !$0.userID.isEmpty }.map { ($0.uid, Self.storable($0.userID)) }
        ) { first, _ in first }
        knownUserIDs.formUnion(fresh.values)
        guard fresh != users else { return }
        users = fresh
        if rowsCarryUserID == false { seen = nil }
    }

    /// The rows of a log that were not there the last time, on their way to the store.
    struct Fresh {
        /// The next row that is to be stored.
        fileprivate(set) var position: Int
        /// How many rows the log has.
        let count: Int
        fileprivate var resolver: InstantResolver
        fileprivate let hash: Int

        var isEmpty: Bool { position == count }
    }

    /// Finds the rows that were not there the last time.
    mutating func fresh(in log: AttendanceLog) -> Fresh {
        if log.count > 0 {
            switch log.layout {
            case .bytes8, .bytes8Flags: rowsCarryUserID = false
            case .bytes16, .bytes22, .text: rowsCarryUserID = true
            }
        }
        var hasher = Hasher()
        var hashed = 0
        var position = 0
        var resolver = start
        if let seen, seen.count <= log.count {
            log.hash(rows: 0..<seen.count, into: &hasher)
            hashed = seen.count
            // A copy, because the hasher goes on with the rows behind.
            let beginning = hasher
            if beginning.finalize() == seen.hash {
                resolver = seen.resolver
                position = seen.count
            }
        }
        log.hash(rows: hashed..<log.count, into: &hasher)
        return Fresh(
            position: position, count: log.count, resolver: resolver, hash: hasher.finalize())
    }

    /// The punches of the next rows, at most `limit`.
    mutating func next(
        _ limit: Int, of log: AttendanceLog, receivedAt: Timestamp, _ fresh: inout Fresh
    ) -> [Punch] {
        let end = min(fresh.position + limit, fresh.count)
        var punches: [Punch] = []
        punches.reserveCapacity(end - fresh.position)
        for record in log[fresh.position..<end] {
            knownUserIDs.insert(Self.storable(record.identifier))
            punches.append(
                punch(of: record, source: .poll, receivedAt: receivedAt, &fresh.resolver))
        }
        fresh.position = end
        return punches
    }

    /// All rows of `fresh` are stored; they need not be looked at again.
    mutating func stored(_ fresh: Fresh) {
        precondition(fresh.isEmpty, "rows are still to be stored")
        seen = Seen(count: fresh.count, hash: fresh.hash, resolver: fresh.resolver)
    }

    /// A punch that the device announced; nil where only its log can tell who it was.
    ///
    /// Its user must have been seen in the log or among the users, in the same spelling: some
    /// firmware announces `7` for whom its log calls `007`.
    func punch(announced record: AttendanceRecord, receivedAt: Timestamp) -> Punch? {
        guard rowsCarryUserID == true, !record.userID.isEmpty,
            knownUserIDs.contains(Self.storable(record.userID))
        else { return nil }
        var resolver = seen?.resolver ?? start
        return punch(of: record, source: .live, receivedAt: receivedAt, &resolver)
    }

    /// The id, or where the schema has no room for it, its bytes in hexadecimal.
    ///
    /// A row has 24 bytes for it. In an unknown code page each takes three bytes of UTF-8.
    private static func storable(_ userID: String) -> String {
        if userID.utf8.count <= 64 { return userID }
        let digits = DeviceText.encode(userID, limit: 24).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        return "0x" + digits.joined()
    }

    private func punch(
        of record: AttendanceRecord, source: PunchSource, receivedAt: Timestamp,
        _ resolver: inout InstantResolver
    ) -> Punch {
        let instant = record.time.secondsSince1970.flatMap { seconds in
            Timestamp(seconds: resolver.resolve(WallTime(seconds: seconds)).instant)
        }
        return Punch(
            device: serial, user: Self.storable(record.identifier),
            resolvedUser: record.userID.isEmpty
                ? users[record.index] ?? "" : Self.storable(record.userID),
            localTime: record.time.description, state: UInt32(record.state),
            verify: UInt32(record.verify), workCode: record.workCode, source: source,
            receivedAt: receivedAt, instant: instant)
    }
}
