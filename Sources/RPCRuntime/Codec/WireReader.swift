import Spans

/// A cursor over bytes in the wire format.
///
/// The bytes are passed beside it, the same at every call, because a span cannot be stored.
/// Nothing it reads is believed: each length is compared with what is left before it is used.
@frozen
public struct WireReader: Sendable {
    /// Messages and groups may stand inside one another this deep.
    public static var depthLimit: Int { 64 }

    /// The index of the next byte.
    @usableFromInline var position: Int
    /// The index behind the last byte of the message being read.
    @usableFromInline var end: Int
    /// The index of the first byte of the field being read.
    @usableFromInline var fieldStart: Int
    /// The tag of the field being read; 0 before the first and behind the last.
    @usableFromInline var tag: UInt32
    /// Whether a field has been read since ``more(_:)`` was asked.
    @usableFromInline var matched = false
    @usableFromInline var depth: Int
    /// Fields whose bytes stand elsewhere, if there are such.
    @usableFromInline var long: LongFields?

    /// Reads all of `bytes`.
    @inlinable
    public init(_ bytes: Span<UInt8>) { self.init(bytes, in: 0..<bytes.count) }

    /// Reads a part of `bytes`; the range must lie within them.
    @inlinable
    public init(_ bytes: Span<UInt8>, in range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        position = range.lowerBound
        end = range.upperBound
        fieldStart = range.lowerBound
        tag = 0
        depth = 0
        long = nil
    }

    /// An error at the field being read.
    public func failure(_ reason: DecodingFailure.Reason) -> DecodingFailure {
        DecodingFailure(reason, offset: fieldStart, field: tag >> 3)
    }

    // MARK: Fields

    /// The next field's tag (number × 8 + wire type), or nil at the end of the message.
    @inlinable @inline(__always)
    public mutating func next(_ bytes: Span<UInt8>) throws(DecodingFailure) -> UInt32? {
        tag = 0
        guard position < end else { return nil }
        fieldStart = position
        let wide = try varint(bytes)
        guard wide >= 8, wide <= UInt64(UInt32.max) else { throw failure(.invalidTag) }
        tag = UInt32(truncatingIfNeeded: wide)
        return tag
    }

    @usableFromInline
    mutating func skip(_ bytes: Span<UInt8>, _ tag: UInt32) throws(DecodingFailure) {
        switch WireType(rawValue: UInt8(truncatingIfNeeded: tag & 7)) {
        case .varint: _ = try varint(bytes)
        case .fixed64: try advance(8)
        case .fixed32: try advance(4)
        case .delimited: position = try delimited(bytes).upperBound
        case .groupStart: try skipGroup(bytes, tag)
        case .groupEnd: throw failure(.unbalancedGroup)
        case nil: throw failure(.invalidTag)
        }
    }

    /// Steps over a group, whose end is the tag of the same number.
    private mutating func skipGroup(_ bytes: Span<UInt8>, _ tag: UInt32) throws(DecodingFailure) {
        let outer = (fieldStart, self.tag)
        guard depth < Self.depthLimit else { throw failure(.tooDeep(limit: Self.depthLimit)) }
        depth += 1
        while let inner = try next(bytes) {
            // The end tag of a group is its start tag plus one.
            if inner == tag + 1 {
                depth -= 1
                (fieldStart, self.tag) = outer
                return
            }
            try skip(bytes, inner)
        }
        (fieldStart, self.tag) = outer
        throw failure(.truncated)
    }

    // MARK: Elements of the format

    /// Reads a number of seven bits a byte, lowest first.
    @inlinable @inline(__always)
    public mutating func varint(_ bytes: Span<UInt8>) throws(DecodingFailure) -> UInt64 {
        guard position < end else { throw failure(.truncated) }
        let first = bytes[position]
        if first < 0x80 {
            position &+= 1
            return UInt64(first)
        }
        return try longVarint(bytes)
    }

    @usableFromInline
    mutating func longVarint(_ bytes: Span<UInt8>) throws(DecodingFailure) -> UInt64 {
        guard let word = bytes.word(at: position) else { return try varintByBytes(bytes) }
        let (value, count) = Self.varint(in: word)
        guard count <= 8, count <= end &- position else { return try varintByBytes(bytes) }
        position &+= count
        return value
    }

    /// The varint that a word begins with; of more bytes than the word has where it does not end in it.
    @inline(__always)
    static func varint(in word: UInt64) -> (value: UInt64, count: Int) {
        let last = ~word & 0x8080_8080_8080_8080
        // Up to the last byte, of each its seven bits, moved together in three steps.
        var value = word & (last ^ (last &- 1)) & 0x7F7F_7F7F_7F7F_7F7F
        value = value & 0x007F_007F_007F_007F | (value & 0x7F00_7F00_7F00_7F00) &>> 1
        value = value & 0x0000_3FFF_0000_3FFF | (value & 0x3FFF_0000_3FFF_0000) &>> 2
        value = value & 0x0000_0000_0FFF_FFFF | (value & 0x0FFF_FFFF_0000_0000) &>> 4
        return (value, last.trailingZeroBitCount &>> 3 &+ 1)
    }

    private mutating func varintByBytes(_ bytes: Span<UInt8>) throws(DecodingFailure) -> UInt64 {
        // At most ten bytes, the first of which has been looked at; one check for all of them.
        let bytes = bytes.extracting(position..<min(end, position &+ 10))
        var value = UInt64(bytes[0] & 0x7F)
        var shift: UInt64 = 7
        for index in 1..<max(1, bytes.count) {
            let byte = bytes[index]
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 {
                // The tenth byte holds the 64th bit and nothing else.
                if shift == 63, byte > 1 { break }
                position &+= index &+ 1
                return value
            }
            shift &+= 7
        }
        throw failure(bytes.count == 10 ? .varintTooLong : .truncated)
    }

    /// Reads a length and checks that as many bytes follow; does not move behind them.
    @inlinable @inline(__always)
    public mutating func delimited(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Range<Int> {
        let length = try varint(bytes)
        guard length <= UInt64(end - position), long == nil || !standsElsewhere else {
            throw failure(.truncated)
        }
        return position..<(position + Int(truncatingIfNeeded: length))
    }

    /// Whether the bytes of the field that begins here stand elsewhere.
    @usableFromInline var standsElsewhere: Bool { long?.field(at: position) != nil }

    mutating func advance(_ count: Int) throws(DecodingFailure) {
        guard count <= end - position else { throw failure(.truncated) }
        position += count
    }

    /// Reads the bits of a number, lowest byte first.
    @inlinable
    mutating func fixed<Bits: FixedWidthInteger>(
        _ bytes: Span<UInt8>
    ) throws(DecodingFailure) -> Bits {
        let count = Bits.bitWidth / 8
        guard end - position >= count else { throw failure(.truncated) }
        var value: Bits = 0
        for index in 0..<count { value |= Bits(bytes[position + index]) << Bits(index * 8) }
        position += count
        return value
    }

    /// Confines the reader to the next length-delimited value; gives ``leave(_:)`` what was outside.
    @inlinable @inline(__always)
    mutating func enter(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Outside {
        let range = try delimited(bytes)
        guard depth < Self.depthLimit else { throw failure(.tooDeep(limit: Self.depthLimit)) }
        let outside = Outside(end: end)
        end = range.upperBound
        depth += 1
        tag = 0
        return outside
    }

    /// Goes on behind a value that the reader was confined to.
    @inlinable @inline(__always)
    mutating func leave(_ outside: Outside) {
        depth -= 1
        position = end
        end = outside.end
    }

    /// What lies outside a value that the reader is confined to.
    @usableFromInline
    struct Outside {
        @usableFromInline let end: Int

        @usableFromInline
        init(end: Int) { self.end = end }
    }

    /// Runs `body` with the reader confined to the next length-delimited value.
    mutating func inside(
        _ bytes: Span<UInt8>,
        _ body: (inout WireReader) throws(DecodingFailure) -> Void
    ) throws(DecodingFailure) {
        let outside = try enter(bytes)
        try body(&self)
        leave(outside)
    }

    // MARK: Values with a length

    /// Reads a string whose bytes of UTF-8 are as many as `limit` allows.
    @usableFromInline
    mutating func string(
        _ bytes: Span<UInt8>, _ limit: ClosedRange<Int>
    ) throws(DecodingFailure) -> String {
        let range = try delimited(bytes)
        try check(range.count, limit)
        position = range.upperBound
        if let text = String(ascii: bytes.extracting(range)) { return text }
        guard let text = try? UTF8Span(validating: bytes.extracting(range)) else {
            throw failure(.invalidUTF8)
        }
        return String(copying: text)
    }

    /// Reads as many bytes as `limit` allows.
    @usableFromInline
    mutating func bytes(
        _ bytes: Span<UInt8>, _ limit: ClosedRange<Int>
    ) throws(DecodingFailure) -> [UInt8] {
        if long != nil, let value = try longField(bytes, limit) { return value }
        let range = try delimited(bytes)
        try check(range.count, limit)
        position = range.upperBound
        return range.isEmpty ? [] : Array(copying: bytes.extracting(range))
    }

    /// The bytes of a field that stand elsewhere; nil, having moved nowhere, when these do not.
    private mutating func longField(
        _ bytes: Span<UInt8>, _ limit: ClosedRange<Int>
    ) throws(DecodingFailure) -> [UInt8]? {
        let start = position
        _ = try varint(bytes)
        guard let value = long?.field(at: position) else {
            position = start
            return nil
        }
        try check(value.count, limit)
        return value
    }
}
