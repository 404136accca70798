import Foundation
import MeshAPI
import RPCRuntime
import SQLite
import ServiceKit
import Transport

/// The location's one log, in commit order, and what its entries say together.
///
/// Entries are added and never changed. Their sequence begins at 1 and has no gaps: it is given
/// inside the transaction that stores them. What a call has returned is on the disk. The actor
/// lives on a thread of its own, because every call may wait for that disk.
actor LocationStore {
    /// What was found when the store was opened.
    enum Opening: String, Sendable {
        /// The file was not there.
        case made
        /// It is the file that this service last used.
        case known
        /// It is a copy, older or from elsewhere; its log has a new id.
        case replaced
    }

    nonisolated let opening: Opening
    /// Tells followers of the log that there is more.
    nonisolated let wakeUps: WakeUps
    nonisolated let path: String

    let database: Database
    let surroundings: Surroundings
    var logID: [UInt8]
    var lastSequence: UInt64
    /// The last sequence when this process opened the store: what a follower can know at most
    /// before it has been served here.
    let sequenceAtOpening: UInt64
    /// The last sequence that each follower was given by this process, by its identity.
    var sequenceServed: [String: UInt64] = [:]
    var devices: [String: DeviceRecord] = [:]
    /// How many punches each device had on each of the latest days.
    var recent = RecentPunches()
    /// What waits for the next transaction.
    nonisolated let pending = PendingPunches()
    /// Whether entries can be stored.
    nonisolated let alarm: StoreAlarm
    private let marker: StoreMarker
    private var markerContent: StoreMarker.Content
    private let thread: WorkerThread

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.actorExecutor }

    /// Opens the file or makes it, looks through it for damage, and decides whether its log is
    /// still the same one.
    init(
        path: String, thread: WorkerThread, wakeUps: WakeUps, surroundings: Surroundings,
        alarm: StoreAlarm? = nil
    ) throws(StoreError) {
        self.path = path
        self.alarm = alarm ?? StoreAlarm(log: .silent, surroundings: surroundings)
        self.thread = thread
        self.wakeUps = wakeUps
        self.surroundings = surroundings
        let marker = try StoreMarker(database: path)
        let database: Database
        let before: Identity?
        do throws(SQLiteError) {
            database = try Database(path: path)
            try database.migrate(StoreSchema.migrations)
            before = try Identity.read(database)
            lastSequence = try Self.lastSequence(of: database)
        } catch {
            throw StoreError(error)
        }
        let (identity, content, opening) = try Self.identify(
            database, marker, before: before, lastSequence: lastSequence,
            random: surroundings.randomBytes)
        (logID, markerContent, self.opening) = (identity.logID, content, opening)
        sequenceAtOpening = lastSequence
        self.marker = marker
        self.database = database
        do throws(SQLiteError) {
            devices = try DeviceRecord.readAll(database)
            recent = try RecentPunches.read(
                database, today: RecentPunches.day(surroundings.now()), forgets: true)
        } catch {
            throw StoreError(error)
        }
    }

    private static func lastSequence(of database: Database) throws(SQLiteError) -> UInt64 {
        guard case .integer(let last)? = try database.first("SELECT max(sequence) FROM log")
        else { return 0 }
        return UInt64(clamping: last)
    }

    /// The day on which a rate is asked for.
    var today: Int64 { RecentPunches.day(surroundings.now()) }

    // MARK: Identity

    private struct Identity {
        var logID: [UInt8]
        var token: String
        var nextToken: String?

        static func read(_ database: Database) throws(SQLiteError) -> Identity? {
            try database.rows("SELECT log_id, token, next_token FROM identity") { row in
                Identity(
                    logID: row.blob(0), token: row.text(1), nextToken: row.optionalText(2))
            }.first
        }
    }

    /// Gives both files a new token.
    ///
    /// The database first says which token will come: whenever the
    /// process dies in between, the marker holds one of the two that the database knows.
    private static func identify(
        _ database: Database, _ marker: StoreMarker, before: Identity?, lastSequence: UInt64,
        random: (Int) -> [UInt8]
    ) throws(StoreError) -> (Identity, StoreMarker.Content, Opening) {
        let token = random(16).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            .joined()
        let fileNumber = try StoreMarker.fileNumber(of: database.path)
        var identity = Identity(logID: random(16), token: token)
        var opening = Opening.made
        if let before {
            let known = marker.read()
            let isSame =
                known.map {
                    ($0.token == before.token || $0.token == before.nextToken)
                        && $0.fileNumber == fileNumber && $0.lastSequence <= lastSequence
                } ?? false
            opening = isSame ? .known : .replaced
            if isSame { identity.logID = before.logID }
        }
        let content = StoreMarker.Content(
            token: token, fileNumber: fileNumber, lastSequence: lastSequence)
        do throws(SQLiteError) {
            try database.run(
                """
                INSERT INTO identity (id, log_id, token, next_token) VALUES (1, ?1, ?2, ?2)
                ON CONFLICT (id) DO UPDATE SET log_id = ?1, next_token = ?2
                """, .blob(identity.logID), .text(token))
        } catch {
            throw StoreError(error)
        }
        try marker.write(content, toDisk: true)
        do throws(SQLiteError) {
            try database.run("UPDATE identity SET token = ?, next_token = NULL", .text(token))
        } catch {
            throw StoreError(error)
        }
        return (identity, content, opening)
    }

    /// The log gets a new id, and its followers begin again at its first entry.
    func renewLogID() throws(StoreError) {
        let fresh = surroundings.randomBytes(16)
        do throws(SQLiteError) {
            try database.run("UPDATE identity SET log_id = ?", .blob(fresh))
        } catch {
            throw StoreError(error)
        }
        logID = fresh
        sequenceServed = [:]
        wakeUps.announce()
    }

    // MARK: Adding entries

    /// Runs `body`, which appends entries, in a transaction, and wakes the followers.
    func commit<Result>(
        _ body: (inout Appender) throws(SQLiteError) -> Result
    ) throws(StoreError) -> Result {
        var appender = Appender(
            database: database, sequence: lastSequence, committedAt: surroundings.now())
        let result: Result
        do throws(SQLiteError) {
            result = try database.transaction { () throws(SQLiteError) in try body(&appender) }
        } catch {
            forget()
            let failure = StoreError(error)
            alarm.failed(failure, entries: Int(appender.sequence - lastSequence))
            throw failure
        }
        alarm.stored(Int(appender.sequence - lastSequence))
        if appender.sequence != lastSequence {
            lastSequence = appender.sequence
            markerContent.lastSequence = lastSequence
            writeMarker()
            wakeUps.announce()
        }
        return result
    }

    /// Behind the commit, so that it never says more than the database holds.
    ///
    /// A marker that cannot be written says less, which is safe: the entries are stored, and the
    /// next commit writes it again.
    private func writeMarker() {
        do throws(StoreError) {
            try marker.write(markerContent, toDisk: false)
            alarm.marker(nil)
        } catch {
            alarm.marker(error)
        }
    }

    /// What a transaction that failed has noted in memory may not be in the file.
    private func forget() {
        if let read = try? DeviceRecord.readAll(database) { devices = read }
        if let read = try? RecentPunches.read(database, today: today) { recent = read }
    }

    /// Ends the use of the store; the last call.
    func close() { marker.close() }
}
