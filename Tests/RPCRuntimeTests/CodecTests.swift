import TestSchemas
import Testing

@testable import RPCRuntime

/// docs/IDL.md, part 6: the wire form.
@Suite struct CodecTests {
    /// Written by hand from protobuf's rules, not by any program.
    static let known: [([UInt8], Everything)] = [
        ([], Everything()),
        ([0x08, 0x01], Everything(aBool: true)),
        ([0x10, 0x96, 0x01], Everything(anInt32: 150)),
        (
            [0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            Everything(anInt32: -1)
        ),
        ([0x20, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], Everything(aUint32: .max)),
        ([0x35, 0x00, 0x00, 0xC0, 0x3F], Everything(aFloat: 1.5)),
        ([0x39, 0, 0, 0, 0, 0, 0, 0, 0x80], Everything(aDouble: -0.0)),
        ([0x42, 0x02, 0x68, 0x69], Everything(aString: "hi")),
        ([0x4A, 0x01, 0x00], Everything(someBytes: [0])),
        ([0x60, 0x2A], Everything(aMood: .unrecognized(42))),
        ([0x6A, 0x02, 0x08, 0x07], Everything(aLeaf: Leaf(first: 7))),
        ([0x80, 0x01, 0x00], Everything(maybeBool: false)),
        ([0xBA, 0x01, 0x00], Everything(maybeString: "")),
        ([0xE2, 0x01, 0x00], Everything(maybeLeaf: Leaf())),
        ([0xB2, 0x06, 0x03, 0x96, 0x01, 0x00], Everything(int32s: [150, 0])),
        ([0xE2, 0x06, 0x00], Everything(strings: [""])),
        ([0x8A, 0x07, 0x00], Everything(leaves: [Leaf()])),
        ([0xF8, 0xFF, 0xFF, 0xFF, 0x0F, 0x01], Everything(last: 1)),
    ]

    @Test(arguments: known)
    func `known bytes and their value turn into each other`(_ bytes: [UInt8], _ value: Everything)
        throws
    {
        #expect(value.encoded() == bytes)
        #expect(try Everything(decoding: bytes) == value)
    }

    @Test func `a number of any length is written seven bits a byte and read again`() throws {
        let powers = (0..<64).map { UInt64(1) << UInt64($0) }
        for value in powers.flatMap({ [$0 - 1, $0, $0 + 1, $0 | 0x55, ~$0] }) + [.max] {
            var expected: [UInt8] = []
            var rest = value
            while rest >= 0x80 {
                expected.append(UInt8(rest & 0x7F) | 0x80)
                rest >>= 7
            }
            expected.append(UInt8(rest))
            var writer = WireWriter()
            writer.varint(value)
            #expect(writer.bytes == expected)
            var reader = WireReader(expected.span)
            #expect(try reader.varint(expected.span) == value)
            #expect(reader.position == expected.count)
        }
    }

    @Test func `fields are written in the order of their numbers`() {
        let leaf = Leaf(third: "c", first: 1)
        #expect(leaf.encoded() == [0x08, 0x01, 0x1A, 0x01, 0x63])
    }

    @Test(arguments: [0, 1, 126, 127, 128, 129, 16_382, 16_383, 16_384, 2_097_152])
    func `a nested message of any length has the shortest length before it`(_ size: Int) throws {
        // The value's own head counts too, so the sizes around each border are all met.
        var writer = WireWriter([0xAA])
        writer.field(1, "raw", Raw(bytes: [UInt8](repeating: 0x5A, count: size)))
        var length = WireWriter()
        length.varint(UInt64(size))
        let expected = size == 0 ? [0xAA] : [0xAA, 0x0A] + length.bytes
        #expect(Array(writer.bytes.prefix(expected.count)) == expected)
        #expect(writer.bytes.count == expected.count + size)
        #expect(writer.bytes.dropFirst(expected.count).allSatisfy { $0 == 0x5A })
    }

    @Test func `the last of several plain values wins`() throws {
        let bytes: [UInt8] = [0x10, 0x01, 0x42, 0x01, 0x61, 0x10, 0x02, 0x42, 0x01, 0x62]
        #expect(try Everything(decoding: bytes) == Everything(anInt32: 2, aString: "b"))
    }

    @Test func `a message that comes in pieces is merged`() throws {
        let bytes: [UInt8] = [
            0x6A, 0x02, 0x08, 0x07, 0x6A, 0x03, 0x1A, 0x01, 0x63,
            0xE2, 0x01, 0x02, 0x08, 0x07, 0xE2, 0x01, 0x03, 0x1A, 0x01, 0x63,
        ]
        let leaf = Leaf(third: "c", first: 7)
        #expect(try Everything(decoding: bytes) == Everything(aLeaf: leaf, maybeLeaf: leaf))
    }

    @Test func `a list of numbers is read packed, one by one and mixed`() throws {
        let bytes: [UInt8] = [
            0xB0, 0x06, 0x01, 0xB2, 0x06, 0x02, 0x02, 0x03, 0xB0, 0x06, 0x04,
            0xD2, 0x06, 0x04, 0x00, 0x00, 0xC0, 0x3F, 0xD5, 0x06, 0x00, 0x00, 0x80, 0x3F,
        ]
        #expect(
            try Everything(decoding: bytes) == Everything(int32s: [1, 2, 3, 4], floats: [1.5, 1]))
    }

    @Test func `unknown fields of every kind are kept in order behind the known ones`() throws {
        let unknown: [UInt8] = [
            0xC0, 0x3E, 0x05,  // 1000: a varint
            0xC1, 0x3E, 1, 2, 3, 4, 5, 6, 7, 8,
            0xBB, 0x3E, 0x08, 0x01, 0x13, 0x14, 0xBC, 0x3E,  // 999: a group with a group in it
            0xC2, 0x3E, 0x02, 0x08, 0x01,
            0xC5, 0x3E, 1, 2, 3, 4,
        ]
        let bytes = Array(unknown.prefix(13)) + [0x08, 0x01] + Array(unknown.dropFirst(13))
        let message = try Everything(decoding: bytes)
        #expect(message.unknownFields == unknown)
        #expect(message.encoded() == [0x08, 0x01] + unknown)
    }

    @Test func `a known number with another wire type is an unknown field`() throws {
        let bytes: [UInt8] = [0x0D, 1, 2, 3, 4, 0x45, 9, 9, 9, 9]
        let message = try Everything(decoding: bytes)
        #expect(!message.aBool && message.aString.isEmpty)
        #expect(message.encoded() == bytes)
    }

    @Test func `a varint longer than it must be is read and written short`() throws {
        let message = try Everything(decoding: [0x90, 0x80, 0x00, 0x85, 0x80, 0x00])
        #expect(message == Everything(anInt32: 5))
        #expect(message.encoded() == [0x10, 0x05])
    }

    @Test func `an enum keeps numbers that the schema does not name`() {
        #expect(Mood(rawValue: -1) == .sad)
        #expect(Mood(rawValue: 9) == .unrecognized(9))
        #expect(Mood(rawValue: 9).rawValue == 9)
        #expect(Mood() == .fine)
    }

    @Test func `a writer appends to the array it was given`() {
        var writer = WireWriter([1, 2])
        writer.field(1, "number", UInt32(3))
        #expect(writer.bytes == [1, 2, 8, 3])
    }

    @Test func `a reader reads only its part of the bytes`() throws {
        let bytes: [UInt8] = [0xFF, 0x08, 0x01, 0xFF]
        var reader = WireReader(bytes.span, in: 1..<3)
        var message = Everything()
        try message.decode(from: bytes.span, &reader)
        #expect(message == Everything(aBool: true))
    }
}

/// A message that is exactly some bytes.
private struct Raw: Message {
    var bytes: [UInt8] = []

    init() {}
    init(bytes: [UInt8]) { self.bytes = bytes }

    static var typeName: String { "test.Raw" }
    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) { writer.unknown(bytes) }
    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.rest(bytes, &self.bytes)
    }
}
