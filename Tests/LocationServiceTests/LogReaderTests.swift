import Attendance
import MeshAPI
import RPCRuntime
import Testing
import ZKProtocol

@testable import LocationService

@Suite struct LogReaderTests {
    private let now = Timestamp()

    private func reader(_ zone: String = "Europe/Berlin") throws -> LogReader {
        LogReader(
            serial: "CK1",
            resolver: InstantResolver(zone: try #require(ZoneRules(zone)), mode: .zone))
    }

    private func record(_ user: String, _ time: String, index: UInt16 = 0) throws
        -> AttendanceRecord
    {
        AttendanceRecord(
            index: index, userID: user, time: try #require(LocalTime(time)), state: 0, verify: 1)
    }

    private func log(
        _ records: [AttendanceRecord], _ layout: AttendanceLayout = .text(stride: 40)
    ) throws -> AttendanceLog {
        try AttendanceLog(
            decoding: AttendanceLog.encode(records, layout), counts: records.count...records.count)
    }

    /// Reads the log and says that its punches were stored.
    private func read(_ reader: inout LogReader, _ log: AttendanceLog) -> [Punch] {
        var fresh = reader.fresh(in: log)
        var punches: [Punch] = []
        // In batches that do not divide the rows.
        while !fresh.isEmpty { punches += reader.next(4, of: log, receivedAt: now, &fresh) }
        reader.stored(fresh)
        return punches
    }

    @Test func `only the rows behind those already stored are new`() throws {
        var reader = try reader()
        let records = try (0..<9).map { try record("\($0)", "2025-01-06T08:00:0\($0)") }
        #expect(read(&reader, try log(Array(records.prefix(5)))).count == 5)
        #expect(read(&reader, try log(Array(records.prefix(5)))).isEmpty)
        #expect(read(&reader, try log(records)).map(\.user) == ["5", "6", "7", "8"])
    }

    @Test func `rows that were not stored are new the next time`() throws {
        var reader = try reader()
        let records = try (0..<3).map { try record("\($0)", "2025-01-06T08:00:0\($0)") }
        _ = reader.fresh(in: try log(records))
        #expect(read(&reader, try log(records)).count == 3)
    }

    @Test func `a log that was cleared, overwritten or refilled is taken from its start`() throws {
        let records = try (0..<6).map { try record("\($0)", "2025-01-06T08:00:0\($0)") }
        for next in [
            Array(records.suffix(2)), Array(records.suffix(5)) + [records[0]],
            [records[1]] + records.dropFirst(),
        ] {
            var reader = try reader()
            _ = read(&reader, try log(records))
            #expect(read(&reader, try log(next)).map(\.user) == next.map(\.userID))
        }
    }

    @Test func `the hour that comes twice is told apart across two reads`() throws {
        var reader = try reader()
        let first = try ["02:50:00"].map { try record("1", "2025-10-26T\($0)") }
        _ = read(&reader, try log(first))
        let second = try ["02:50:00", "02:10:00"].map { try record("1", "2025-10-26T\($0)") }
        let punch = try #require(read(&reader, try log(second)).last)
        #expect(punch.instant == Timestamp("2025-10-26T01:10:00Z"))
    }

    @Test func `a row whose date does not exist is kept without an instant`() throws {
        var reader = try reader()
        let punches = read(&reader, try log([try record("1", "2025-02-31T10:00:00")]))
        #expect(punches.map(\.localTime) == ["2025-02-31T10:00:00"])
        #expect(punches.map(\.instant) == [nil])
    }

    @Test func `rows with only an index are resolved, and again when the users change`() throws {
        var reader = try reader()
        let rows = try log([try record("", "2025-01-06T08:00:00", index: 7)], .bytes8)
        #expect(read(&reader, rows).map(\.resolvedUser) == [""])
        func user(_ id: String) -> DeviceUser {
            DeviceUser(uid: 7, userID: id, name: "Ann")
        }
        reader.setUsers([user("1001")])
        let punch = try #require(read(&reader, rows).first)
        #expect(punch.user == "#7" && punch.resolvedUser == "1001")
        reader.setUsers([user("1001")])
        #expect(read(&reader, rows).isEmpty)
    }

    @Test func `a user id of any 24 bytes makes a punch that can be read again`() throws {
        var reader = try reader()
        for byte in [0x80, 0xFF, 0x41, 0xC3] as [UInt8] {
            let row =
                [1, 0] + [UInt8](repeating: byte, count: 24) + [UInt8](repeating: 0, count: 14)
            let record = try AttendanceRecord(row: row)
            let punch = try #require(read(&reader, try log([record])).first)
            let entry = try LogEntry(decoding: LogEntry(punch: punch).encoded())
            #expect(entry.punch == punch && !punch.user.isEmpty)
        }
    }

    @Test(arguments: ["", "a", "🙂é🙂é", "\u{301}\u{301}"]) func `a text is clipped at a scalar`(
        text: String
    ) {
        for limit in 0...text.utf8.count {
            let clipped = text.clipped(toBytes: limit)
            #expect(clipped.utf8.count <= limit && limit - clipped.utf8.count < 4)
            #expect(text.unicodeScalars.starts(with: clipped.unicodeScalars))
        }
    }

    @Test func `an announced punch counts only where the log would call its user the same`() throws
    {
        var reader = try reader()
        let live = try record("7", "2025-01-06T08:00:00")
        #expect(reader.punch(announced: live, receivedAt: now) == nil, "no row was seen yet")
        _ = read(&reader, try log([try record("007", "2025-01-06T07:00:00")]))
        #expect(reader.punch(announced: live, receivedAt: now) == nil, "7 is not 007")
        let same = try record("007", "2025-01-06T08:00:00")
        let punch = try #require(reader.punch(announced: same, receivedAt: now))
        #expect(punch.source == .live && punch.instant == Timestamp("2025-01-06T07:00:00Z"))
        let nameless = try record("", "2025-01-06T08:00:00", index: 7)
        #expect(reader.punch(announced: nameless, receivedAt: now) == nil)
    }
}
