import Testing

@testable import ZKProtocol

@Suite struct PacketTests {
    /// What clients in use send, and what devices answered them.
    static let exchanges: [(String, Packet)] = [
        ("5050827d08000000e80317fc00000000", Packet(.connect, session: 0, reply: 0)),
        ("5050827d08000000d0077d56b2a10000", Packet(.ok, session: 0xA1B2, reply: 0)),
        ("5050827d08000000eb03605ab2a10200", Packet(.disable, session: 0xA1B2, reply: 2)),
        ("5050827d080000004c04fe59b2a10300", Packet(.version, session: 0xA1B2, reply: 3)),
        (
            "5050827d160000000b003b15b2a104007e53657269616c4e756d62657200",
            Packet(
                .readOption, session: 0xA1B2, reply: 4,
                data: DeviceOption.request("~SerialNumber"))
        ),
        (
            "5050827d24000000d007d985b2a104007e53657269616c4e756d6265723d434558413230343136303132"
                + "3300",
            Packet(
                .ok, session: 0xA1B2, reply: 4,
                data: DeviceOption(name: "~SerialNumber", value: "CEXA204160123").encoded())
        ),
        (
            "5050827d120000000b0001d3b2a105007e506c6174666f726d00",
            Packet(
                .readOption, session: 0xA1B2, reply: 5, data: DeviceOption.request("~Platform"))
        ),
        (
            "5050827d0a0000004500cf0db2a119002050",
            Packet(.pinWidth, session: 0xA1B2, reply: 0x19, data: [0x20, 0x50])
        ),
        (
            "5050827d13000000ffff137bb2a10c007e457874656e64466d7400",
            Packet(
                .unknown, session: 0xA1B2, reply: 12, data: DeviceOption.request("~ExtendFmt"))
        ),
        (
            "5050827d13000000df054c4ab2a121000109000500000000000000",
            Packet(
                .prepareBuffer, session: 0xA1B2, reply: 0x21, data: BulkSelector.users.encoded())
        ),
        (
            "5050827d15000000d0075b2eb2a1210000940000009400000000000000",
            Packet(
                .ok, session: 0xA1B2, reply: 0x21, data: PreparedBuffer(bytes: 0x94).encoded())
        ),
        (
            "5050827d10000000e005b757b2a122000000000094000000",
            Packet(
                .readBuffer, session: 0xA1B2, reply: 0x22,
                data: BufferSlice(start: 0, count: 0x94).encoded())
        ),
        (
            "5050827d10000000dc05bb47b2a122009400000000100000",
            Packet(
                .prepareData, session: 0xA1B2, reply: 0x22,
                data: PreparedData(bytes: 0x94).encoded())
        ),
        (
            "5050827d13000000df05444bb2a12900010d000000000000000000",
            Packet(
                .prepareBuffer, session: 0xA1B2, reply: 0x29,
                data: BulkSelector.attendance.encoded())
        ),
        (
            "5050827d0c000000f401515cb2a1070001000000",
            Packet(.event, session: 0xA1B2, reply: 7, data: EventKind.attendance.encoded())
        ),
        ("5050827d08000000de054c58b2a12300", Packet(.freeData, session: 0xA1B2, reply: 0x23)),
        ("5050827d08000000e9031a5ab2a14a00", Packet(.exit, session: 0xA1B2, reply: 0x4A)),
    ]

    @Test(arguments: exchanges)
    func `a captured frame is read and written byte for byte`(
        frame: String, packet: Packet
    ) throws {
        #expect(try packets(hex(frame)) == [packet])
        #expect(packet.frame() == hex(frame))
    }

    @Test(arguments: [
        "5050827D120000000B00B9E6F38D0C007E506C6174666F726D00",
        "5050827D1D000000D007714CF38D0C007E506C6174666F726D3D5A454D3736305F54465400",
        "5050827D110000000B0084C2F38D0B00576F726B436F646500",
        "5050827D13000000D007828AF38D0B00576F726B436F64653D3000",
        "5050827D110000000C00EBBB84C547004C6F636B4F6E3D3500",
        "5050827D190000000C00602284C54300416E7469506173736261636B4F6E3D3000",
        "5050827D08000000D007F6F702003700",
        "5050827D200000004F00EA79E78445000D008D000000000000000000000000000000000000000000",
        "5050827D28000000D0072FA5126327003000110C110D1125112511251125112511251125"
            + "11251125112511231124A71C",
        "5050827D10000000D007B59312635D000701020000000200",
        "5050827D10000000D00779F1126356004D0800070006008E",
        "5050827d080000000d005094a06b0200",
        "5050827d10000000dc05158aa06b02007c000000f0030000",
        "5050827d10000000dc051baab64a050054050000f8ff0000",
    ])
    func `frames published by others have the checksum that we compute`(frame: String) throws {
        let packet = try #require(try packets(hex(frame)).first)
        #expect(packet.frame() == hex(frame))
    }

    @Test func `an odd last byte counts as a word of its own`() throws {
        let packet = Packet(
            .readOption, session: 0x8DF3, reply: 3, data: Array("ZKFaceVersion\0".utf8))
        #expect(packet.encoded().span.u16(at: 2) == 0x175A)
        let odd = Packet(.ok, session: 0x8DF3, reply: 10, data: [9])
        #expect(odd.encoded().span.u16(at: 2) == 0x6A29)
    }

    @Test func `a stream cut at every byte yields the same packets`() throws {
        let whole = PacketTests.exchanges.flatMap { hex($0.0) }
        let expected = PacketTests.exchanges.map(\.1)
        for size in 1...40 {
            var reader = FrameReader()
            var found: [Packet] = []
            var start = 0
            while start < whole.count {
                let end = min(start + size, whole.count)
                reader.append(Array(whole[start..<end]))
                while let packet = try reader.next() { found.append(packet) }
                start = end
            }
            #expect(found == expected)
        }
    }

    @Test func `every flipped bit of a packet is noticed by the checksum`() throws {
        let bytes = Packet(.ok, session: 0xA1B2, reply: 4, data: Array("~OS=1\0".utf8)).encoded()
        for bit in 0..<bytes.count * 8 {
            var broken = bytes
            broken[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: FormatError.self) { try Packet(decoding: broken) }
        }
    }

    @Test func `a length over the limit is refused before its body arrives`() {
        var reader = FrameReader(bytesMax: 1000)
        reader.append(hex("5050827d e9030000"))
        #expect(throws: FormatError.frameTooLong(length: 1001, limit: 1000)) {
            try reader.next()
        }
        reader = FrameReader()
        reader.append(hex("5050827d ffffffff"))
        #expect(throws: FormatError.frameTooLong(length: 0xFFFF_FFFF, limit: 1 << 20)) {
            try reader.next()
        }
    }

    @Test func `a length below a header is refused`() {
        for length in UInt8(0)..<8 {
            var reader = FrameReader()
            reader.append(hex("5050827d") + [length, 0, 0, 0])
            #expect(throws: FormatError.frameTooShort(length: Int(length))) {
                try reader.next()
            }
        }
    }

    @Test func `another magic number is refused with its first wrong byte`() throws {
        for prefix in ["51", "5051", "505082 7e", "474554 20"] {
            var reader = FrameReader()
            reader.append(hex(prefix))
            #expect(throws: FormatError.magic(hex(prefix))) { try reader.next() }
        }
        var reader = FrameReader()
        reader.append(hex("505083"))
        #expect(try reader.next() == nil)
        reader.append(hex("7c"))
        #expect(throws: FormatError.encrypted) { try reader.next() }
    }
}

@Suite struct CommKeyTests {
    @Test(
        arguments: [
            (0, 0, 50, "617D3279"), (0, 0xA1B2, 50, "617D32D8"), (1, 0x1234, 50, "61FD326B"),
            (1234, 0xA1B2, 50, "413632D8"), (123456, 0x1234, 50, "267F32EB"),
            (123456, 0xFFFF, 50, "297F3206"), (999999, 1, 50, "23813289"),
            (123456, 0x1234, 0, "144D00D9"), (123456, 0x1234, 199, "D38AC71E"),
            // The addition wraps.
            (131071, 0x8000, 50, nil), (65535, 0xFFFF, 50, "9E823286"),
        ] as [(UInt32, UInt16, UInt8, String?)])
    func `a key is scrambled as devices expect`(
        key: UInt32, session: UInt16, tick: UInt8, answer: String?
    ) {
        let scrambled = CommKey.scramble(key, session: session, tick: tick)
        if let answer { #expect(scrambled == hex(answer)) }
        #expect(CommKey.matches(scrambled, key: key, session: session))
        #expect(!CommKey.matches(scrambled, key: key ^ 1, session: session))
        #expect(!CommKey.matches(Array(scrambled.dropLast()), key: key, session: session))
    }
}
