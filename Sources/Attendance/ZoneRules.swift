import Foundation
import Synchronization

/// The offsets of an IANA time zone, in a form that answers for a wall time at once.
///
/// Foundation takes microseconds for an offset; a log of 100,000 punches is read at each poll. So
/// the changes of each year are looked up once and kept. Safe to share between threads.
public final class ZoneRules: Sendable {
    /// A stretch of time with one offset, from `start` until the next one's.
    struct Segment: Sendable, Hashable {
        var start: Int64
        var offset: Int64
    }

    /// What a wall time may mean.
    public enum Reading: Sendable, Hashable {
        case once(Int64)
        /// The clock was set forward over it: the instant by the offset before the change.
        case never(Int64)
        /// The clock was set back, and it came twice.
        case twice(first: Int64, second: Int64)
    }

    /// The name, such as `Africa/Cairo`.
    public let name: String
    private let zone: TimeZone
    private let years: Mutex<[Int64: [Segment]]>

    /// Nil when there is no zone of that name.
    public init?(_ name: String) {
        // Foundation also takes abbreviations and offsets, which have no rules behind them.
        guard name.contains("/") || name == "UTC", let zone = TimeZone(identifier: name)
        else { return nil }
        self.name = name
        self.zone = zone
        years = Mutex([:])
    }

    /// What `wall` means in this zone, in seconds since 1970.
    public func reading(of wall: WallTime) -> Reading {
        // Years of equal length are as good a key as true ones, and cheaper.
        let segments = segments(of: wall.seconds.quotientRoundedDown(by: Self.yearSeconds))
        var found: Int64?
        for (index, segment) in segments.enumerated() {
            let instant = wall.seconds - segment.offset
            let end = index + 1 < segments.count ? segments[index + 1].start : Int64.max
            guard instant >= segment.start, instant < end else { continue }
            if let first = found { return .twice(first: first, second: instant) }
            found = instant
        }
        if let found { return .once(found) }
        // Between two segments: beyond the end of the one, before the start of the next.
        let before = segments.last { wall.seconds - $0.offset >= $0.start } ?? segments[0]
        return .never(wall.seconds - before.offset)
    }

    /// What a right clock of this zone shows at an instant, in seconds since 1970.
    public func wallTime(at instant: Int64) -> WallTime {
        WallTime(seconds: instant + offset(at: instant))
    }

    private static let yearSeconds: Int64 = 366 * 86_400

    private func segments(of year: Int64) -> [Segment] {
        years.withLock { years in
            if let known = years[year] { return known }
            let made = makeSegments(of: year)
            // A device may claim any year; what it claims does not fill the memory.
            if years.count >= 256 { years.removeAll() }
            years[year] = made
            return made
        }
    }

    /// The segments that wall times of the year can fall into, two days more at each end.
    private func makeSegments(of year: Int64) -> [Segment] {
        let from = year * Self.yearSeconds - 2 * 86_400
        let to = (year + 1) * Self.yearSeconds + 2 * 86_400
        var segments = [Segment(start: .min, offset: offset(at: from))]
        var day = from
        while day < to {
            let next = day + 86_400
            let before = segments[segments.count - 1].offset
            let after = offset(at: next)
            if after != before {
                // No zone has changed twice within a day.
                var (low, high) = (day, next)
                while high - low > 1 {
                    let middle = low + (high - low) / 2
                    if offset(at: middle) == before { low = middle } else { high = middle }
                }
                segments.append(Segment(start: high, offset: after))
            }
            day = next
        }
        return segments
    }

    /// How far clocks of this zone are ahead of UTC at an instant, in seconds.
    public func offset(at instant: Int64) -> Int64 {
        Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(instant))))
    }
}

extension Int64 {
    func quotientRoundedDown(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
