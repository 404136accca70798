import MeshAPI
import RPCRuntime
import SQLite

/// A line of an upload that could not be taken.
struct QuarantinedLine: Sendable, Hashable {
    var line: [UInt8]
    var cause: String
}

/// An upload that is taken whole: what is noted with its last rows.
struct PushUpload: Sendable, Hashable {
    var serial: String
    /// Such as `ATTLOG` or `OPERLOG`.
    var table: String
    /// What the terminal says it is at; nil where it says nothing.
    var stamp: String?
    /// SHA-256 of the body.
    var hash: [UInt8]
    /// Lines in it, good or bad: what the terminal is told that was taken.
    var rows: Int
}

/// How complete the log of a terminal that pushes can be proved to be.
struct PushCounters: Sendable, Hashable {
    /// Punches in the log minus rows in the terminal's memory when all of these were in the log.
    ///
    /// Nil where that is unknown. Above 0 after its log was cleared; below where it has rows
    /// that are the same punch.
    var forgotten: Int64? = 0
    /// The last count that it told.
    var counted: Int64?
}

/// A terminal that may push though the configuration does not name it.
struct PushApproval: Sendable, Hashable {
    var serial: String
    var name: String
}

/// What became of the wish to approve a terminal.
enum PushApprovalOutcome: Sendable, Hashable {
    case approved
    /// Another terminal has that name; its serial.
    case nameTaken(String)
}

extension LocationStore {
    /// Bodies that are remembered of a terminal: a resend is one of the last.
    static let pushBodiesMax = 256
    /// Lines that are put aside of a terminal; the rest is only counted in the service's log.
    static let quarantineMax = 10_000
    /// Users that are kept of a terminal: more than any has room for.
    static let pushUsersMax = 100_000

    // MARK: Approval

    /// Lets the terminal push under this name from now on.
    func approvePush(serial: String, name: String) throws(StoreError) -> PushApprovalOutcome {
        if let other = devices.values.first(where: {
            $0.device.active && $0.device.name == name && $0.device.serial != serial
        }) {
            return .nameTaken(other.device.serial)
        }
        if let other = try approvedPush().first(where: { $0.name == name && $0.serial != serial }) {
            return .nameTaken(other.serial)
        }
        let now = surroundings.now().millisecondsSince1970
        do throws(SQLiteError) {
            try database.run(
                """
                INSERT INTO push_terminal (serial, name, approved_at) VALUES (?1, ?2, ?3)
                ON CONFLICT (serial) DO UPDATE SET name = ?2, approved_at = ?3
                """, .text(serial), .text(name), .integer(now))
        } catch {
            throw StoreError(error)
        }
        wakeUps.announce()
        return .approved
    }

    /// Takes the approval back; false where there was none.
    func revokePush(serial: String) throws(StoreError) -> Bool {
        do throws(SQLiteError) {
            return try database.run(
                """
                UPDATE push_terminal SET name = '', approved_at = NULL
                WHERE serial = ? AND approved_at IS NOT NULL
                """, .text(serial)) > 0
        } catch {
            throw StoreError(error)
        }
    }

    /// The terminals that were approved while the service ran.
    func approvedPush() throws(StoreError) -> [PushApproval] {
        do throws(SQLiteError) {
            return try database.rows(
                """
                SELECT serial, name FROM push_terminal WHERE approved_at IS NOT NULL
                ORDER BY approved_at, serial
                """
            ) { PushApproval(serial: $0.text(0), name: $0.text(1)) }
        } catch {
            throw StoreError(error)
        }
    }

    /// The name under which the terminal was approved; nil where it was not.
    func pushName(of serial: String) throws(StoreError) -> String? {
        do throws(SQLiteError) {
            return try database.rows(
                "SELECT name FROM push_terminal WHERE serial = ? AND approved_at IS NOT NULL",
                .text(serial)
            ) { $0.text(0) }.first
        } catch {
            throw StoreError(error)
        }
    }

    // MARK: Uploads

    /// The number of lines of a body that was taken before; nil where it was not.
    func takenRows(
        of table: String, from serial: String, hash: [UInt8]
    ) throws(StoreError) -> Int? {
        do throws(SQLiteError) {
            let found = try database.first(
                "SELECT rows FROM push_body WHERE serial = ? AND upload = ? AND hash = ?",
                .text(serial), .text(table), .blob(hash))
            if case .integer(let rows)? = found { return Int(rows) }
            return nil
        } catch {
            throw StoreError(error)
        }
    }

    /// Stores rows of an upload in one transaction with what is noted of the whole of it.
    ///
    /// `whole` is nil for all but the last rows of a long body: a body that was cut by a kill is
    /// not noted, comes again, and its rows are recognised.
    func takePush(
        _ punches: [Punch], users: [PushUser] = [], quarantined: [QuarantinedLine] = [],
        from serial: String, table: String, whole: PushUpload?
    ) throws(StoreError) -> IngestResult {
        let now = surroundings.now().millisecondsSince1970
        return try ingest(punches) { (database) throws(SQLiteError) in
            try Self.write(users, of: serial, now, database)
            try Self.putAside(quarantined, serial, table, now, database)
            guard let whole else { return }
            if let stamp = whole.stamp {
                try database.run(
                    "INSERT OR REPLACE INTO push_stamp (serial, upload, stamp) VALUES (?, ?, ?)",
                    .text(serial), .text(table), .text(stamp))
            }
            try database.run(
                """
                INSERT OR IGNORE INTO push_body (serial, upload, hash, rows, received_at)
                VALUES (?, ?, ?, ?, ?)
                """, .text(serial), .text(table), .blob(whole.hash),
                .integer(Int64(whole.rows)), .integer(now))
            try database.run(
                """
                DELETE FROM push_body WHERE serial = ?1 AND id <= (
                    SELECT id FROM push_body WHERE serial = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
                """, .text(serial), .integer(Int64(Self.pushBodiesMax)))
        }
    }

    /// Rows that the table still takes of the terminal.
    ///
    /// Asked once for all rows of a transaction: counting takes as long as the table is full.
    private static func room(
        in table: String, for serial: String, max: Int, _ database: Database
    ) throws(SQLiteError) -> Int {
        let count = try database.first(
            "SELECT count(*) FROM \(table) WHERE serial = ?", .text(serial))
        guard case .integer(let count)? = count else { return 0 }
        return max - Int(count)
    }

    private static func write(
        _ users: [PushUser], of serial: String, _ now: Int64, _ database: Database
    ) throws(SQLiteError) {
        guard !users.isEmpty else { return }
        var room = try room(in: "push_user", for: serial, max: pushUsersMax, database)
        for user in users {
            let known = try database.first(
                "SELECT 1 FROM push_user WHERE serial = ? AND pin = ?", .text(serial),
                .text(user.pin))
            if known == nil {
                guard room > 0 else { continue }
                room -= 1
            }
            try database.run(
                """
                INSERT OR REPLACE INTO push_user (serial, pin, name, privilege, card, user_group,
                    has_password, received_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """, .text(serial), .text(user.pin), .text(user.name),
                .integer(Int64(user.privilege)), .integer(Int64(clamping: user.card)),
                .text(user.group), .integer(user.hasPassword ? 1 : 0), .integer(now))
        }
    }

    private static func putAside(
        _ lines: [QuarantinedLine], _ serial: String, _ table: String, _ now: Int64,
        _ database: Database
    ) throws(SQLiteError) {
        guard !lines.isEmpty else { return }
        var room = try room(in: "push_quarantine", for: serial, max: quarantineMax, database)
        for line in lines where room > 0 {
            room -= try database.run(
                """
                INSERT OR IGNORE INTO push_quarantine (serial, upload, line, cause, received_at)
                VALUES (?, ?, ?, ?, ?)
                """, .text(serial), .text(table), .blob(line.line), .text(line.cause),
                .integer(now))
        }
    }

    /// The lines that were put aside, oldest first.
    func quarantine(of serial: String, limit: Int) throws(StoreError) -> [QuarantinedLine] {
        do throws(SQLiteError) {
            return try database.rows(
                "SELECT line, cause FROM push_quarantine WHERE serial = ? ORDER BY id LIMIT ?",
                .text(serial), .integer(Int64(limit))
            ) { QuarantinedLine(line: $0.blob(0), cause: $0.text(1)) }
        } catch {
            throw StoreError(error)
        }
    }

    /// The users that the terminal has told of, by PIN.
    func pushUsers(of serial: String) throws(StoreError) -> [PushUser] {
        do throws(SQLiteError) {
            return try database.rows(
                """
                SELECT pin, name, privilege, card, user_group, has_password FROM push_user
                WHERE serial = ? ORDER BY pin
                """, .text(serial)
            ) { row in
                PushUser(
                    pin: row.text(0), name: row.text(1),
                    privilege: UInt32(clamping: row.integer(2)),
                    card: UInt64(clamping: row.integer(3)), group: row.text(4),
                    hasPassword: row.integer(5) != 0)
            }
        } catch {
            throw StoreError(error)
        }
    }
}
