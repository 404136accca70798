/// Turns the wall times of one device's log into instants, in the order of that log.
///
/// The order is what tells the two readings of an hour apart that comes twice. A resolver is a
/// value: copy it to try something and keep the original's place in the log.
public struct InstantResolver: Sendable {
    /// An instant and what was peculiar about it.
    public struct Resolved: Sendable, Hashable {
        /// Seconds since 1970.
        public var instant: Int64
        /// The wall time does not exist: the clock had been set forward over it.
        public var isInGap = false
        /// The wall time came twice.
        public var isInFold = false
    }

    private let zone: ZoneRules
    private let mode: ClockMode
    private var previous: Int64?

    public init(zone: ZoneRules, mode: ClockMode) {
        self.zone = zone
        self.mode = mode
    }

    /// The instant of the log's next record; nil when its text is no real date and time, which
    /// changes nothing for the records after it.
    public mutating func resolve(_ localTime: String) -> Resolved? {
        WallTime(localTime).map { resolve($0) }
    }

    /// The instant of the log's next record.
    public mutating func resolve(_ wall: WallTime) -> Resolved {
        let resolved = next(wall)
        previous = resolved.instant
        return resolved
    }

    private func next(_ wall: WallTime) -> Resolved {
        if case .fixed(let seconds) = mode { return Resolved(instant: wall.seconds - seconds) }
        switch zone.reading(of: wall) {
        case .once(let instant): return Resolved(instant: instant)
        case .never(let instant): return Resolved(instant: instant, isInGap: true)
        case .twice(let first, let second):
            // A log runs forward. Where the first reading would go back, and by no more than an
            // overlapping hour explains, the clock had been set back in between.
            let isSecond =
                previous.map { $0 > first && $0 - first < 2 * (second - first) } ?? false
            return Resolved(instant: isSecond ? second : first, isInFold: true)
        }
    }
}
