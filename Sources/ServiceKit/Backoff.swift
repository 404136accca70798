/// How long to wait before the next attempt: doubling, with a limit, spread at random.
public struct Backoff: Sendable {
    public let initial: Duration
    public let limit: Duration
    private var next: Duration

    public init(initial: Duration = .milliseconds(500), limit: Duration = .seconds(60)) {
        self.initial = initial
        self.limit = limit
        next = initial
    }

    /// The wait before the next attempt: between half and the whole of the current step, so that
    /// many that failed together do not come back together.
    ///
    /// `random` is any 64 random bits.
    public mutating func delay(random: UInt64) -> Duration {
        let step = next
        next = min(step * 2, limit)
        let share = Double(random >> 11) / Double(1 << 53)
        return step / 2 + (step / 2) * share
    }

    /// After a success the next failure begins anew.
    public mutating func reset() { next = initial }
}
