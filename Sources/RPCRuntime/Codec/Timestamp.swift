import Spans

/// An instant: seconds and nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// The range is years 1 to 9999. Its wire form is protobuf's `google.protobuf.Timestamp`.
public struct Timestamp: Sendable, Hashable {
    /// Whole seconds, rounded down.
    public private(set) var seconds: Int64
    /// 0...999,999,999, counted forward also before 1970.
    public private(set) var nanoseconds: Int32

    /// 1970-01-01T00:00:00Z.
    public init() {
        seconds = 0
        nanoseconds = 0
    }

    /// Nil outside years 1 to 9999, or when the nanoseconds are not part of a second.
    public init?(seconds: Int64, nanoseconds: Int32 = 0) {
        guard Self.secondsRange.contains(seconds), (0...999_999_999).contains(nanoseconds)
        else { return nil }
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
    public static let secondsRange: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    /// The first instant there is.
    public static let min = Timestamp(checked: secondsRange.lowerBound, 0)
    /// The last instant there is.
    public static let max = Timestamp(checked: secondsRange.upperBound, 999_999_999)

    private init(checked seconds: Int64, _ nanoseconds: Int32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Nil outside the range.
    public init?(millisecondsSince1970 milliseconds: Int64) {
        let (seconds, rest) = Self.floorDivide(milliseconds, 1000)
        self.init(seconds: seconds, nanoseconds: Int32(truncatingIfNeeded: rest * 1_000_000))
    }

    /// Whole milliseconds, rounded down.
    public var millisecondsSince1970: Int64 { seconds * 1000 + Int64(nanoseconds / 1_000_000) }

    /// The instant `duration` later, or the nearest end of the range.
    public func advanced(by duration: Duration) -> Timestamp {
        let parts = duration.components
        let nanoseconds = Int64(nanoseconds) + parts.attoseconds / 1_000_000_000
        let (carry, rest) = Self.floorDivide(nanoseconds, 1_000_000_000)
        let (sum, overflow) = seconds.addingReportingOverflow(parts.seconds)
        guard !overflow, let whole = sum.adding(carry) else {
            return parts.seconds < 0 ? .min : .max
        }
        let end: Timestamp = whole < Self.secondsRange.lowerBound ? .min : .max
        return Timestamp(seconds: whole, nanoseconds: Int32(truncatingIfNeeded: rest)) ?? end
    }

    /// How much later this instant is than `other`.
    public func since(_ other: Timestamp) -> Duration {
        .seconds(seconds - other.seconds)
            + .nanoseconds(Int64(nanoseconds) - Int64(other.nanoseconds))
    }

    @inline(__always)
    static func floorDivide(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? (quotient - 1, rest + divisor) : (quotient, rest)
    }
}

extension Int64 {
    fileprivate func adding(_ other: Int64) -> Int64? {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? nil : sum
    }
}

extension Timestamp: Comparable {
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }
}

extension Timestamp: Message {
    public static var typeName: String { "google.protobuf.Timestamp" }

    @inlinable
    public func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "seconds", seconds)
        writer.field(2, "nanos", nanoseconds)
    }

    /// Merges in what the bytes have; unknown fields are dropped, there being none.
    @inline(__always)
    public mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.field(bytes, 1, "seconds", &seconds)
        try reader.field(bytes, 2, "nanos", &nanoseconds)
        try reader.rest(bytes)
    }

    private var isInRange: Bool {
        Self.secondsRange.contains(seconds) && (0...999_999_999).contains(nanoseconds)
    }

    /// Whatever an error while reading has left here.
    @inlinable
    public func measure(_ size: inout WireSize) { size.add(23) }

    @inline(__always)
    public mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        if let usual = reader.usualTimestamp(bytes, self) { return self = usual }
        while try reader.more(bytes) { try read(from: bytes, &reader) }
        guard isInRange else { throw reader.failure(.outOfRange) }
    }
}

extension WireReader {
    /// A timestamp that is as nearly all are written, seconds and then, unless they are those of
    /// `before`, nanoseconds; nil, having moved nowhere, for any other, and near the end of the bytes.
    @inline(__always)
    mutating func usualTimestamp(_ bytes: Span<UInt8>, _ before: Timestamp) -> Timestamp? {
        guard end &- position >= 2, bytes[position] == 1 << 3,
            let first = bytes.word(at: position &+ 1)
        else { return nil }
        var (bits, count) = Self.varint(in: first)
        let seconds = Int64(truncatingIfNeeded: bits)
        var nanoseconds = before.nanoseconds
        var next = position &+ 1 &+ count
        if count <= 8, next < end {
            guard bytes[next] == 2 << 3, let second = bytes.word(at: next &+ 1) else { return nil }
            (bits, count) = Self.varint(in: second)
            nanoseconds = Int32(truncatingIfNeeded: bits)
            next &+= 1 &+ count
        }
        guard count <= 8, next == end else { return nil }
        let value = Timestamp(seconds: seconds, nanoseconds: nanoseconds)
        if value != nil { position = end }
        return value
    }
}
