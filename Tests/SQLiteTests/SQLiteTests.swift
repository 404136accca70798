import Foundation
import Testing

@testable import SQLite

/// A folder that goes away with the test.
private func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "sqlite-\(UUID())").path()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}

@Suite struct SQLiteTests {
    @Test func `every kind of value comes back as it went`() throws {
        let database = try Database(path: ":memory:")
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
        let values: [Value] = [
            .null, .integer(.min), .integer(.max), .real(-0.25), .text(""), .text("a\0b é 😀"),
            .blob([]), .blob([0, 255, 0]),
        ]
        for value in values { try database.run("INSERT INTO t (v) VALUES (?)", value) }
        let read = try database.rows("SELECT v FROM t ORDER BY id") { $0.value(0) }
        #expect(read == values)
        #expect(database.lastInsertedRowID == Int64(values.count))
    }

    @Test func `typed columns read the same values`() throws {
        let database = try Database(path: ":memory:")
        let statement = try database.statement("SELECT ?, ?, ?, ?, ?")
        try statement.bind(1, 42)
        try statement.bind(2, real: 1.5)
        try statement.bind(3, "x")
        try statement.bind(4, [1, 2])
        #expect(try statement.step())
        #expect(statement.columnCount == 5)
        #expect(statement.integer(0) == 42)
        #expect(statement.real(1) == 1.5)
        #expect(statement.text(2) == "x")
        #expect(statement.blob(3) == [1, 2])
        #expect(statement.isNull(4) && statement.optionalText(4) == nil)
        #expect(statement.optionalInteger(4) == nil)
        #expect(statement.value(99) == .null)
        #expect(try !statement.step())
    }

    @Test func `a statement is prepared once and comes back without bindings`() throws {
        let database = try Database(path: ":memory:")
        let first = try database.statement("SELECT ?")
        try first.bind(1, 7)
        #expect(try first.step())
        let again = try database.statement("SELECT ?")
        #expect(again === first)
        #expect(try again.step())
        #expect(again.isNull(0))
    }

    @Test func `a blob that is lent for one run is stored as it was, and not kept`() throws {
        let database = try Database(path: ":memory:")
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB UNIQUE)")
        let statement = try database.statement("INSERT INTO t (v) VALUES (?)")
        for blob in [[], [0], [UInt8](repeating: 7, count: 100_000)] as [[UInt8]] {
            try statement.run(with: blob, at: 1)
            #expect(try database.first("SELECT v FROM t ORDER BY id DESC") == .blob(blob))
        }
        let error = try #require(throws: SQLiteError.self) { try statement.run(with: [0], at: 1) }
        #expect(error.isUniqueViolation)
        try #expect(!statement.step())
        #expect(try database.first("SELECT count(*) FROM t WHERE v IS NULL") == 1)
    }

    @Test func `an error names the statement, the codes and the cause`() throws {
        let database = try Database(path: ":memory:")
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE)")
        try database.run("INSERT INTO t VALUES (1, 'a')")
        for sql in ["INSERT INTO t VALUES (1, 'b')", "INSERT INTO t VALUES (2, 'a')"] {
            let error = try #require(throws: SQLiteError.self) { try database.run(sql) }
            #expect(error.isUniqueViolation)
            #expect(error.code == 19)
            #expect(error.sql == sql)
        }
        let error = try #require(throws: SQLiteError.self) { try database.run("SELEC 1") }
        #expect(error.message.contains("syntax error"))
        #expect(throws: SQLiteError.self) { try database.statement("   ") }
    }

    @Test func `a transaction that throws leaves nothing behind`() throws {
        struct Refusal: DatabaseFailure, Equatable {
            var word: String
            init(_ word: String) { self.word = word }
            init(_ error: SQLiteError) { word = error.message }
        }
        let database = try Database(path: ":memory:")
        try database.execute("CREATE TABLE t (v)")
        #expect(throws: Refusal("enough")) {
            try database.transaction { () throws(Refusal) in
                do throws(SQLiteError) {
                    try database.run("INSERT INTO t VALUES (1)")
                } catch {
                    throw Refusal(error)
                }
                throw Refusal("enough")
            }
        }
        #expect(try database.first("SELECT count(*) FROM t") == 0)
        let answer = try database.transaction { () throws(SQLiteError) in
            try database.run("INSERT INTO t VALUES (2), (3)")
        }
        #expect(answer == 2)
        #expect(try database.first("SELECT count(*) FROM t") == 2)
    }

    @Test func `a transaction rolls back while a statement stands in the middle of its rows`()
        throws
    {
        let database = try Database(path: ":memory:")
        try database.execute("CREATE TABLE t (v); INSERT INTO t VALUES (1), (2)")
        #expect(throws: SQLiteError.self) {
            try database.transaction { () throws(SQLiteError) in
                try database.run("DELETE FROM t WHERE v = 2")
                let reading = try database.statement("SELECT v FROM t")
                _ = try reading.step()
                throw SQLiteError.corrupt("stop")
            }
        }
        #expect(try database.first("SELECT count(*) FROM t") == 2)
    }

    @Test func `what was committed is there after the file is opened again`() throws {
        try withFolder { folder in
            let path = folder + "/store.db"
            do {
                let database = try Database(path: path)
                try database.execute("CREATE TABLE t (v); INSERT INTO t VALUES (1)")
                #expect(try database.first("PRAGMA journal_mode") == "wal")
                #expect(try database.first("PRAGMA synchronous") == 2)
            }
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
            #expect((mode as? NSNumber)?.intValue == 0o600)
            var options = Database.Options()
            options.isReadOnly = true
            let reader = try Database(path: path, options: options)
            #expect(try reader.first("SELECT v FROM t") == 1)
            #expect(throws: SQLiteError.self) { try reader.run("INSERT INTO t VALUES (2)") }
        }
    }

    @Test func `a writer waits no longer than the busy timeout`() throws {
        try withFolder { folder in
            let path = folder + "/store.db"
            let holder = try Database(path: path)
            try holder.execute("CREATE TABLE t (v)")
            var options = Database.Options()
            options.busyTimeout = .zero
            let other = try Database(path: path, options: options)
            try holder.transaction { () throws(SQLiteError) in
                let error = #expect(throws: SQLiteError.self) {
                    try other.run("INSERT INTO t VALUES (1)")
                }
                #expect(error?.isBusy == true)
            }
        }
    }

    @Test func `a damaged file is refused when it is opened`() throws {
        try withFolder { folder in
            let path = folder + "/store.db"
            try Data("this is not a database, but it is long enough to look like one".utf8)
                .write(to: URL(filePath: path))
            let error = #expect(throws: SQLiteError.self) { try Database(path: path) }
            #expect(error?.isCorruption == true)
        }
    }

    @Test func `damage inside a file is found by the check`() throws {
        try withFolder { folder in
            let path = folder + "/store.db"
            do {
                let database = try Database(path: path)
                try database.execute("CREATE TABLE t (v); CREATE INDEX i ON t (v)")
                try database.transaction { () throws(SQLiteError) in
                    for number in 0..<5000 {
                        try database.run("INSERT INTO t VALUES (?)", .text("row \(number)"))
                    }
                }
            }
            var bytes = try Data(contentsOf: URL(filePath: path))
            bytes.replaceSubrange(8192..<20480, with: Data(repeating: 0xA5, count: 12288))
            try bytes.write(to: URL(filePath: path))
            let error = #expect(throws: SQLiteError.self) { try Database(path: path) }
            #expect(error?.isCorruption == true)
        }
    }

    @Test func `a path that cannot be opened is named`() throws {
        let error = try #require(throws: SQLiteError.self) {
            try Database(path: "/nonexistent/folder/store.db")
        }
        #expect(error.message.contains("/nonexistent/folder/store.db"))
    }

    @Test func `migrations run once, in order, and only forward`() throws {
        try withFolder { folder in
            let path = folder + "/store.db"
            let one = Migration(1, "CREATE TABLE t (v); INSERT INTO t VALUES (1)")
            let two = Migration(2, "INSERT INTO t VALUES (2)")
            do {
                let database = try Database(path: path)
                #expect(try database.schemaVersion == 0)
                try database.migrate([one])
                try database.migrate([one])
                #expect(try database.schemaVersion == 1)
            }
            let database = try Database(path: path)
            try database.migrate([one, two])
            #expect(try database.rows("SELECT v FROM t ORDER BY v") { $0.integer(0) } == [1, 2])
            let error = try #require(throws: SQLiteError.self) { try database.migrate([one]) }
            #expect(error.message.contains("schema version 2"))
            #expect(try database.schemaVersion == 2)
        }
    }

    @Test func `a migration that fails leaves the file at the version before`() throws {
        let database = try Database(path: ":memory:")
        let bad = Migration(1, "CREATE TABLE t (v); INSERT INTO missing VALUES (1)")
        #expect(throws: SQLiteError.self) { try database.migrate([bad]) }
        #expect(try database.schemaVersion == 0)
        #expect(throws: SQLiteError.self) { try database.run("INSERT INTO t VALUES (1)") }
    }

    @Test func `the write-ahead file has a bound, and is cut when a reader let it grow`() throws {
        try withFolder { folder in
            let path = folder + "/store.db"
            var options = Database.Options()
            options.checkpointPages = 16
            options.walBytesMax = 256 << 10
            let database = try Database(path: path, options: options)
            try database.execute("CREATE TABLE t (v)")
            func size() throws -> Int {
                let attributes = try FileManager.default.attributesOfItem(atPath: path + "-wal")
                return (attributes[.size] as? NSNumber)?.intValue ?? -1
            }
            func write(_ count: Int) throws {
                for _ in 0..<count {
                    try database.run(
                        "INSERT INTO t VALUES (?)", .blob([UInt8](repeating: 7, count: 20_000)))
                }
            }
            try write(200)
            // 16 pages, and one transaction more.
            #expect(try size() < 256 << 10)
            var reading = Database.Options()
            reading.isReadOnly = true
            let reader = try Database(path: path, options: reading)
            try reader.execute("BEGIN")
            #expect(try reader.first("SELECT count(*) FROM t") == 200)
            try write(100)
            #expect(try size() > 1 << 20)
            try reader.execute("COMMIT")
            try write(3)
            #expect(try size() <= 256 << 10)
            #expect(try database.first("SELECT count(*) FROM t") == 303)
        }
    }

    @Test func `a large file is looked at in part, and its tables are read at both ends`() throws {
        try withFolder { folder in
            let path = folder + "/store.db"
            do {
                let database = try Database(path: path)
                try database.execute(
                    """
                    CREATE TABLE "a ""b" (v);
                    CREATE TABLE w (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
                    INSERT INTO w VALUES ('x', 1);
                    """)
                try database.transaction { () throws(SQLiteError) in
                    for number in 0..<20_000 {
                        try database.run(
                            "INSERT INTO \"a \"\"b\" VALUES (?)", .text("row \(number)"))
                    }
                }
                #expect(try database.checkIntegrity(upTo: 1 << 30))
                #expect(try !database.checkIntegrity(upTo: 1000))
                try database.checkIndexes()
            }
            var options = Database.Options()
            options.checkedBytesMax = 1000
            #expect(try Database(path: path, options: options).first("SELECT v FROM w") == 1)
            // The root of the table.
            var bytes = try Data(contentsOf: URL(filePath: path))
            bytes.replaceSubrange(4096..<8192, with: Data(repeating: 0xA5, count: 4096))
            try bytes.write(to: URL(filePath: path))
            let error = #expect(throws: SQLiteError.self) {
                try Database(path: path, options: options)
            }
            #expect(error?.isCorruption == true)
        }
    }

    @Test func `a migration's own step is part of its transaction`() throws {
        let database = try Database(path: ":memory:")
        let good = Migration(1, "CREATE TABLE t (v)") { (database) throws(SQLiteError) in
            try database.run("INSERT INTO t VALUES (4)")
        }
        try database.migrate([good])
        #expect(try database.first("SELECT v FROM t") == 4)
        let bad = Migration(2, "INSERT INTO t VALUES (5)") { (_) throws(SQLiteError) in
            throw SQLiteError.corrupt("no")
        }
        #expect(throws: SQLiteError.self) { try database.migrate([good, bad]) }
        #expect(try database.schemaVersion == 1)
        #expect(try database.first("SELECT count(*) FROM t") == 1)
    }
}
