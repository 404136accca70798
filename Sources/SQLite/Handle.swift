import CSQLite
import Glibc

/// The open connection; closes itself when its last statement and its database are gone.
///
/// Safe because the pointer never leaves this module, is valid from `init` to `deinit`, and the
/// class is not Sendable: one thread at a time uses it.
@safe final class Handle {
    let pointer: OpaquePointer
    let path: String

    /// Opens or makes the file; a new one is readable by its owner alone.
    init(path: String, isReadOnly: Bool) throws(SQLiteError) {
        if !isReadOnly, !path.isEmpty, path != ":memory:" {
            // SQLite would make the file by the umask; the log it holds is personal data. The
            // write-ahead file takes its mode from the database's.
            let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                let number = errno
                let cause = unsafe String(cString: strerror(number))
                let code =
                    switch number {
                    case EROFS: SQLITE_READONLY
                    case ENOSPC, EDQUOT: SQLITE_FULL
                    default: SQLITE_CANTOPEN
                    }
                throw SQLiteError(
                    extendedCode: code, message: "cannot open \(path): \(cause)")
            }
            close(descriptor)
        }
        let mode = isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        let flags = mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        var opened: OpaquePointer?
        let result = unsafe sqlite3_open_v2(path, &opened, flags, nil)
        guard result == SQLITE_OK, let pointer = unsafe opened else {
            let cause = unsafe String(cString: sqlite3_errstr(result))
            unsafe sqlite3_close_v2(opened)
            throw SQLiteError(extendedCode: result, message: "cannot open \(path): \(cause)")
        }
        unsafe self.pointer = pointer
        self.path = path
    }

    deinit { unsafe sqlite3_close_v2(pointer) }

    /// 0 where there is no file.
    static func fileSize(of path: String) -> Int64 {
        var status = stat()
        // Safe because `stat` fills a structure that lives until the call has returned.
        return unsafe stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Turns a result other than OK into an error with SQLite's own words.
    func check(_ result: Int32, sql: String) throws(SQLiteError) {
        guard result == SQLITE_OK else { throw failure(result, sql: sql) }
    }

    func failure(_ result: Int32, sql: String) -> SQLiteError {
        let message = unsafe String(cString: sqlite3_errmsg(pointer))
        return SQLiteError(extendedCode: result, message: "\(message) (\(path))", sql: sql)
    }
}
