import Synchronization

/// What one peer identity holds of this end, over all its connections, and what it may still do
/// of what costs only this end.
///
/// A peer that connects again finds its account as it was: limits by connection would begin anew.
final class PeerAccount: Sendable {
    private struct Bucket {
        var points: Int
        var filledAt: UInt64
    }

    /// Calls being served.
    private let served = Atomic(0)
    /// Bytes of incomplete messages.
    private let reassembly = Atomic(0)
    private let bucket: Mutex<Bucket>
    private let pointsMax: Int
    private let pointsPerSecond: Int

    init(_ options: RPCOptions, now: UInt64) {
        pointsMax = options.abusePoints
        pointsPerSecond = options.abusePointsPerSecond
        bucket = Mutex(Bucket(points: options.abusePoints, filledAt: now))
    }

    var servedCount: Int { served.load(ordering: .relaxed) }
    var reassemblyBytes: Int { reassembly.load(ordering: .relaxed) }
    /// Whether nothing is held, and all points have come back by `now`.
    func isIdle(_ now: UInt64) -> Bool {
        servedCount == 0 && reassemblyBytes == 0
            && bucket.withLock { bucket in
                refill(&bucket, now)
                return bucket.points == pointsMax
            }
    }

    func serve(_ change: Int) { served.wrappingAdd(change, ordering: .relaxed) }
    func assemble(_ change: Int) { reassembly.wrappingAdd(change, ordering: .relaxed) }

    private func refill(_ bucket: inout Bucket, _ now: UInt64) {
        guard now > bucket.filledAt else { return }
        // An hour fills any bucket; the product stays far from the end of Int.
        let elapsed = min(now - bucket.filledAt, 3_600_000_000_000)
        let earned = Int(elapsed / 1_000_000) * pointsPerSecond / 1000
        guard earned > 0 else { return }
        bucket.points = min(pointsMax, bucket.points + earned)
        bucket.filledAt = now
    }

    /// Takes points; false when there were not enough left.
    func charge(_ points: Int, _ now: UInt64) -> Bool {
        bucket.withLock { bucket in
            refill(&bucket, now)
            bucket.points -= points
            if bucket.points >= 0 { return true }
            // Debt is bounded, or a peer could not come back for hours.
            bucket.points = max(bucket.points, -pointsMax)
            return false
        }
    }
}
