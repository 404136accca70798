/// A UUID: 128 bits, written as 36 characters (RFC 9562).
///
/// It is not called `UUID`, which Foundation has. Its wire form and its JSON form are the text in
/// small letters; it is read in letters of either size.
@frozen
public struct RPCUUID: Sendable, Hashable {
    /// The first eight bytes, as the text has them.
    public var high: UInt64
    /// The last eight bytes.
    public var low: UInt64

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The nil UUID, all of whose bits are zero.
    @inlinable
    public init() { self.init(high: 0, low: 0) }

    /// A random one (version 4).
    public static func random() -> RPCUUID {
        var source = SystemRandomNumberGenerator()
        return RPCUUID(
            high: source.next() & ~0xF000 | 0x4000,
            low: source.next() & ~(0b11 << 62) | 0b10 << 62)
    }

    /// Reads `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`; nil for any other text.
    public init?(_ text: some StringProtocol) {
        let characters = Array(text.utf8.prefix(Self.length + 1))
        self.init(characters.span)
    }

    static var length: Int { 36 }

    init?(_ text: Span<UInt8>) {
        guard text.count == Self.length else { return nil }
        var halves: (UInt64, UInt64) = (0, 0)
        var count = 0
        for index in text.indices {
            let byte = text[index]
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = Self.digit(byte) else { return nil }
            if count < 16 {
                halves.0 = halves.0 << 4 | digit
            } else {
                halves.1 = halves.1 << 4 | digit
            }
            count += 1
        }
        self.init(high: halves.0, low: halves.1)
    }

    private static func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }

    /// Appends the 36 characters.
    func write(to output: inout OutputSpan<UInt8>) {
        for index in 0..<16 {
            if index == 4 || index == 6 || index == 8 || index == 10 {
                output.append(UInt8(ascii: "-"))
            }
            let half = index < 8 ? high : low
            let byte = UInt8(truncatingIfNeeded: half >> UInt64(56 - index % 8 * 8))
            output.append(Self.character(byte >> 4))
            output.append(Self.character(byte & 15))
        }
    }

    private static func character(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }
}

extension RPCUUID: CustomStringConvertible {
    /// The 36 characters.
    public var description: String {
        var text: [UInt8] = []
        text.append(addingCapacity: Self.length) { write(to: &$0) }
        return String(decoding: text, as: UTF8.self)
    }
}

extension RPCUUID: FieldValue {
    @inlinable public static var fieldDefault: RPCUUID { RPCUUID() }
    @inlinable public static var wireType: WireType { .delimited }

    @inlinable
    public func measure(_ size: inout WireSize) { size.add(37) }

    public func encodeValue(into output: inout OutputSpan<UInt8>, _ width: inout Int) {
        output.append(UInt8(Self.length))
        write(to: &output)
    }

    /// An empty string, which is what protobuf has by default, is the nil UUID.
    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout WireReader, _ limit: Unlimited
    ) throws(DecodingFailure) {
        let range = try reader.delimited(bytes)
        if range.isEmpty {
            self = RPCUUID()
        } else if let value = RPCUUID(bytes.extracting(range)) {
            self = value
        } else {
            throw reader.failure(.invalidUUID)
        }
        reader.position = range.upperBound
    }
}
