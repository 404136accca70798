/// The content of the messages, the same in all programs; `cpp/bench.cc` has it once more.
public enum Samples {
    /// 2026-03-02T00:00:00Z.
    static let firstDay: Int64 = 1_772_409_600

    public static let locations = [
        "head-office", "warehouse-north", "plant-2", "distribution-centre-south",
    ]
    public static let nextCursor = "v1.eyJzZXF1ZW5jZSI6MTAwMDk5OSwiZSI6IjRmMmMifQ"
    public static let asOf = Instant(seconds: firstDay + 10 * 86_400, nanoseconds: 412_000_000)
    public static let punchCount = 1000

    public struct Instant: Sendable {
        public var seconds: Int64
        public var nanoseconds: Int32
    }

    public struct Request: Sendable {
        public var location = "warehouse-north"
        public var device = "CQZ7224460103"
        public var after: UInt64 = 1_000_999
        public var limit: UInt32 = 500
        public var cursor: [UInt8] = (0..<56).map { UInt8($0 * 37 % 256) }

        public init() {}
    }

    public struct Punch: Sendable {
        public var device, user, resolvedUser, localTime: String
        public var state, verify, workCode: UInt32
        public var source: Int32
        public var receivedAt, instant: Instant

        /// The punch of an index; 7 has every field.
        public init(_ index: Int) {
            device = "CQZ72244\(60_100 + index % 12)"
            resolvedUser = "\(1000 + index * 37 % 9000)"
            user = index % 5 == 0 ? "#\(index % 300)" : resolvedUser
            let (day, second) = (index / 100, 21_600 + index * 61 % 50_400)
            localTime =
                "2026-03-\(padded(2 + day))T\(padded(second / 3600)):\(padded(second / 60 % 60))"
                + ":\(padded(second % 60))"
            state = index % 17 == 16 ? 255 : UInt32(index % 6)
            verify = index % 3 == 0 ? 15 : 1
            workCode = UInt32(index % 4)
            source = Int32(1 + index % 3)
            // The clock is two hours east.
            instant = Instant(
                seconds: firstDay + Int64(day * 86_400 + second - 7200), nanoseconds: 0)
            receivedAt = Instant(
                seconds: instant.seconds + 2,
                nanoseconds: Int32(index * 131 % 1000) * 1_000_000)
        }
    }

    /// The punches of a page with where they are from, and their numbers.
    public static func stored(_ index: Int) -> (sequence: UInt64, location: String, punch: Punch) {
        (UInt64(1_000_000 + index), locations[index % locations.count], Punch(index))
    }

    public static func source(
        _ index: Int
    ) -> (location: String, completeThrough: Instant, lastSequence: UInt64) {
        (
            locations[index],
            Instant(seconds: asOf.seconds - Int64(30 * (index + 1)), nanoseconds: 0),
            UInt64(250_000 + index)
        )
    }

    /// The field of 1 MiB.
    public static let blob: [UInt8] = (0..<(1 << 20)).map {
        UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13)
    }

    private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
