/// Holds what a terminal counts against what the log has of it.
///
/// Everything in the log came from the terminal, and is there once. So where the number of rows in
/// its memory, counted after the log was looked at, is the number in the log (less what the memory
/// has lost since, by a clearing), all of its rows are in the log.
struct PushProof: Sendable, Hashable {
    private(set) var counters: PushCounters

    init(_ counters: PushCounters = PushCounters()) { self.counters = counters }

    /// What a count says.
    enum Verdict: Sendable, Hashable {
        /// All that the terminal had is in the log.
        case proved
        /// The terminal has more.
        case missing(UInt64)
        /// The terminal has fewer, for now: it may have counted before its last upload.
        case behind(UInt64)
        /// Its memory was cleared or has overflowed; what it holds now must be read once.
        case cleared(from: Int64, to: Int64)
        /// It is not known which part of the log the memory still has.
        case unknown
    }

    /// Takes a count that was made after the log had `stored` punches.
    mutating func take(count: Int64, stored: UInt64) -> Verdict {
        let stored = Int64(clamping: stored)
        let before = counters.counted
        counters.counted = count
        if let before, count < before {
            // Where nothing is left there is nothing to find out.
            counters.forgotten = count == 0 ? stored : nil
            return .cleared(from: before, to: count)
        }
        guard let forgotten = counters.forgotten else { return .unknown }
        let expected = stored - forgotten
        if count == expected { return .proved }
        if count > expected { return .missing(UInt64(count - expected)) }
        if before == nil {
            // The first count of a terminal whose punches came by another way too.
            counters.forgotten = nil
            return .unknown
        }
        return .behind(UInt64(expected - count))
    }

    /// The memory is no longer what the last count was of.
    mutating func wasCleared() { counters.forgotten = nil }

    /// The terminal has uploaded its whole memory, `rows` rows, and the log now has `stored`.
    mutating func wasRead(rows: Int64, stored: UInt64) {
        counters.forgotten = Int64(clamping: stored) - rows
        counters.counted = rows
    }
}
