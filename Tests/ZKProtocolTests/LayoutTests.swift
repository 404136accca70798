import Testing

@testable import ZKProtocol

/// Rows and users of every size: their length is derived, and what is not known is kept.
@Suite struct LayoutTests {
    private func rows(_ count: Int, id: String = "1001") throws -> [AttendanceRecord] {
        try (0..<count).map { row in
            AttendanceRecord(
                index: UInt16(row + 1), userID: id,
                time: try time("2024-03-01T08:\(10 + row % 50):00"), state: 1, verify: 1)
        }
    }

    @Test(arguments: [22, 36, 40, 49, 44, 52, 128], [1, 2, 3, 9, 100])
    func `rows of any length are read by the length that the count gives`(
        stride: Int, count: Int
    ) throws {
        let layout = try #require(AttendanceLayout(stride: stride))
        let rows = try rows(count)
        let blob = AttendanceLog.encode(rows, layout)
        let log = try AttendanceLog(decoding: blob, counts: count...count)
        #expect(log.layout == layout)
        #expect(Array(log) == rows)
        #expect(AttendanceLog.encode(log, layout) == blob)
        #expect(log.strayMarks == 0)
    }

    @Test func `a 22-byte row has its fields where WL10 has them`() throws {
        let row = hex("0700 313030310000 00000000 01 1790482e 05 00000000")
        let log = try AttendanceLog(decoding: hex("16000000") + row, counts: 1...1)
        #expect(
            log[0]
                == AttendanceRecord(
                    index: 7, userID: "1001", time: try time("2024-02-29T08:30:15"), state: 5,
                    verify: 1))
    }

    @Test(arguments: [36, 40, 49], [true, false])
    func `a stray mark before a row is skipped and no row is lost`(
        stride: Int, isCounted: Bool
    ) throws {
        let rows = try rows(60, id: "0042")
        for marked in [[0], [59], [0, 1, 2], [7, 30, 31], Array(0..<60)] as [[Int]] {
            var blob: [UInt8] = [0, 0, 0, 0]
            for (number, row) in rows.enumerated() {
                if marked.contains(number) { blob += AttendanceRows.mark }
                #expect(row.append(to: &blob, .text(stride: stride)))
            }
            blob.put(u32: UInt32(blob.count - 4), at: 0)
            let log = try AttendanceLog(decoding: blob, counts: isCounted ? 60...60 : nil)
            #expect(log.strayMarks == marked.count)
            #expect(Array(log) == rows)
        }
    }

    @Test func `a person with the index and id of a stray mark is a person`() throws {
        var rows = try rows(10)
        rows[4].index = 0x32FF
        rows[4].userID = "55"
        let blob = AttendanceLog.encode(rows, .text(stride: 40))
        let log = try AttendanceLog(decoding: blob, counts: 10...10)
        #expect(log.strayMarks == 0)
        #expect(Array(log) == rows)
    }

    @Test func `rows hash by their bytes, in one piece and in several`() throws {
        for stride in [8, 16, 22, 36, 40, 49] {
            let layout = try #require(AttendanceLayout(stride: stride))
            let rows = try rows(30)
            let log = try AttendanceLog(
                decoding: AttendanceLog.encode(rows, layout), counts: 30...30)
            func hash(_ log: AttendanceLog, _ ranges: Range<Int>...) -> Int {
                var hasher = Hasher()
                for range in ranges { log.hash(rows: range, into: &hasher) }
                return hasher.finalize()
            }
            #expect(hash(log, 0..<30) == hash(log, 0..<11, 11..<30))
            #expect(hash(log, 0..<30) != hash(log, 0..<29))
            var others = rows
            others[29].verify ^= 1
            let other = try AttendanceLog(
                decoding: AttendanceLog.encode(others, layout), counts: 30...30)
            #expect(hash(other, 0..<29) == hash(log, 0..<29))
            #expect(hash(other, 0..<30) != hash(log, 0..<30))
        }
    }

    @Test func `120-byte users keep what nobody knows the meaning of`() throws {
        var record = [UInt8](repeating: 0xA5, count: 120)
        record.replaceSubrange(0..<3, with: [0x0D, 0x00, 14])
        record.replaceSubrange(3..<11, with: Array("5678\0\0\0\0".utf8))
        record.replaceSubrange(35..<59, with: Array("Ned".utf8) + Array(repeating: 0, count: 21))
        record.replaceSubrange(59..<83, with: Array("Flan".utf8) + Array(repeating: 0, count: 20))
        record[87] = 1
        record.replaceSubrange(96..<120, with: Array("555".utf8) + Array(repeating: 0, count: 21))
        let user = try DeviceUser(decoding: record)
        #expect(user.uid == 13)
        #expect(user.isAdmin)
        #expect(user.password == "5678")
        #expect(user.name == "Ned")
        #expect(user.lastName == "Flan")
        #expect(user.userID == "555")
        #expect(user.encoded(.bytes120) == record)
        let fresh = DeviceUser(uid: 13, userID: "555", name: "Ned")
        let written = try #require(fresh.encoded(.bytes120))
        #expect(written.count == 120)
        #expect(written[87] == 1)
    }

    @Test(arguments: UserLayout.allCases)
    func `without a count the length of users follows from the records`(layout: UserLayout)
        throws
    {
        // 1260 records of 72, 756 of 120 and 3240 of 28 bytes have one length.
        let count = 28 * 72 * 120 / layout.stride / 8
        let users = (0..<count).map { DeviceUser(uid: UInt16($0 + 1), userID: "\(7000 + $0)") }
        var blob: [UInt8] = []
        blob.append(u32: UInt32(count * layout.stride))
        for user in users { blob += try #require(user.encoded(layout)) }
        for told in [nil, count, count + 1] as [Int?] {
            #expect(
                try DeviceUser.decodeAll(blob, count: told).map(\.userID) == users.map(\.userID))
        }
    }

    @Test func `the golden user record of the protocol's description is read`() throws {
        var record = hex("0D00 00 34343400C69A807C 4E6564")
        record += [UInt8](repeating: 0, count: 21) + hex("DE000000 02 0100 0100 0200 0000 353535")
        record += [UInt8](repeating: 0, count: 21)
        let user = try DeviceUser(decoding: record)
        #expect(user.uid == 13)
        #expect(user.password == "444")
        #expect(user.name == "Ned")
        #expect(user.card == 222)
        #expect(user.group == 2)
        #expect(user.access == 0x0000_0002_0001_0001)
        #expect(user.userID == "555")
    }

    @Test(arguments: FreeSizes.lengths)
    func `free sizes of every length are read`(length: Int) throws {
        var sizes = FreeSizes(users: 5, records: 17)
        sizes.onlyNumber = 99
        sizes.recordCapacity = 1000
        sizes.faces = 3
        let data = sizes.encoded(bytes: length)
        #expect(data.count == length)
        let read = try FreeSizes(decoding: data)
        #expect(read.records == (length == 4 ? nil : 17))
        #expect(read.users == (length == 4 ? nil : 5))
        #expect(read.onlyNumber == (length == 4 ? 99 : nil))
        #expect(read.faces == (length >= 92 ? 3 : 0))
    }

    @Test func `an operation is read and written byte for byte`() throws {
        let row = hex("0000 06 2A C29B6823 0300 0000 0700 0205")
        let blob = hex("10000000") + row
        let record = try #require(try OperationRecord.decodeAll(blob).first)
        #expect(record.code == .fingerEnrolled)
        #expect("\(record.code)" == "fingerprint enrolled")
        #expect(record.values == [3, 0, 7, 0x0502])
        #expect(record.reserved == 0x2A)
        #expect(record.time.isRealDate && record.time.year == 2018)
        #expect(OperationRecord.encode([record]) == blob)
        for cut in 0..<blob.count {
            #expect(throws: FormatError.self) {
                try OperationRecord.decodeAll(Array(blob.prefix(cut)))
            }
        }
        #expect(throws: FormatError.self) {
            try OperationRecord.decodeAll(hex("0f000000") + row.dropLast())
        }
    }

    @Test func `numbers have their names, and those that are not known stay numbers`() {
        #expect(PunchState.automatic.description == "auto")
        #expect(PunchState(rawValue: 1) == .checkOut)
        #expect("\(PunchState(rawValue: 77))" == "77")
        #expect(PunchState(rawValue: 77).name == nil)
        #expect("\(VerifyMode(rawValue: 15))" == "face")
        #expect("\(VerifyMode(rawValue: 199))" == "199")
        #expect("\(VerifyStyle(rawValue: 141))" == "PIN, fingerprint and password")
        #expect("\(OperationCode(rawValue: 250))" == "250")
    }
}
