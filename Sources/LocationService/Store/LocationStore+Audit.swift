import MeshAPI
import RPCRuntime
import SQLite

extension LocationStore {
    /// Writes down that a command is about to be sent; its number.
    ///
    /// On disk when it returns.
    func beginAudit(_ record: AuditRecord) throws(StoreError) -> UInt64 {
        do throws(SQLiteError) {
            try database.run(
                """
                INSERT INTO audit (at, principal, gateway, device, serial, command, arguments)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                .integer(surroundings.now().millisecondsSince1970), .text(record.principal),
                .text(record.gateway), .text(record.device), .text(record.serial),
                .text(record.command), .text(record.arguments))
            return UInt64(clamping: database.lastInsertedRowID)
        } catch {
            throw StoreError(error)
        }
    }

    /// Writes down how a command ended.
    func completeAudit(
        _ id: UInt64, _ certainty: CommandCertainty, _ outcome: String
    ) throws(StoreError) {
        do throws(SQLiteError) {
            try database.run(
                "UPDATE audit SET certainty = ?, outcome = ?, completed_at = ? WHERE id = ?",
                .integer(Int64(certainty.rawValue)), .text(outcome.clipped(toBytes: 1024)),
                .integer(surroundings.now().millisecondsSince1970), .integer(Int64(clamping: id)))
        } catch {
            throw StoreError(error)
        }
    }

    /// At most `limit` records before `before`, the newest first; of one device or of all.
    ///
    /// One without an end is shown as maybe done: it runs, or the process ended before it.
    func audit(
        before: UInt64, device: String, limit: Int
    ) throws(StoreError) -> [AuditRecord] {
        do throws(SQLiteError) {
            return try database.rows(
                """
                SELECT id, at, principal, gateway, device, serial, command, arguments, certainty,
                    outcome, completed_at FROM audit
                WHERE (?1 = 0 OR id < ?1) AND (?2 = '' OR device = ?2 OR serial = ?2)
                ORDER BY id DESC LIMIT ?3
                """,
                .integer(Int64(clamping: before)), .text(device), .integer(Int64(clamping: limit))
            ) { row in
                let certainty = row.optionalInteger(8).flatMap { Int32(exactly: $0) }
                return AuditRecord(
                    id: UInt64(clamping: row.integer(0)),
                    at: Timestamp(millisecondsSince1970: row.integer(1)) ?? Timestamp(),
                    principal: row.text(2), gateway: row.text(3), device: row.text(4),
                    serial: row.text(5), command: row.text(6), arguments: row.text(7),
                    certainty: certainty.map { CommandCertainty(rawValue: $0) } ?? .maybeDone,
                    outcome: certainty == nil
                        ? "its end is not recorded: it runs, or the service ended before it"
                        : row.text(9),
                    completedAt: row.optionalInteger(10)
                        .flatMap { Timestamp(millisecondsSince1970: $0) })
            }
        } catch {
            throw StoreError(error)
        }
    }
}

extension LocationStore {
    /// How many of the punches the file does not have, under any kind that they may have become.
    func missing(of punches: [Punch]) throws(StoreError) -> Int {
        do throws(SQLiteError) {
            var count = 0
            for punch in punches {
                let found = try database.first(
                    """
                    SELECT 1 FROM punch WHERE device = ?1 AND user = ?2 AND local_time = ?3
                        AND (state = ?4 OR amended_state = ?4 OR ?4 = 255) LIMIT 1
                    """,
                    .text(punch.device), .text(punch.user), .text(punch.localTime),
                    .integer(Int64(punch.state)))
                if found == nil { count += 1 }
            }
            return count
        } catch {
            throw StoreError(error)
        }
    }
}
