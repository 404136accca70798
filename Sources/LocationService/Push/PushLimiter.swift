import Synchronization
import Transport

/// How many requests each terminal, and each address of unknown ones, may make.
final class PushLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        var at: ContinuousClock.Instant
    }
    /// Buckets that are kept; the fullest, which say nothing, are dropped first.
    private static let bucketsMax = 4096

    private let buckets = Lock<[String: Bucket]>([:])
    private let perSecond: Double
    private let burst: Double
    private let steady: @Sendable () -> ContinuousClock.Instant

    init(perMinute: Int, steady: @escaping @Sendable () -> ContinuousClock.Instant) {
        perSecond = Double(perMinute) / 60
        burst = max(5, Double(perMinute) / 4)
        self.steady = steady
    }

    /// Whether one more is allowed now.
    func allows(_ key: String) -> Bool {
        let now = steady()
        return buckets.withLock { buckets in
            if buckets[key] == nil, buckets.count >= Self.bucketsMax { sweep(&buckets, now) }
            var bucket = buckets[key] ?? Bucket(tokens: burst, at: now)
            bucket = refilled(bucket, now)
            let isAllowed = bucket.tokens >= 1
            if isAllowed { bucket.tokens -= 1 }
            buckets[key] = bucket
            return isAllowed
        }
    }

    private func refilled(_ bucket: Bucket, _ now: ContinuousClock.Instant) -> Bucket {
        let elapsed = bucket.at.duration(to: now)
        let seconds =
            Double(elapsed.components.seconds)
            + Double(elapsed.components.attoseconds) / 1e18
        return Bucket(tokens: min(burst, bucket.tokens + seconds * perSecond), at: now)
    }

    private func sweep(_ buckets: inout [String: Bucket], _ now: ContinuousClock.Instant) {
        buckets = buckets.filter { refilled($0.value, now).tokens < burst }
        // All of them busy: forgetting them lets each make one more burst, no more.
        if buckets.count >= Self.bucketsMax { buckets = [:] }
    }
}
