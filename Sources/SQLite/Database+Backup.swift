import CSQLite
import Glibc

extension Database {
    /// Copies the database into a new file of mode 0600 while other connections, also of other
    /// processes, go on reading and writing.
    ///
    /// The copy is one moment of the database: that of the call. It is looked through for damage,
    /// its indexes included, written to the disk, and takes its name last, so that a file of this
    /// name is always a whole copy. What was there under the name is refused and stays.
    ///
    /// - Parameters:
    ///   - path: The name of the new file.
    ///   - pagesPerStep: Pages that are copied between two calls of `progress`.
    ///   - progress: Told how many pages are copied, and how many there are.
    public func backUp(
        to path: String, pagesPerStep: Int32 = 4096,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(SQLiteError) {
        guard unsafe access(path, F_OK) != 0 else {
            throw SQLiteError(
                extendedCode: SQLITE_CANTOPEN, message: "\(path) exists, and stays as it is")
        }
        let partial = path + ".partial"
        Self.remove(partial)
        do {
            try copy(to: partial, pagesPerStep, progress)
            try Self.prove(partial)
        } catch {
            Self.remove(partial)
            throw error
        }
        guard unsafe rename(partial, path) == 0 else {
            let cause = unsafe String(cString: strerror(errno))
            Self.remove(partial)
            throw SQLiteError(
                extendedCode: SQLITE_CANTOPEN, message: "cannot name \(path): \(cause)")
        }
        try Self.flush(Self.folder(of: path))
    }

    private func copy(
        to path: String, _ pagesPerStep: Int32, _ progress: (Int, Int) -> Void
    ) throws(SQLiteError) {
        // Without this snapshot each commit of another connection would begin the copy anew.
        try execute("BEGIN")
        defer { try? execute("ROLLBACK") }
        _ = try first("SELECT count(*) FROM sqlite_schema")
        let target = try Handle(path: path, isReadOnly: false)
        // Safe because both handles outlive the backup, which ends before this returns.
        guard
            let backup = unsafe sqlite3_backup_init(
                target.pointer, "main", handle.pointer, "main")
        else { throw target.failure(SQLITE_ERROR, sql: "backup") }
        var result = SQLITE_OK
        while result == SQLITE_OK {
            result = unsafe sqlite3_backup_step(backup, pagesPerStep)
            let total = Int(unsafe sqlite3_backup_pagecount(backup))
            progress(total - Int(unsafe sqlite3_backup_remaining(backup)), total)
        }
        let end = unsafe sqlite3_backup_finish(backup)
        guard result == SQLITE_DONE, end == SQLITE_OK else {
            throw target.failure(result == SQLITE_DONE ? end : result, sql: "backup")
        }
    }

    /// Looks through the copy, and has it on the disk when this returns.
    private static func prove(_ path: String) throws(SQLiteError) {
        do {
            var options = Options()
            options.checksIntegrity = false
            let copy = try Database(path: path, options: options)
            // A copy is one file: nothing of it stands in a write-ahead file beside it.
            try copy.execute("PRAGMA journal_mode = DELETE")
            try copy.checkIndexes()
        }
        try flush(path)
    }

    private static func flush(_ path: String) throws(SQLiteError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        guard descriptor >= 0, fsync(descriptor) == 0 else {
            let cause = unsafe String(cString: strerror(errno))
            throw SQLiteError(
                extendedCode: SQLITE_IOERR, message: "cannot write \(path) to the disk: \(cause)")
        }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func remove(_ path: String) {
        for suffix in ["", "-wal", "-shm", "-journal"] { unsafe unlink(path + suffix) }
    }
}
