import MeshAPI
import RPCRuntime
import SQLite
import Synchronization
import Transport

/// The gateway's copy of every location's log, its API keys and its own commit sequence.
///
/// Its operations say what is meant and not how it is stored, so that another database can take
/// this one's place. All of them run on one thread of their own, in turn; what one of them
/// returns was true at one moment.
actor GatewayStore {
    private let thread: WorkerThread
    let database: Database
    let pepper: [UInt8]
    /// Part of every cursor.
    ///
    /// Random; made with the store, and anew when the store was put back from a copy.
    nonisolated let storeID: [UInt8]
    /// Whether the file was found to be an older or another copy of the store.
    nonisolated let wasReplaced: Bool
    private let marker: StoreMarker
    private let fileNumber: UInt64
    nonisolated let cursorKey: [UInt8]
    /// Wakes those who wait for new punches.
    nonisolated let commits: CommitSignal

    /// Whether the store failed to take the last batch of a location.
    nonisolated var isRefusing: Bool { refusing.withLock { $0 } }
    nonisolated let refusing = Lock(false)

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.actorExecutor }

    /// Opens the file or makes it; `pepper` keys the hashes of API keys.
    init(path: String, pepper: [UInt8], thread: WorkerThread) throws(StoreError) {
        let marker = try StoreMarker(store: path)
        do throws(SQLiteError) {
            database = try Database(path: path)
            try database.migrate(GatewaySchema.migrations)
            cursorKey = try Self.secret("cursor_key", bytes: 32, in: database)
        } catch {
            throw StoreError(error)
        }
        fileNumber = try StoreMarker.fileNumber(of: path)
        let opened = try Self.identity(in: database, beside: marker, fileNumber)
        (storeID, wasReplaced) = (opened.storeID, opened.wasReplaced)
        commits = CommitSignal(latest: opened.lastSequence)
        self.marker = marker
        self.pepper = pepper
        self.thread = thread
    }

    /// The store's id, made anew when the marker says that this is not the store it stood beside.
    private static func identity(
        in database: Database, beside marker: StoreMarker, _ fileNumber: UInt64
    ) throws(StoreError) -> (storeID: [UInt8], lastSequence: Int64, wasReplaced: Bool) {
        do throws(SQLiteError) {
            let isNew = try database.first("SELECT 1 FROM meta WHERE name = 'store_id'") == nil
            var storeID = try secret("store_id", bytes: 16, in: database)
            let last = try lastCommit(in: database)
            let known = marker.read()
            let isSame =
                known.map {
                    $0.storeID == hex(storeID) && $0.fileNumber == fileNumber
                        && $0.lastSequence <= last
                } ?? false
            if !isNew, !isSame {
                try database.run("DELETE FROM meta WHERE name = 'store_id'")
                storeID = try secret("store_id", bytes: 16, in: database)
            }
            let content = StoreMarker.Content(
                storeID: hex(storeID), fileNumber: fileNumber, lastSequence: last)
            do throws(StoreError) { try marker.write(content) } catch {
                throw SQLiteError.corrupt(error.message)
            }
            return (storeID, last, !isNew && !isSame)
        } catch {
            throw StoreError(error)
        }
    }

    /// Gives up the lock on the store; nothing may be asked of it afterwards.
    func close() { marker.close() }

    /// Notes that the commit sequence has grown, for the marker and for those who wait.
    func noteCommits() throws(StoreError) {
        let last = try reading { () throws(SQLiteError) in try Self.lastCommit(in: database) }
        try marker.write(
            StoreMarker.Content(
                storeID: hex(storeID), fileNumber: fileNumber, lastSequence: last))
        commits.advance(to: last)
    }

    /// A random value that is made once.
    private static func secret(_ name: String, bytes: Int, in database: Database)
        throws(SQLiteError) -> [UInt8]
    {
        try database.run(
            "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT DO NOTHING", .text(name),
            .blob(Crypto.randomBytes(bytes)))
        let value = try database.first("SELECT value FROM meta WHERE name = ?1", .text(name))
        guard case .blob(let secret)? = value, secret.count == bytes else {
            throw SQLiteError.corrupt("\(database.path): \(name) is not \(bytes) bytes")
        }
        return secret
    }

    static func lastCommit(in database: Database) throws(SQLiteError) -> Int64 {
        guard case .integer(let last)? = try database.first("SELECT max(sequence) FROM punch")
        else { return 0 }
        return last
    }

    // MARK: Locations

    /// Makes the locations known that are not yet, so that answers name them from the start.
    func register(_ names: [String]) throws(StoreError) {
        try database.transaction { () throws(StoreError) in
            for name in names { _ = try locationRow(name) }
        }
    }

    /// What is stored of one location's log; nil when the gateway never heard of it.
    func copyState(of location: String) throws(StoreError) -> CopyState? {
        try reading { () throws(SQLiteError) in
            try database.rows(
                "SELECT log_id, last_sequence, punches FROM location WHERE name = ?1",
                .text(location)
            ) { row in
                CopyState(
                    logID: row.blob(0), lastSequence: UInt64(clamping: row.integer(1)),
                    punches: UInt64(clamping: row.integer(2)))
            }.first
        }
    }

    /// Where to follow a location's log from; sequence 0 of an empty log id for a new one.
    func followPosition(of location: String) throws(StoreError) -> FollowLog {
        let state = try copyState(of: location)
        return FollowLog(logID: state?.logID ?? [], after: state?.lastSequence ?? 0)
    }

    /// The location's row, made when there is none.
    func locationRow(_ name: String) throws(StoreError) -> LocationRow {
        try reading { () throws(SQLiteError) in
            let sql = """
                SELECT id, log_id, last_sequence, punches, zone, unread FROM location
                WHERE name = ?1
                """
            let read = { (row: Statement) throws(SQLiteError) in
                LocationRow(
                    id: row.integer(0), logID: row.blob(1), lastSequence: row.integer(2),
                    punches: row.integer(3), zone: row.text(4), unread: row.integer(5))
            }
            if let known = try database.rows(sql, .text(name), read: read).first { return known }
            try database.run("INSERT INTO location (name) VALUES (?1)", .text(name))
            return LocationRow(id: database.lastInsertedRowID)
        }
    }

    /// Runs statements and translates their failure.
    func reading<Result>(_ body: () throws(SQLiteError) -> Result) throws(StoreError) -> Result {
        do throws(SQLiteError) { return try body() } catch { throw StoreError(error) }
    }
}

/// A row of `location`.
struct LocationRow {
    let id: Int64
    var logID: [UInt8] = []
    var lastSequence: Int64 = 0
    var punches: Int64 = 0
    var zone = ""
    var unread: Int64 = 0
}

extension GatewayStore {
    /// Looks through the whole store for damage.
    func checkIntegrity() throws(StoreError) -> (path: String, punches: Int64) {
        try reading { () throws(SQLiteError) in
            try database.checkIntegrity()
            return (database.path, try Self.lastCommit(in: database))
        }
    }
}
