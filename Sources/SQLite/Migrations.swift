import CSQLite

/// One step of a store's schema; the first has number 1.
///
/// A step that was released is never edited: a later step changes what it made.
public struct Migration: Sendable {
    public let number: Int32
    /// Statements without parameters, run in one transaction with the note that they have run.
    public let script: String
    /// What SQL cannot do; behind the script, in the same transaction.
    public let rest: (@Sendable (Database) throws(SQLiteError) -> Void)?

    public init(
        _ number: Int32, _ script: String,
        rest: (@Sendable (Database) throws(SQLiteError) -> Void)? = nil
    ) {
        self.number = number
        self.script = script
        self.rest = rest
    }
}

extension Database {
    /// The number of the last migration that ran; 0 for a new file.
    public var schemaVersion: Int32 {
        get throws(SQLiteError) {
            guard case .integer(let version)? = try first("PRAGMA user_version") else { return 0 }
            return Int32(truncatingIfNeeded: version)
        }
    }

    /// Brings the file to the newest schema, each step in a transaction of its own.
    ///
    /// A file of a newer program is refused and left as it is: there is no way back.
    public func migrate(_ migrations: [Migration]) throws(SQLiteError) {
        for (index, migration) in migrations.enumerated() {
            precondition(migration.number == index + 1, "migrations are numbered 1, 2, 3, …")
        }
        let current = try schemaVersion
        guard current <= migrations.count else {
            throw SQLiteError(
                extendedCode: SQLITE_MISMATCH,
                message: """
                    \(path) has schema version \(current), and this program knows versions up to \
                    \(migrations.count): use the newer program that wrote it
                    """)
        }
        for migration in migrations where migration.number > current {
            try transaction { () throws(SQLiteError) in
                try execute(migration.script)
                if let rest = migration.rest { try rest(self) }
                try execute("PRAGMA user_version = \(migration.number)")
            }
        }
    }
}
