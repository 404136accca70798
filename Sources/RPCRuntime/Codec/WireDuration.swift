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
        try reader.field(bytes, 1, "seconds", &seconds)
        try reader.field(bytes, 2, "nanos", &nanoseconds)
        try reader.rest(bytes)
    }

    @usableFromInline
    mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        while try reader.more(bytes) { try read(from: bytes, &reader) }
        guard isWithinRange else { throw reader.failure(.outOfRange) }
    }

    private var isWithinRange: Bool {
        let sameSign = (seconds >= 0 && nanoseconds >= 0) || (seconds <= 0 && nanoseconds <= 0)
        let limit = Self.secondsLimit
        return sameSign && (-limit...limit).contains(seconds)
            && (-999_999_999...999_999_999).contains(nanoseconds)
    }
}

// MARK: The text form

extension WireDuration {
    /// The most characters that ``writeText(to:)`` appends.
    static var lengthMax: Int { 24 }

    /// Appends seconds with 0, 3, 6 or 9 digits of fraction, as few as hold it, and an `s`.
    func writeText(to output: inout OutputSpan<UInt8>) {
        if seconds < 0 || nanoseconds < 0 { output.append(UInt8(ascii: "-")) }
        DigitText.put(seconds.magnitude, &output)
        DigitText.putFraction(Int64(abs(nanoseconds)), &output)
        output.append(UInt8(ascii: "s"))
    }

    /// Reads seconds with up to nine digits of fraction and an `s`; nil for anything else.
    init?(_ text: Span<UInt8>) {
        var scanner = DigitScanner()
        let isNegative = scanner.skip(text, "-")
        let isZero = scanner.skip(text, "0")
        var whole: Int64 = 0
        var count = isZero ? 1 : 0
        while !isZero, count < 12, let digit = scanner.digit(text) {
            whole = whole * 10 + digit
            count += 1
        }
        guard count > 0, let fraction = scanner.fraction(text), scanner.skip(text, "s"),
            scanner.isAtEnd(text)
        else { return nil }
        seconds = isNegative ? -whole : whole
        nanoseconds = Int32(truncatingIfNeeded: isNegative ? -fraction : fraction)
        guard isWithinRange else { return nil }
    }
}
