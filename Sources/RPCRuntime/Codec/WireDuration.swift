/// The wire form of a `Duration`: protobuf's `google.protobuf.Duration`.
@usableFromInline
struct WireDuration: Message {
    /// Ten thousand years, which is protobuf's limit.
    static let secondsLimit: Int64 = 315_576_000_000

    @usableFromInline var seconds: Int64 = 0
    /// Of the same sign as the seconds.
    @usableFromInline var nanoseconds: Int32 = 0

    @usableFromInline
    init() {}

    @usableFromInline
    init(_ duration: Duration) {
        let parts = duration.components
        if parts.seconds >= Self.secondsLimit {
            seconds = Self.secondsLimit
        } else if parts.seconds <= -Self.secondsLimit {
            seconds = -Self.secondsLimit
        } else {
            seconds = parts.seconds
            nanoseconds = Int32(truncatingIfNeeded: parts.attoseconds / 1_000_000_000)
        }
    }

    @usableFromInline var duration: Duration {
        .seconds(seconds) + .nanoseconds(Int64(nanoseconds))
    }

    @usableFromInline static var typeName: String { "google.protobuf.Duration" }

    @usableFromInline
    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "seconds", seconds)
        writer.field(2, "nanos", nanoseconds)
    }

    @usableFromInline
    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        while try reader.more(bytes) {
            try reader.field(bytes, 1, "seconds", &seconds)
            try reader.field(bytes, 2, "nanos", &nanoseconds)
            try reader.rest(bytes)
        }
        let sameSign = (seconds >= 0 && nanoseconds >= 0) || (seconds <= 0 && nanoseconds <= 0)
        let limit = Self.secondsLimit
        guard sameSign, (-limit...limit).contains(seconds),
            (-999_999_999...999_999_999).contains(nanoseconds)
        else { throw reader.failure(.outOfRange) }
    }
}
