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
                table.insert(id, step)
                expected[id] = step
            } else {
                #expect(table.remove(id) == expected.removeValue(forKey: id))
            }
        }
        #expect(table.count == expected.count)
        #expect(Set(table.all) == Set(expected.keys))
        for (id, value) in expected { #expect(table.slot(of: id).map { table[$0] } == value) }
    }
}
