import MeshAPI
import TestSchemas
import TestSupport
import Testing

@testable import RPCRuntime

/// Bytes that no honest peer sends: refused with a reason, never a trap.
@Suite struct CodecHostileTests {
    static let refused: [([UInt8], DecodingFailure)] = [
        ([0x08], .init(.truncated, offset: 0, field: 1)),
        ([0x80], .init(.truncated, offset: 0)),
        ([0x35, 0, 0, 0], .init(.truncated, offset: 0, field: 6)),
        ([0x39, 0, 0, 0, 0, 0, 0, 0], .init(.truncated, offset: 0, field: 7)),
        ([0x08, 0x01, 0x42, 0x05, 0x61], .init(.truncated, offset: 2, field: 8)),
        // Lengths of 2^63 - 1, 2^64 - 1: larger than anything, and negative as an Int.
        (
            [0x42, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
            .init(.truncated, offset: 0, field: 8)
        ),
        (
            [0x4A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            .init(.truncated, offset: 0, field: 9)
        ),
        ([0xC5, 0x3E, 0], .init(.truncated, offset: 0, field: 1000)),
        // Eleven bytes, and ten with more than 64 bits.
        (
            [0x10] + [UInt8](repeating: 0x80, count: 10) + [0x01],
            .init(.varintTooLong, offset: 0, field: 2)
        ),
        (
            [0x10] + [UInt8](repeating: 0xFF, count: 9) + [0x02],
            .init(.varintTooLong, offset: 0, field: 2)
        ),
        ([0x00, 0x01], .init(.invalidTag, offset: 0)),
        ([0x07], .init(.invalidTag, offset: 0)),
        ([0x0E, 0x00], .init(.invalidTag, offset: 0, field: 1)),
        ([0x0F, 0x00], .init(.invalidTag, offset: 0, field: 1)),
        ([0x80, 0x80, 0x80, 0x80, 0x10, 0x00], .init(.invalidTag, offset: 0)),
        ([0xC4, 0x3E], .init(.unbalancedGroup, offset: 0, field: 1000)),
        ([0xC3, 0x3E, 0xCC, 0x3E], .init(.unbalancedGroup, offset: 2, field: 1001)),
        ([0xC3, 0x3E, 0x08, 0x01], .init(.truncated, offset: 0, field: 1000)),
        ([0x42, 0x02, 0xC3, 0x28], .init(.invalidUTF8, offset: 0, field: 8)),
        // A surrogate, and a zero in two bytes.
        ([0x42, 0x03, 0xED, 0xA0, 0x80], .init(.invalidUTF8, offset: 0, field: 8)),
        ([0x42, 0x02, 0xC0, 0x80], .init(.invalidUTF8, offset: 0, field: 8)),
        (
            [0x42, 0x41] + [UInt8](repeating: 0x61, count: 65),
            .init(.tooLong(length: 65, limit: 64), offset: 0, field: 8)
        ),
        (
            [0x4A, 0x41] + [UInt8](repeating: 0x61, count: 65),
            .init(.tooLong(length: 65, limit: 64), offset: 0, field: 9)
        ),
        // The packed list ends in the middle of an element.
        ([0xB2, 0x06, 0x01, 0x80, 0x01], .init(.truncated, offset: 0, field: 102)),
        ([0xD2, 0x06, 0x03, 0, 0, 0, 0], .init(.truncated, offset: 0, field: 106)),
    ]

    @Test(arguments: refused)
    func `malformed bytes are refused with place and reason`(
        _ bytes: [UInt8], _ expected: DecodingFailure
    ) throws {
        var expected = expected
        expected.message = "biometricflow.test.v1.Everything"
        #expect(throws: expected) { try Everything(decoding: bytes) }
    }

    @Test func `a nested message cannot read beyond its length`() throws {
        // The inner string claims four bytes; its message has three, the outer one more.
        let bytes: [UInt8] = [0x6A, 0x03, 0x1A, 0x04, 0x61, 0x62, 0x63, 0x64]
        let error = try #require(throws: DecodingFailure.self) {
            try Everything(decoding: bytes)
        }
        #expect(error.message == "biometricflow.test.v1.Leaf")
        #expect(error.reason == .truncated && error.field == 3 && error.offset == 2)
        #expect(
            error.description == "field 3 of biometricflow.test.v1.Leaf, at byte 2: "
                + "the bytes end before the value does")
    }

    @Test func `a list has at most as many elements as the schema says`() throws {
        let element: [UInt8] = [0xE2, 0x06, 0x00]
        let full = [UInt8]((0..<100).flatMap { _ in element })
        #expect(try Everything(decoding: full).strings.count == 100)
        let error = try #require(throws: DecodingFailure.self) {
            try Everything(decoding: full + element)
        }
        #expect(error.reason == .tooMany(limit: 100))
        let packed = [0xB2, 0x06, 0xE9, 0x07] + [UInt8](repeating: 0, count: 1001)
        let other = try #require(throws: DecodingFailure.self) {
            try Everything(decoding: packed)
        }
        #expect(other.reason == .tooMany(limit: 1000))
    }

    /// Messages or groups, one in the other.
    private func nested(_ depth: Int, _ wrap: ([UInt8]) -> [UInt8]) -> [UInt8] {
        (0..<depth).reduce([]) { inner, _ in wrap(inner) }
    }

    @Test func `nesting has a limit, for messages and for unknown groups`() throws {
        func child(_ inner: [UInt8]) -> [UInt8] {
            var writer = WireWriter([0x92, 0x07])
            writer.varint(UInt64(inner.count))
            writer.unknown(inner)
            return writer.bytes
        }
        func group(_ inner: [UInt8]) -> [UInt8] { [0xC3, 0x3E] + inner + [0xC4, 0x3E] }
        for wrap in [child, group] {
            #expect(throws: Never.self) { try Everything(decoding: nested(64, wrap)) }
            for depth in [65, 20_000] {
                let error = try #require(throws: DecodingFailure.self) {
                    try Everything(decoding: nested(depth, wrap))
                }
                #expect(error.reason == .tooDeep(limit: 64))
            }
        }
    }

    static let samples: [any Message] = [
        Everything(
            aBool: true, anInt32: -5, aFloat: 2.5, aDouble: 1e300, aString: "häh", someBytes: [9],
            aTimestamp: .max, aDuration: .milliseconds(-1500), aMood: .sad,
            aLeaf: Leaf(third: "x", first: 300), maybeInt64: 0, maybeLeaf: Leaf(),
            int32s: [1, -1], strings: ["a", ""], timestamps: [.min], leaves: [Leaf(first: 1)],
            children: [Everything(children: [Everything(anInt32: 1)])], last: 5),
        LogEntry(
            sequence: 7, committedAt: Timestamp.max,
            punch: Punch(
                device: "CKJA1", user: "12", localTime: "2026-03-01T07:58:13", state: 255,
                source: .live, receivedAt: .min, instant: Timestamp())),
    ]

    private func decode(_ type: any Message.Type, _ bytes: [UInt8]) -> [UInt8]? {
        try? type.init(decoding: bytes).encoded()
    }

    @Test(arguments: samples)
    func `every cut of a message is refused or is a message`(_ sample: any Message) throws {
        let bytes = sample.encoded()
        for count in 0..<bytes.count {
            // A cut between two fields is a message again, and then it is written as it was.
            if let again = decode(type(of: sample), Array(bytes.prefix(count))) {
                #expect(again == Array(bytes.prefix(count)))
            }
        }
    }

    @Test(arguments: samples)
    func `every flipped bit gives an error or a message that can be written`(
        _ sample: any Message
    ) throws {
        let bytes = sample.encoded()
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                if let again = decode(type(of: sample), changed) {
                    // What was written is read again as the same.
                    #expect(decode(type(of: sample), again) == again)
                }
            }
        }
    }

    @Test func `random bytes never trap`() {
        var random = SplitMix(seed: 42)
        var accepted = 0
        for _ in 0..<20_000 {
            let count = Int(random.next() % 60)
            let bytes = (0..<count).map { _ in
                // Small bytes make likelier tags and lengths.
                UInt8(truncatingIfNeeded: random.next() >> (random.next() % 2 == 0 ? 0 : 60))
            }
            if decode(Everything.self, bytes) != nil { accepted += 1 }
        }
        #expect(accepted > 0)
    }
}
