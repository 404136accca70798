import CSQLite

/// Why SQLite refused something.
///
/// Equality looks at the extended code alone; the rest is for people.
public struct SQLiteError: Error, Sendable {
    /// SQLite's primary result code, such as 5 (busy), 11 (corrupt), 13 (full), 19 (constraint).
    public var code: Int32 { extendedCode & 0xFF }
    /// The result code with its detail, such as 2067 (a unique index was violated).
    public var extendedCode: Int32
    /// What failed, in words, with the file where there is one.
    public var message: String
    /// The statement that failed; empty when none was involved.
    public var sql: String

    public init(extendedCode: Int32, message: String, sql: String = "") {
        self.extendedCode = extendedCode
        self.message = message
        self.sql = sql
    }

    /// The stored data is not what this program wrote.
    public static func corrupt(_ message: String) -> SQLiteError {
        SQLiteError(extendedCode: SQLITE_CORRUPT, message: message)
    }

    /// A unique index or primary key already holds the row.
    public var isUniqueViolation: Bool {
        // SQLITE_CONSTRAINT_UNIQUE and SQLITE_CONSTRAINT_PRIMARYKEY are macros with arithmetic.
        extendedCode == 2067 || extendedCode == 1555
    }
    /// Another connection holds the lock, and the busy timeout has passed.
    public var isBusy: Bool { code == SQLITE_BUSY || code == SQLITE_LOCKED }
    /// The file is damaged or no database at all.
    public var isCorruption: Bool { code == SQLITE_CORRUPT || code == SQLITE_NOTADB }
    /// The disk or the file is full.
    public var isFull: Bool { code == SQLITE_FULL }
    /// The file cannot be written now: no space, a limit of its size, a quota, a file system that
    /// is only read, a disk that fails.
    ///
    /// Nothing of the transaction is stored, and the same may work later.
    public var isUnwritable: Bool {
        isFull || code == SQLITE_IOERR || code == SQLITE_READONLY
    }
}

extension SQLiteError: Hashable {
    public static func == (left: SQLiteError, right: SQLiteError) -> Bool {
        left.extendedCode == right.extendedCode
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(extendedCode) }
}

extension SQLiteError: CustomStringConvertible {
    public var description: String {
        let statement = sql.isEmpty ? "" : " in `\(sql)`"
        return "SQLite \(extendedCode): \(message)\(statement)"
    }
}

/// An error type that a transaction may end with.
public protocol DatabaseFailure: Error {
    /// Translates what SQLite says into the layer's own error.
    init(_ error: SQLiteError)
}

extension SQLiteError: DatabaseFailure {
    public init(_ error: SQLiteError) { self = error }
}
