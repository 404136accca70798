import CSQLite

extension Database {
    /// Looks through the whole file for damage; throws an error for which `isCorruption` is true.
    public func checkIntegrity() throws(SQLiteError) {
        try check("PRAGMA quick_check(1)")
    }

    /// Looks for damage with effort that has a bound: true when the whole was looked through.
    ///
    /// A file of up to `bytes` is looked through. Of a larger one the schema is read, and of each
    /// table the first and the last rows.
    @discardableResult
    public func checkIntegrity(upTo bytes: Int64) throws(SQLiteError) -> Bool {
        if Handle.fileSize(of: path) <= bytes {
            try checkIntegrity()
            return true
        }
        let tables = try rows(
            "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
        ) { (name: $0.text(0), hasRowID: $0.integer(1) == 0) }
        for table in tables {
            let name = table.name.split(separator: "\"", omittingEmptySubsequences: false)
                .joined(separator: "\"\"")
            let orders = table.hasRowID ? ["ORDER BY rowid", "ORDER BY rowid DESC"] : [""]
            for order in orders {
                // Not through the cache: the texts are not constant.
                let statement = try Statement(
                    handle, sql: "SELECT * FROM \"\(name)\" \(order) LIMIT 1000")
                while try statement.step() {
                    for column in 0..<statement.columnCount { _ = statement.value(column) }
                }
            }
        }
        return false
    }

    /// Compares every index with its table as well, which takes several times as long.
    public func checkIndexes() throws(SQLiteError) {
        try check("PRAGMA integrity_check(1)")
    }

    private func check(_ pragma: String) throws(SQLiteError) {
        let answer = try first(pragma) ?? .null
        guard answer == .text("ok") else {
            let words = if case .text(let text) = answer { text } else { "\(answer)" }
            throw SQLiteError.corrupt("\(path) is damaged: \(words)")
        }
    }
}
