import SQLite

extension LocationStore {
    /// Where the terminal's uploads stand, by table.
    func pushStamps(of serial: String) throws(StoreError) -> [String: String] {
        do throws(SQLiteError) {
            let rows = try database.rows(
                "SELECT upload, stamp FROM push_stamp WHERE serial = ?", .text(serial)
            ) { ($0.text(0), $0.text(1)) }
            return Dictionary(rows) { $1 }
        } catch {
            throw StoreError(error)
        }
    }

    /// Makes the terminal send everything of the table again at its next handshake.
    func forgetPushStamp(of table: String, from serial: String) throws(StoreError) {
        do throws(SQLiteError) {
            try database.run(
                "DELETE FROM push_stamp WHERE serial = ? AND upload = ?", .text(serial),
                .text(table))
        } catch {
            throw StoreError(error)
        }
    }

    /// What is known of the terminal's counts; nil before they were noted.
    func pushCounters(of serial: String) throws(StoreError) -> PushCounters? {
        do throws(SQLiteError) {
            return try database.rows(
                "SELECT forgotten, counted FROM push_terminal WHERE serial = ?", .text(serial)
            ) { PushCounters(forgotten: $0.optionalInteger(0), counted: $0.optionalInteger(1)) }
            .first
        } catch {
            throw StoreError(error)
        }
    }

    /// Notes what is known of the terminal's counts.
    func setPushCounters(_ counters: PushCounters, of serial: String) throws(StoreError) {
        do throws(SQLiteError) {
            try database.run(
                """
                INSERT INTO push_terminal (serial, forgotten, counted) VALUES (?1, ?2, ?3)
                ON CONFLICT (serial) DO UPDATE SET forgotten = ?2, counted = ?3
                """, .text(serial), .integer(counters.forgotten), .integer(counters.counted))
        } catch {
            throw StoreError(error)
        }
    }
}
