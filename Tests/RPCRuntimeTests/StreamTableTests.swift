import TestSupport
import Testing

@testable import RPCRuntime

@Suite struct StreamTableTests {
    /// A dictionary is the oracle: the table answers like it after any history.
    @Test(arguments: 0..<20)
    func `a table holds what a dictionary would`(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        var table = StreamTable<Int>(empty: 0)
        var expected: [UInt32: Int] = [:]
        for step in 0..<3000 {
            let id = UInt32(random.next() % 200) + 1
            if expected[id] == nil, random.next() % 3 > 0 {
                table.insert(id) { $0 = step }
                expected[id] = step
            } else {
                #expect(table.remove(id) == expected.removeValue(forKey: id))
            }
        }
        #expect(table.count == expected.count)
        #expect(Set(table.all) == Set(expected.keys))
        for (id, value) in expected { #expect(table.slot(of: id).map { table[$0] } == value) }
    }

    /// As on a connection: each side's ids in a row, most ending in order and a few never.
    @Test(arguments: 0..<10)
    func `long runs of ids from both sides hold what a dictionary would`(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        var table = StreamTable<Int>(empty: 0)
        var expected: [UInt32: Int] = [:]
        var (next, oldest): ([UInt32], [UInt32]) = ([1, 2], [1, 2])
        for step in 0..<4000 {
            let side = Int(random.next() % 2)
            if expected.count < 300 || random.next() % 2 == 0 {
                table.insert(next[side]) { $0 = step }
                expected[next[side]] = step
                next[side] += 2
            } else {
                // Every 16th is left open, now and then one ends out of order.
                if oldest[side] % 32 < 2 { oldest[side] += 2 }
                let isLate = random.next() % 8 == 0
                let id = isLate ? UInt32(random.next() % 4000) : oldest[side]
                if !isLate { oldest[side] += 2 }
                #expect(table.slot(of: id).map { table[$0] } == expected[id])
                #expect(table.remove(id) == expected.removeValue(forKey: id))
            }
        }
        #expect(Set(table.all) == Set(expected.keys))
        for (id, value) in expected { #expect(table.slot(of: id).map { table[$0] } == value) }
        for id in expected.keys { table.remove(id) }
        #expect(table.isEmpty)
    }
}
