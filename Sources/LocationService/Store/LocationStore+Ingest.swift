import Attendance
import MeshAPI
import RPCRuntime
import SQLite

/// What became of a batch of punches.
struct IngestResult: Sendable, Hashable {
    /// Stored now.
    var new = 0
    /// Stored before.
    var known = 0
    /// Stored before, and more was learned of them.
    var amended = 0

    static func += (left: inout IngestResult, right: IngestResult) {
        left.new += right.new
        left.known += right.known
        left.amended += right.amended
    }
}

extension LocationStore {
    /// Stores the punches that the log does not have, in one transaction.
    ///
    /// The order of `punches` is the order in the log. The same batch may come any number of
    /// times, from any source. `beside` writes more in the same transaction.
    func ingest(
        _ punches: [Punch], beside: ((Database) throws(SQLiteError) -> Void)? = nil
    ) throws(StoreError) -> IngestResult {
        if punches.isEmpty, beside == nil { return IngestResult() }
        return try commit { (appender) throws(SQLiteError) in
            try beside?(appender.database)
            var result = IngestResult()
            var stored: [String: UInt64] = [:]
            for punch in punches {
                switch try ingest(punch, &appender) {
                case .new:
                    result.new += 1
                    stored[punch.device, default: 0] += 1
                case .known: result.known += 1
                case .amends: result.amended += 1
                }
            }
            for (serial, count) in stored {
                guard var record = devices[serial] else { continue }
                record.punches += count
                try record.write(database)
                devices[serial] = record
            }
            return result
        }
    }

    private struct StoredPunch {
        var sequence: Int64
        var matching: PunchMatching.Stored
        var resolvedUser: String
    }

    private func ingest(
        _ punch: Punch, _ appender: inout Appender
    ) throws(SQLiteError) -> PunchMatching.Decision {
        let stored = try stored(like: punch)
        let decision = PunchMatching.decide(state: punch.state, stored: stored.map(\.matching))
        switch decision {
        case .new: try insert(punch, &appender)
        case .amends:
            let unknown = stored.first {
                $0.matching.state == PunchMatching.unknownState
                    && $0.matching.amendedState == nil
            }
            if let unknown { try amend(unknown, by: punch, state: punch.state, &appender) }
        case .known:
            // A record with only the index was stored before its user was known.
            let nameless = stored.first { $0.resolvedUser.isEmpty }
            if let nameless, !punch.resolvedUser.isEmpty {
                try amend(nameless, by: punch, state: nil, &appender)
                return .amends
            }
        }
        return decision
    }

    private func stored(like punch: Punch) throws(SQLiteError) -> [StoredPunch] {
        let statement = try database.statement(
            """
            SELECT sequence, state, amended_state, resolved_user FROM punch
            WHERE device = ? AND user = ? AND local_time = ?
            """)
        try statement.bind(1, punch.device)
        try statement.bind(2, punch.user)
        try statement.bind(3, punch.localTime)
        var found: [StoredPunch] = []
        while try statement.step() {
            found.append(
                StoredPunch(
                    sequence: statement.integer(0),
                    matching: PunchMatching.Stored(
                        state: UInt32(clamping: statement.integer(1)),
                        amendedState: statement.optionalInteger(2).map { UInt32(clamping: $0) }),
                    resolvedUser: statement.text(3)))
        }
        return found
    }

    private func insert(_ punch: Punch, _ appender: inout Appender) throws(SQLiteError) {
        let sequence = try appender.append(.punch, LogEntry(punch: punch))
        let statement = try database.statement(
            """
            INSERT INTO punch (sequence, device, user, local_time, state, instant, resolved_user)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """)
        try statement.bind(1, Int64(clamping: sequence))
        try statement.bind(2, punch.device)
        try statement.bind(3, punch.user)
        try statement.bind(4, punch.localTime)
        try statement.bind(5, Int64(punch.state))
        if let instant = punch.instant {
            try statement.bind(6, instant.seconds)
        } else {
            try statement.bindNull(6)
        }
        try statement.bind(7, punch.resolvedUser)
        _ = try statement.step()
    }

    private func amend(
        _ stored: StoredPunch, by punch: Punch, state: UInt32?, _ appender: inout Appender
    ) throws(SQLiteError) {
        var amendment = Amendment(
            device: punch.device, user: punch.user, localTime: punch.localTime,
            state: stored.matching.state, newState: state)
        let isNamed = stored.resolvedUser.isEmpty && !punch.resolvedUser.isEmpty
        if isNamed { amendment.newResolvedUser = punch.resolvedUser }
        // The terminal's log is the better witness of how the person proved who they are.
        if state != nil { amendment.newVerify = punch.verify }
        try appender.append(.amendment, LogEntry(amendment: amendment))
        try database.run(
            """
            UPDATE punch SET amended_state = coalesce(?2, amended_state),
                amended_verify = coalesce(?3, amended_verify),
                resolved_user = coalesce(?4, resolved_user)
            WHERE sequence = ?1
            """,
            .integer(stored.sequence), .integer(state.map { Int64($0) }),
            .integer(amendment.newVerify.map { Int64($0) }), .text(amendment.newResolvedUser))
    }
}
