import CSQLite

/// A value that a statement takes or a column holds.
public enum Value: Sendable, Hashable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    public static func integer(_ value: Int64?) -> Value { value.map { .integer($0) } ?? .null }
    public static func text(_ value: String?) -> Value { value.map { .text($0) } ?? .null }
}

extension Value: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByNilLiteral {
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(stringLiteral value: String) { self = .text(value) }
    public init(nilLiteral: ()) { self = .null }
}

/// A prepared statement: bind, step, read columns, reset.
///
/// Belongs to the thread of its ``Database``. Parameters count from 1 and columns from 0, as in
/// SQLite. Reading a column is valid after ``step()`` has returned true; a column that does not
/// exist reads as null.
///
/// Safe because the pointer is valid from `init` to `deinit`, which finalizes it, and the handle
/// it belongs to lives at least as long.
@safe public final class Statement {
    private let handle: Handle
    private let pointer: OpaquePointer
    public let sql: String

    init(_ handle: Handle, sql: String) throws(SQLiteError) {
        var prepared: OpaquePointer?
        let result = unsafe sqlite3_prepare_v3(
            handle.pointer, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        try handle.check(result, sql: sql)
        guard let pointer = unsafe prepared else {
            throw SQLiteError(extendedCode: SQLITE_MISUSE, message: "empty statement", sql: sql)
        }
        self.handle = handle
        unsafe self.pointer = pointer
        self.sql = sql
    }

    deinit { unsafe sqlite3_finalize(pointer) }

    // MARK: Binding

    public func bind(_ index: Int32, _ value: Int64) throws(SQLiteError) {
        try handle.check(unsafe sqlite3_bind_int64(pointer, index, value), sql: sql)
    }

    public func bind(_ index: Int32, real value: Double) throws(SQLiteError) {
        try handle.check(unsafe sqlite3_bind_double(pointer, index, value), sql: sql)
    }

    public func bindNull(_ index: Int32) throws(SQLiteError) {
        try handle.check(unsafe sqlite3_bind_null(pointer, index), sql: sql)
    }

    public func bind(_ index: Int32, _ value: String) throws(SQLiteError) {
        var value = value
        let result = value.withUTF8 { bytes in
            // Safe because SQLITE_TRANSIENT makes SQLite copy the bytes before it returns.
            unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
                unsafe sqlite3_bind_text64(
                    pointer, index, characters.baseAddress ?? Statement.emptyText,
                    UInt64(characters.count), Statement.transient, UInt8(SQLITE_UTF8))
            }
        }
        try handle.check(result, sql: sql)
    }

    public func bind(_ index: Int32, _ value: [UInt8]) throws(SQLiteError) {
        let result: Int32
        if value.isEmpty {
            // A null pointer would bind NULL.
            result = unsafe sqlite3_bind_zeroblob(pointer, index, 0)
        } else {
            // Safe because SQLITE_TRANSIENT makes SQLite copy the bytes before it returns.
            result = unsafe value.withUnsafeBytes { bytes in
                unsafe sqlite3_bind_blob64(
                    pointer, index, bytes.baseAddress, UInt64(bytes.count), Statement.transient)
            }
        }
        try handle.check(result, sql: sql)
    }

    public func bind(_ index: Int32, to value: Value) throws(SQLiteError) {
        switch value {
        case .null: try bindNull(index)
        case .integer(let value): try bind(index, value)
        case .real(let value): try bind(index, real: value)
        case .text(let value): try bind(index, value)
        case .blob(let value): try bind(index, value)
        }
    }

    // Safe because SQLite documents the value -1 as its own marker and never calls it.
    private static var transient: sqlite3_destructor_type {
        unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    }

    // Safe because a string literal lives as long as the program; it stands for an empty text.
    private static var emptyText: UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(("" as StaticString).utf8Start).assumingMemoryBound(to: CChar.self)
    }

    // MARK: Stepping

    /// Goes to the next row; false when there is none.
    ///
    /// After false or an error the statement is reset and can be run again.
    public func step() throws(SQLiteError) -> Bool {
        let result = unsafe sqlite3_step(pointer)
        if result == SQLITE_ROW { return true }
        let failure = result == SQLITE_DONE ? nil : handle.failure(result, sql: sql)
        reset()
        if let failure { throw failure }
        return false
    }

    /// Binds the blob without copying it, and runs the statement to its end.
    ///
    /// Rows are passed over. The parameter is null afterwards.
    public func run(with blob: [UInt8], at index: Int32) throws(SQLiteError) {
        var failure: SQLiteError?
        // Safe because the statement has ended and lost its binding before the bytes are given
        // back; without a destructor SQLite neither copies nor frees them.
        unsafe blob.withUnsafeBytes { bytes in
            // A null pointer would bind NULL.
            let result =
                blob.isEmpty
                ? unsafe sqlite3_bind_zeroblob(pointer, index, 0)
                : unsafe sqlite3_bind_blob64(
                    pointer, index, bytes.baseAddress, UInt64(bytes.count), nil)
            do throws(SQLiteError) {
                try handle.check(result, sql: sql)
                while try step() {}
            } catch {
                failure = error
            }
            unsafe sqlite3_bind_null(pointer, index)
        }
        if let failure { throw failure }
    }

    /// Ends a run early; the bindings stay.
    public func reset() { unsafe sqlite3_reset(pointer) }

    func clearBindings() { unsafe sqlite3_clear_bindings(pointer) }

    // MARK: Columns

    public var columnCount: Int32 { unsafe sqlite3_column_count(pointer) }

    public func isNull(_ column: Int32) -> Bool {
        unsafe sqlite3_column_type(pointer, column) == SQLITE_NULL
    }

    public func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(pointer, column) }

    public func optionalInteger(_ column: Int32) -> Int64? {
        isNull(column) ? nil : integer(column)
    }

    public func real(_ column: Int32) -> Double { unsafe sqlite3_column_double(pointer, column) }

    public func text(_ column: Int32) -> String {
        // Safe because the pointer is valid until the next call on this statement, and the
        // length is asked for after the conversion to UTF-8, as SQLite demands.
        guard let start = unsafe sqlite3_column_text(pointer, column) else { return "" }
        let count = Int(unsafe sqlite3_column_bytes(pointer, column))
        return unsafe String(
            decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    public func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    public func blob(_ column: Int32) -> [UInt8] {
        // Safe because the pointer is valid until the next call on this statement.
        guard let start = unsafe sqlite3_column_blob(pointer, column) else { return [] }
        let count = Int(unsafe sqlite3_column_bytes(pointer, column))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    public func value(_ column: Int32) -> Value {
        switch unsafe sqlite3_column_type(pointer, column) {
        case SQLITE_INTEGER: .integer(integer(column))
        case SQLITE_FLOAT: .real(real(column))
        case SQLITE_TEXT: .text(text(column))
        case SQLITE_BLOB: .blob(blob(column))
        default: .null
        }
    }
}
