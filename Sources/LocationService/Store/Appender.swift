import MeshAPI
import RPCRuntime
import SQLite

/// Adds entries to the log inside of a transaction.
struct Appender {
    let database: Database
    /// The sequence of the last entry.
    private(set) var sequence: UInt64
    let committedAt: Timestamp
    /// Looked up once for the transaction.
    private var inserting: Statement?
    /// Its memory is used again for each entry.
    private var writer = WireWriter()

    init(database: Database, sequence: UInt64, committedAt: Timestamp) {
        self.database = database
        self.sequence = sequence
        self.committedAt = committedAt
    }

    @discardableResult
    mutating func append(_ punch: Punch) throws(SQLiteError) -> UInt64 {
        try append(.punch, LogEntry(punch: punch))
    }

    /// Gives the entry its sequence and stores it.
    @discardableResult
    mutating func append(
        _ kind: StoreSchema.Kind, _ entry: consuming LogEntry
    ) throws(SQLiteError) -> UInt64 {
        entry.sequence = sequence + 1
        entry.committedAt = committedAt
        writer.bytes.removeAll(keepingCapacity: true)
        entry.encode(into: &writer)
        let statement: Statement
        if let inserting {
            statement = inserting
        } else {
            statement = try database.statement(
                "INSERT INTO log (sequence, kind, body) VALUES (?, ?, ?)")
            inserting = statement
        }
        try statement.bind(1, Int64(clamping: entry.sequence))
        try statement.bind(2, kind.rawValue)
        try statement.run(with: writer.bytes, at: 3)
        sequence += 1
        return sequence
    }
}
