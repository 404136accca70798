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
    func encode(into writer: inout WireWriter) {
        writer.int64(1, seconds)
        writer.int32(2, nanoseconds)
    }

    @usableFromInline
    mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        var ignored: [UInt8] = []
        while let tag = try reader.next(bytes) {
            switch tag {
            case 8: seconds = try reader.int64(bytes)
            case 16: nanoseconds = try reader.int32(bytes)
            default: try reader.unknown(bytes, tag, &ignored)
            }
        }
        let sameSign = (seconds >= 0 && nanoseconds >= 0) || (seconds <= 0 && nanoseconds <= 0)
        let limit = Self.secondsLimit
        guard sameSign, (-limit...limit).contains(seconds),
            (-999_999_999...999_999_999).contains(nanoseconds)
        else { throw reader.failure(.outOfRange) }
    }
}
