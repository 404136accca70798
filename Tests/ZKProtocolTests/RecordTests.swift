import Testing

@testable import ZKProtocol

@Suite struct UserTests {
    @Test func `72-byte users are read and written byte for byte`() throws {
        let blob = hex(
            """
            9000000001000e313233340000000041646d696e000000000000000000000000000000000000000403020100
            31000000000000003100000000000000000000000000000000000000000000000200000000000000000000
            4a6f73c3a90000000000000000000000000000000000000000000000003100000000000000313030310000
            000000000000000000000000000000000000
            """)
        let users = try DeviceUser.decodeAll(blob, count: 2)
        #expect(users.map(\.userID) == ["1", "1001"])
        #expect(users.map(\.name) == ["Admin", "José"])
        #expect(users[0].privilege == 14)
        #expect(users[0].password == "1234")
        #expect(users[0].card == 0x0102_0304)
        #expect(users.map(\.group) == [1, 1])
        #expect(Array(users.compactMap { $0.encoded(.bytes72) }.joined()) == Array(blob[4...]))
        #expect(!"\(users[0])".contains("1234"))
    }

    @Test func `28-byte users are read and written byte for byte`() throws {
        let blob = hex(
            """
            3800000001000e313233340041646d696e00000004030201000100000100000002000000000000004a6f73
            c3a90000000000000000010000e9030000
            """)
        let users = try DeviceUser.decodeAll(blob, count: 2)
        #expect(users.map(\.userID) == ["1", "1001"])
        #expect(users.map(\.name) == ["Admin", "José"])
        #expect(users.map(\.group) == [1, 1])
        #expect(Array(users.compactMap { $0.encoded(.bytes28) }.joined()) == Array(blob[4...]))
    }

    @Test func `garbage behind a password's end is not part of it`() throws {
        let packet = try #require(
            try packets(
                hex(
                    """
                    5050827D500000000800FC579D8A5C000E0006313233343536007C4E7565766F0000000000000000
                    00000000000000000000008F190000010000000000000000313132323434383800000000000000000
                    000000000000000
                    """)
            ).first)
        let user = try DeviceUser(decoding: packet.data)
        #expect(user.password == "123456")
        #expect(user.name == "Nuevo")
        #expect(user.userID == "11224488")
        #expect(user.group == 1)
        #expect(user.card == 0x198F)
    }

    @Test func `a name in an unknown code page survives`() throws {
        let bytes: [UInt8] = [0xD5, 0xC5, 0xC8, 0xFD]
        let text = DeviceText.decode(bytes)
        #expect(DeviceText.encode(text, limit: 24) == bytes)
        // A text that holds the escapes itself.
        let own = Array("\u{F7FF}".utf8)
        #expect(DeviceText.encode(DeviceText.decode(own), limit: 24) == own)
    }

    @Test func `every pair of bytes survives as text`() {
        for first in UInt8(1)...255 {
            for second in UInt8(1)...255 {
                let text = DeviceText.decode([first, second])
                #expect(DeviceText.encode(text, limit: 2) == [first, second])
            }
        }
    }

    @Test func `a long name is cut at a character's end`() {
        #expect(DeviceText.encode("Zoé", limit: 3) == Array("Zo".utf8))
        #expect(DeviceText.encode("Zoé", limit: 4) == Array("Zoé".utf8))
    }

    @Test func `an id that does not fit is refused rather than cut`() {
        let long = DeviceUser(uid: 1, userID: String(repeating: "1", count: 25))
        #expect(long.encoded(.bytes72) == nil)
        #expect(long.encoded(.bytes28) == nil)
        #expect(DeviceUser(uid: 1, userID: "a1").encoded(.bytes28) == nil)
        #expect(DeviceUser(uid: 1, userID: "a1").encoded(.bytes72)?.count == 72)
    }

    @Test func `a list of users whose length does not add up is refused`() throws {
        let record = try #require(DeviceUser(uid: 1, userID: "7").encoded(.bytes72))
        for blob in [
            [], [1, 0, 0], hex("48000000"), hex("47000000") + record.dropLast(),
            hex("48000000") + record + [0], hex("ffffffff") + record,
        ] {
            #expect(throws: FormatError.self) { try DeviceUser.decodeAll(blob, count: 1) }
        }
        #expect(try DeviceUser.decodeAll(hex("00000000"), count: 0).isEmpty)
        // Someone was added after the count was read.
        let two = hex("90000000") + record + record
        #expect(try DeviceUser.decodeAll(two, count: 1).count == 2)
        #expect(try DeviceUser.decodeAll(two, count: nil).count == 2)
    }
}

@Suite struct AttendanceTests {
    @Test func `40-byte rows are read and written byte for byte`() throws {
        let blob = hex(
            """
            780000000100310000000000000000000000000000000000000000000000011790482e0000000000ff0000
            0002003130303100000000000000000000000000000000000000000f9f69e42f0100000000ff0000000200
            3130303100000000000000000000000000000000000000000400bee42f0507000000ff000000
            """)
        let log = try AttendanceLog(decoding: blob, counts: 3...3)
        #expect(log.layout == .text(stride: 40))
        #expect(log.map(\.identifier) == ["1", "1001", "1001"])
        #expect(
            log.map(\.time.description) == [
                "2024-02-29T08:30:15", "2024-12-31T17:59:59", "2025-01-01T00:00:00",
            ])
        #expect(log.map(\.verify) == [1, 15, 4])
        #expect(log.map(\.state) == [0, 1, 5])
        #expect(log.map(\.workCode) == [0, 0, 7])
        #expect(AttendanceLog.encode(log, log.layout) == blob)
    }

    @Test func `16-byte rows are read and written byte for byte`() throws {
        let blob = hex(
            """
            30000000010000001790482e0100000000000000e90300009f69e42f0f01000000000000e903000000bee4
            2f0405000007000000
            """)
        let log = try AttendanceLog(decoding: blob, counts: 3...3)
        #expect(log.layout == .bytes16)
        #expect(log.map(\.identifier) == ["1", "1001", "1001"])
        #expect(log.map(\.workCode) == [0, 0, 7])
        #expect(log.map(\.state) == [0, 1, 5])
        #expect(AttendanceLog.encode(log, log.layout) == blob)
    }

    @Test func `the 8-byte rows of a ZEM500 are told from the usual ones`() throws {
        let blob = hex("18000000 07002800a8eba71e 7b0028004beca71e 7b0028004eeca71e")
        let log = try AttendanceLog(
            decoding: blob, counts: 3...3, notAfter: time("2016-01-02T00:00:00"))
        #expect(log.layout == .bytes8Flags)
        #expect(log.map(\.identifier) == ["#7", "#123", "#123"])
        #expect(log[0].time == (try time("2016-01-01T19:02:00")))
        #expect(log.map(\.verify) == [1, 1, 1])
        #expect(log.map(\.state) == [0, 0, 0])
        #expect(AttendanceLog.encode(log, log.layout) == blob)
    }

    @Test func `the usual 8-byte rows are kept as they are`() throws {
        let records = try (0..<50).map { row in
            AttendanceRecord(
                index: UInt16(row + 1), userID: "",
                time: try time("2024-03-\(10 + row / 4)T08:\(10 + row):00"), state: 1, verify: 15)
        }
        let blob = AttendanceLog.encode(records, .bytes8)
        let log = try AttendanceLog(
            decoding: blob, counts: 50...50, notAfter: time("2024-12-31T00:00:00"))
        #expect(log.layout == .bytes8)
        #expect(Array(log) == records)
    }

    @Test(arguments: [36, 40, 44, 49, 52])
    func `rows of other firmware are read by the length that the count gives`(stride: Int) throws {
        let record = AttendanceRecord(
            index: 3, userID: "0042", time: try time("2024-02-29T08:00:00"), state: 4, verify: 25)
        let blob = AttendanceLog.encode([record, record], .text(stride: stride))
        let log = try AttendanceLog(decoding: blob, counts: 2...2)
        #expect(log.layout == .text(stride: stride))
        #expect(Array(log) == [record, record])
    }

    @Test func `a date that no calendar has is a row like any other`() throws {
        let record = AttendanceRecord(
            index: 3, userID: "0042", time: try time("2024-02-31T08:00:00"), state: 4, verify: 25)
        for stride in [16, 22, 36, 40, 49] {
            let layout = try #require(AttendanceLayout(stride: stride))
            let blob = AttendanceLog.encode([record, record], layout)
            let log = try AttendanceLog(decoding: blob, counts: 2...2)
            #expect(log.map(\.time) == [record.time, record.time])
            #expect(!log[0].time.isRealDate)
        }
    }

    @Test func `a row that came during the read does not change the layout`() throws {
        let record = AttendanceRecord(
            index: 3, userID: "42", time: try time("2024-02-01T08:00:00"), state: 0, verify: 1)
        for stride in [8, 16, 40, 49] {
            let layout = try #require(AttendanceLayout(stride: stride))
            let rows = Array(repeating: record, count: 11)
            let log = try AttendanceLog(
                decoding: AttendanceLog.encode(rows, layout), counts: 10...12)
            #expect(log.count == 11)
            #expect(log.layout.stride == stride)
        }
    }

    @Test func `without a count the layout follows from the rows`() throws {
        for stride in [16, 22, 36, 40, 49] {
            let layout = try #require(AttendanceLayout(stride: stride))
            let rows = try (0..<9 * 40).map { row in
                AttendanceRecord(
                    index: UInt16(row), userID: "\(1000 + row)",
                    time: try time("2024-02-01T08:00:00"), state: 0, verify: 1)
            }
            let log = try AttendanceLog(
                decoding: AttendanceLog.encode(rows, layout), counts: nil)
            #expect(log.layout == layout)
            #expect(log.map(\.userID) == rows.map(\.userID))
        }
    }

    @Test func `a log whose length does not add up is refused`() throws {
        let record = AttendanceRecord(
            index: 3, userID: "42", time: try time("2024-02-01T08:00:00"), state: 0, verify: 1)
        let blob = AttendanceLog.encode([record, record, record], .text(stride: 40))
        for cut in 0..<blob.count {
            #expect(throws: FormatError.self) {
                try AttendanceLog(decoding: Array(blob[..<cut]), counts: 3...3)
            }
        }
        // The number of rows is none that the device had.
        #expect(throws: FormatError.self) {
            try AttendanceLog(decoding: blob, counts: 7...9)
        }
    }
}

@Suite struct EventTests {
    static let frames = [
        "5050827d14000000f401cde001000000e9030000010018021d081e0f",
        """
        5050827d28000000f401558301000000313030310000000000000000000000000000000000000000
        010018021d081e0f
        """,
        """
        5050827d3c000000f4014782010000003130303100000000000000000000000000000000000000000f
        0118021d081e0f0000000000000000000000000000000000000000
        """,
        """
        5050827D28000000F401AC12010000003939393131313333330000000000000000000000000000000100
        120619112905
        """,
    ]

    @Test func `captured punches are read and written byte for byte`() throws {
        let expected: [(String, UInt8, UInt8, String, EventLayout)] = [
            ("1001", 0, 1, "2024-02-29T08:30:15", .bytes12),
            ("1001", 0, 1, "2024-02-29T08:30:15", .bytes32),
            ("1001", 1, 15, "2024-02-29T08:30:15", .bytes52),
            ("999111333", 0, 1, "2018-06-25T17:41:05", .bytes32),
        ]
        for (frame, (user, state, verify, at, layout)) in zip(EventTests.frames, expected) {
            let packet = try #require(try packets(hex(frame)).first)
            let record = AttendanceRecord(
                userID: user, time: try time(at), state: state, verify: verify)
            #expect(LiveEvent(packet) == .punch(record))
            #expect(record.event(layout) == packet.data)
        }
    }

    @Test(arguments: EventLayout.allCases)
    func `a punch survives every form`(layout: EventLayout) throws {
        let onlyIndex = layout == .bytes10 || layout == .bytes14
        let record = AttendanceRecord(
            index: onlyIndex ? 7 : 0, userID: onlyIndex ? "" : "1001",
            time: try time("2026-11-23T01:02:03"), state: 4, verify: 15)
        let data = try #require(record.event(layout))
        #expect(data.count == layout.rawValue)
        let packet = Packet(.event, session: 1, reply: 0, data: data)
        #expect(LiveEvent(packet) == .punch(record))
    }

    @Test func `events of every length and kind are taken`() {
        for count in 0...120 {
            for kind in [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 0xFFFF] as [UInt16] {
                for fill in [0, 1, 0x31, 0x7F, 0xFF] as [UInt8] {
                    let data = [UInt8](repeating: fill, count: count)
                    let event = LiveEvent(Packet(.event, session: kind, reply: 0, data: data))
                    // What has no known form keeps its bytes.
                    if case .other(let found, let bytes) = event {
                        #expect(found.rawValue == kind)
                        #expect(bytes == data)
                    } else {
                        #expect([1, 2, 4, 8, 16, 32, 128, 256, 512].contains(kind))
                    }
                }
            }
        }
    }
}

@Suite struct SizesAndOptionTests {
    @Test func `free sizes are read and written byte for byte`() throws {
        let packet = try #require(
            try packets(
                hex(
                    """
                    5050827d64000000d0074b18b2a11b00000000000000000000000000000000000200000000000000
                    0200000000000000030000000000000000100000000000000100000000000000b80b0000e8030000
                    a0860100b60b0000e60300009d860100030000000000000090010000
                    """)
            ).first)
        var sizes = try FreeSizes(decoding: packet.data)
        #expect(sizes.users == 2)
        #expect(sizes.records == 3)
        #expect(sizes.recordCapacity == 100_000)
        #expect(sizes.faceCapacity == 400)
        #expect(sizes.encoded() == packet.data)
        sizes = try FreeSizes(decoding: Array(packet.data.prefix(80)))
        #expect(sizes.records == 3)
        #expect(try FreeSizes(decoding: [1, 0, 0, 0]).records == nil)
        #expect(try FreeSizes(decoding: packet.data + Array(repeating: 9, count: 20)).users == 2)
        for cut in 5..<80 {
            #expect(throws: FormatError.self) {
                try FreeSizes(decoding: Array(packet.data.prefix(cut)))
            }
        }
        var negative = packet.data
        negative.put(u32: .max, at: 32)
        #expect(throws: FormatError.self) { try FreeSizes(decoding: negative) }
    }

    @Test func `an option is read with and without its NUL`() throws {
        #expect(try DeviceOption(decoding: Array("A=b=c\0".utf8)).value == "b=c")
        #expect(try DeviceOption(decoding: Array("A=".utf8)).value == "")
        #expect(throws: FormatError.self) { try DeviceOption(decoding: Array("A".utf8)) }
        #expect(throws: FormatError.self) { try DeviceOption(decoding: []) }
    }

    @Test func `short answers to bulk reads are refused`() {
        for count in 0..<40 {
            let data = [UInt8](repeating: 0xFF, count: count)
            if count != 11 {
                #expect(throws: FormatError.self) { try BulkSelector(decoding: data) }
            }
            if count < 5 {
                #expect(throws: FormatError.self) { try PreparedBuffer(decoding: data) }
            }
            if count < 4 {
                #expect(throws: FormatError.self) { try PreparedData(decoding: data) }
            }
            #expect(throws: FormatError.self) { try BufferSlice(decoding: data) }
        }
    }
}
