/// How much a peer may send ahead of its reader, and when that grows.
///
/// A window that was read whole in less than the growth time, which follows the round trip, doubles:
/// the peer waited for credit more than its reader for bytes.
struct Window {
    private(set) var size: Int
    /// Bytes that were read and not credited back.
    private(set) var owed = 0
    private var began: UInt64
    private var readSince = 0

    init(_ size: Int, now: UInt64) {
        self.size = size
        began = now
    }

    /// Notes bytes as read; whether it is time to credit them by ``credit(_:growth:max:)``.
    @inline(__always)
    mutating func read(_ count: Int) -> Bool {
        owed += count
        return owed >= max(size / 4, 1)
    }

    /// What to credit now, for all that was read.
    mutating func credit(_ now: UInt64, growth: UInt64, max limit: Int) -> Int {
        var credit = owed
        readSince += owed
        owed = 0
        if readSince >= size {
            let isFast = now &- began < growth
            began = now
            readSince = 0
            if isFast, size < limit {
                let more = min(size, limit - size)
                size += more
                credit += more
            }
        }
        return credit
    }

    /// Takes back what was noted as read and is held after all.
    mutating func hold(_ count: Int) { owed -= count }
}
