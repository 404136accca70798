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
        return try ingest([punches], beside: beside).first ?? IngestResult()
    }

    /// Stores several batches in one transaction; what became of each.
    func ingest(
        _ batches: [[Punch]], beside: ((Database) throws(SQLiteError) -> Void)? = nil
    ) throws(StoreError) -> [IngestResult] {
        try commit { (appender) throws(SQLiteError) in
            try beside?(appender.database)
            let table = try PunchTable(database)
            var results: [IngestResult] = []
            var fresh = FreshPunches(today: RecentPunches.day(appender.committedAt))
            for punches in batches {
                var result = IngestResult()
                for punch in punches {
                    switch try ingest(punch, table, &appender) {
                    case .new:
                        result.new += 1
                        fresh.add(punch)
                    case .known: result.known += 1
                    case .amends: result.amended += 1
                    }
                }
                results.append(result)
            }
            for (serial, count) in fresh.counts {
                guard var record = devices[serial] else { continue }
                record.punches += count
                try record.write(database)
                devices[serial] = record
            }
            try recent.add(fresh.days, to: database, today: fresh.today)
            return results
        }
    }

    private func ingest(
        _ punch: Punch, _ table: PunchTable, _ appender: inout Appender
    ) throws(SQLiteError) -> PunchMatching.Decision {
        let stored = try table.find(punch)
        if stored.isEmpty {
            try table.insert(punch, sequence: try appender.append(punch))
            return .new
        }
        let decision = PunchMatching.decide(state: punch.state, stored: stored.map(\.matching))
        switch decision {
        case .new: try table.insert(punch, sequence: try appender.append(punch))
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

    private func amend(
        _ stored: PunchTable.Stored, by punch: Punch, state: UInt32?, _ appender: inout Appender
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
