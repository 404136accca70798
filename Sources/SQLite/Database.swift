import CSQLite

/// One connection to a SQLite file.
///
/// It belongs to one thread at a time, and the compiler holds it there: the class is not
/// Sendable. The intended owner is an actor whose executor is a worker thread, since every call
/// may wait for the disk.
///
/// The settings favour the data over speed: a write-ahead log, and a transaction that has
/// returned is on the disk (`synchronous = FULL`).
public final class Database {
    /// How to open a file.
    public struct Options: Sendable {
        /// How long a statement waits for another connection's lock, at most.
        public var busyTimeout: Duration = .seconds(5)
        /// Look for damage before anything is written to the file.
        public var checksIntegrity = true
        /// A file with more bytes is looked at in part: see ``Database/checkIntegrity(upTo:)``.
        public var checkedBytesMax: Int64 = 256 << 20
        /// Memory for pages of the file, in KiB.
        public var cacheKilobytes: Int32 = 8192
        /// The write-ahead file is copied into the database when it has grown by this many pages
        /// of 4 KiB.
        public var checkpointPages: Int32 = 8192
        /// A write-ahead file that has become longer is cut to this length when it begins anew.
        public var walBytesMax: Int64 = 64 << 20
        /// Only read; the file must exist.
        public var isReadOnly = false
        public init() {}
    }

    let handle: Handle
    private var statements: [String: Statement] = [:]
    private var transactionIsOpen = false

    /// The path as it was given.
    public var path: String { handle.path }

    /// Opens the file, or makes it with mode 0600; `:memory:` is a database without a file.
    public init(path: String, options: Options = Options()) throws(SQLiteError) {
        handle = try Handle(path: path, isReadOnly: options.isReadOnly)
        if options.checksIntegrity, !options.isReadOnly, Handle.fileSize(of: path) > 0 {
            // By a connection that cannot write: even the end of one that can would copy the
            // write-ahead file into a database that is damaged.
            var reading = options
            reading.isReadOnly = true
            _ = try Database(path: path, options: reading)
        }
        let (seconds, attoseconds) = options.busyTimeout.components
        let milliseconds =
            seconds.clamped(to: 0...3600) * 1000 + attoseconds / 1_000_000_000_000_000
        unsafe sqlite3_busy_timeout(handle.pointer, Int32(milliseconds.clamped(to: 0...3_600_000)))
        if !options.isReadOnly {
            let mode = try first("PRAGMA journal_mode = WAL") ?? .null
            guard mode == .text("wal") || mode == .text("memory") else {
                throw SQLiteError(
                    extendedCode: SQLITE_CANTOPEN,
                    message: "\(path): no write-ahead log on this file system (mode \(mode))")
            }
            try execute("PRAGMA synchronous = FULL")
            try execute("PRAGMA wal_autocheckpoint = \(options.checkpointPages)")
            try execute("PRAGMA journal_size_limit = \(options.walBytesMax)")
        }
        try execute("PRAGMA cache_size = -\(options.cacheKilobytes)")
        try execute("PRAGMA foreign_keys = ON")
        try execute("PRAGMA trusted_schema = OFF")
        try execute("PRAGMA cell_size_check = ON")
        if options.checksIntegrity, options.isReadOnly || path == ":memory:" {
            try checkIntegrity(upTo: options.checkedBytesMax)
        }
    }

    // MARK: Statements

    /// The prepared form of `sql`, kept for the next time; reset and without bindings.
    ///
    /// Who asks for the same text while reading its rows gets the same statement, back at its
    /// beginning.
    ///
    /// - Important: pass constant texts with parameters; a text per value would fill the cache,
    ///   which is emptied at 200 statements.
    public func statement(_ sql: String) throws(SQLiteError) -> Statement {
        if let known = statements[sql] {
            known.reset()
            known.clearBindings()
            return known
        }
        if statements.count >= 200 { statements.removeAll() }
        let made = try Statement(handle, sql: sql)
        statements[sql] = made
        return made
    }

    /// Runs one statement to its end and returns the number of rows it changed.
    @discardableResult
    public func run(_ sql: String, _ values: Value...) throws(SQLiteError) -> Int {
        let statement = try bound(sql, values)
        while try statement.step() {}
        return changes
    }

    /// The first column of the first row; nil without a row.
    public func first(_ sql: String, _ values: Value...) throws(SQLiteError) -> Value? {
        let statement = try bound(sql, values)
        guard try statement.step() else { return nil }
        defer { statement.reset() }
        return statement.value(0)
    }

    /// Makes one element of each row.
    public func rows<Element>(
        _ sql: String, _ values: Value..., read: (Statement) throws(SQLiteError) -> Element
    ) throws(SQLiteError) -> [Element] {
        let statement = try bound(sql, values)
        defer { statement.reset() }
        var elements: [Element] = []
        while try statement.step() { elements.append(try read(statement)) }
        return elements
    }

    private func bound(_ sql: String, _ values: [Value]) throws(SQLiteError) -> Statement {
        let statement = try statement(sql)
        var index: Int32 = 0
        for value in values {
            index += 1
            try statement.bind(index, to: value)
        }
        return statement
    }

    /// Runs a script of several statements without parameters.
    public func execute(_ script: String) throws(SQLiteError) {
        try handle.check(
            unsafe sqlite3_exec(handle.pointer, script, nil, nil, nil), sql: script)
    }

    /// Rows that the last statement changed.
    public var changes: Int { Int(unsafe sqlite3_changes64(handle.pointer)) }
    /// Rows changed since the file was opened.
    public var totalChanges: Int { Int(unsafe sqlite3_total_changes64(handle.pointer)) }
    /// The row id of the last row inserted.
    public var lastInsertedRowID: Int64 { unsafe sqlite3_last_insert_rowid(handle.pointer) }

    // MARK: Transactions

    /// Runs `body` in a transaction that writes: all of it is on the disk when this returns, or
    /// nothing of it when it throws.
    ///
    /// - Important: transactions do not nest.
    public func transaction<Result, Failure: DatabaseFailure>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(!transactionIsOpen, "transactions do not nest")
        do throws(SQLiteError) { try execute("BEGIN IMMEDIATE") } catch { throw Failure(error) }
        transactionIsOpen = true
        defer { transactionIsOpen = false }
        let result: Result
        do throws(Failure) {
            result = try body()
        } catch {
            rollBack()
            throw error
        }
        do throws(SQLiteError) {
            try execute("COMMIT")
        } catch {
            rollBack()
            throw Failure(error)
        }
        return result
    }

    /// After some errors SQLite has rolled back by itself, and the statement has nothing to do.
    private func rollBack() {
        guard unsafe sqlite3_get_autocommit(handle.pointer) == 0 else { return }
        for statement in statements.values { statement.reset() }
        try? execute("ROLLBACK")
    }
}

extension Int64 {
    fileprivate func clamped(to range: ClosedRange<Int64>) -> Int64 {
        Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
    }
}
