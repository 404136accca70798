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

/// SplitMix64: a small generator with a seed, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
