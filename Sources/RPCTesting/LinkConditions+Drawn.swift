public import Transport

extension LinkConditions {
    /// Conditions that random numbers choose: a latency from none to that of another continent,
    /// segments of one byte to 64 KiB, narrow and wide windows, and up to `faults` faults.
    ///
    /// - Parameters:
    ///   - random: Where the numbers come from.
    ///   - faults: The most that goes wrong.
    ///   - reach: Faults hit one of the first so many bytes.
    public static func drawn(
        from random: inout SeededRandom, faults: Int = 1, reach: UInt64 = 20_000
    ) -> LinkConditions {
        var conditions = LinkConditions()
        let shortest = UInt64.random(in: 0...100_000, using: &random)
        let spread = UInt64.random(in: 0...100_000, using: &random)
        if Int.random(in: 0..<4, using: &random) > 0 {
            conditions.latency =
                .microseconds(Int64(shortest)) ... .microseconds(Int64(shortest + spread))
        }
        // Seldom tiny: each segment costs as much time as a large one.
        let isTiny = Int.random(in: 0..<8, using: &random) == 0
        let longest = 1 << Int.random(in: isTiny ? 0...5 : 6...16, using: &random)
        conditions.segmentBytes = Bool.random(using: &random) ? longest...longest : 1...longest
        if Int.random(in: 0..<4, using: &random) == 0 {
            conditions.bytesPerSecond = 1 << Int.random(in: 12...24, using: &random)
        }
        conditions.window = 1 << Int.random(in: 6...18, using: &random)
        conditions.highWater = 1 << Int.random(in: 6...18, using: &random)
        let count = faults > 0 ? Int.random(in: 0...faults, using: &random) : 0
        for _ in 0..<count {
            conditions.faults.append(.drawn(from: &random, reach: reach))
        }
        return conditions
    }
}

extension LinkFault {
    /// A fault that random numbers choose, at one of the first `reach` bytes.
    public static func drawn(from random: inout SeededRandom, reach: UInt64) -> LinkFault {
        let kind: Kind =
            switch Int.random(in: 0..<5, using: &random) {
            case 0: .delay(.milliseconds(Int64.random(in: 1...20_000, using: &random)))
            case 1: .cut
            case 2: .stall
            case 3: .corrupt(1 << UInt8.random(in: 0..<8, using: &random))
            default: .swap
            }
        let direction: Direction = Bool.random(using: &random) ? .fromDialler : .fromListener
        return LinkFault(
            kind, direction, at: UInt64.random(in: 0..<max(reach, 1), using: &random))
    }
}
