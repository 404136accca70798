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
    /// The number of the field being read; 0 before the first.
    @usableFromInline var field: UInt32
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
        field = 0
        depth = 0
        long = nil
    }

    @usableFromInline
    func failure(_ reason: DecodingFailure.Reason) -> DecodingFailure {
        DecodingFailure(reason, offset: fieldStart, field: field)
    }

    // MARK: Fields

    /// The next field's tag (number × 8 + wire type), or nil at the end of the message.
    @inlinable
    public mutating func next(_ bytes: Span<UInt8>) throws(DecodingFailure) -> UInt32? {
        guard position < end else { return nil }
        fieldStart = position
        field = 0
        let tag = try varint(bytes)
        guard tag >= 8, tag <= UInt64(UInt32.max) else { throw failure(.invalidTag) }
        field = UInt32(truncatingIfNeeded: tag >> 3)
        return UInt32(truncatingIfNeeded: tag)
    }

    /// Steps over a field that the schema does not have and keeps its bytes, tag included.
    public mutating func unknown(
        _ bytes: Span<UInt8>, _ tag: UInt32, _ kept: inout [UInt8]
    ) throws(DecodingFailure) {
        let start = fieldStart
        try skip(bytes, tag)
        append(bytes, start..<position, to: &kept)
    }

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
        let outer = (fieldStart, field)
        guard depth < Self.depthLimit else { throw failure(.tooDeep(limit: Self.depthLimit)) }
        depth += 1
        while let inner = try next(bytes) {
            // The end tag of a group is its start tag plus one.
            if inner == tag + 1 {
                depth -= 1
                (fieldStart, field) = outer
                return
            }
            try skip(bytes, inner)
        }
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
        let rest = bytes.extracting(position..<min(end, position &+ 10))
        var value: UInt64 = 0
        var shift: UInt64 = 0
        for index in rest.indices {
            let byte = rest[index]
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 {
                // The tenth byte holds the 64th bit and nothing else.
                if shift == 63, byte > 1 { break }
                position &+= index &+ 1
                return value
            }
            shift &+= 7
        }
        throw failure(rest.count == 10 ? .varintTooLong : .truncated)
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

    @inlinable
    mutating func advance(_ count: Int) throws(DecodingFailure) {
        guard count <= end - position else { throw failure(.truncated) }
        position += count
    }

    @inlinable
    mutating func fixed32(_ bytes: Span<UInt8>) throws(DecodingFailure) -> UInt32 {
        guard end - position >= 4 else { throw failure(.truncated) }
        var value: UInt32 = 0
        for index in 0..<4 {
            value |= UInt32(bytes[position + index]) << UInt32(index * 8)
        }
        position += 4
        return value
    }

    @inlinable
    mutating func fixed64(_ bytes: Span<UInt8>) throws(DecodingFailure) -> UInt64 {
        guard end - position >= 8 else { throw failure(.truncated) }
        var value: UInt64 = 0
        for index in 0..<8 {
            value |= UInt64(bytes[position + index]) << UInt64(index * 8)
        }
        position += 8
        return value
    }

    @inlinable
    func append(_ bytes: Span<UInt8>, _ range: Range<Int>, to array: inout [UInt8]) {
        // Appending nothing to an empty array writes to the one that all empty arrays share.
        if range.isEmpty { return }
        array.append(addingCapacity: range.count) { output in
            for index in range { output.append(bytes[index]) }
        }
    }

    /// Runs `body` with the reader confined to the next length-delimited value.
    @inlinable
    mutating func inside(
        _ bytes: Span<UInt8>,
        _ body: (inout WireReader) throws(DecodingFailure) -> Void
    ) throws(DecodingFailure) {
        let range = try delimited(bytes)
        guard depth < Self.depthLimit else { throw failure(.tooDeep(limit: Self.depthLimit)) }
        let outerEnd = end
        end = range.upperBound
        depth += 1
        try body(&self)
        depth -= 1
        end = outerEnd
        position = range.upperBound
    }
}
