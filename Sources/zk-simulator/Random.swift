/// A generator whose numbers follow from its seed alone, on every machine.
struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// A generator of its own for a part of what `seed` describes.
    init(seed: UInt64, part: UInt64) {
        var mixer = SeededGenerator(seed: seed &+ part &* 0x9E37_79B9_7F4A_7C15)
        state = mixer.next() ^ part
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// 0..<bound; the slight unevenness of the remainder does not matter here.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }

    /// True in `percent` of a hundred cases.
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    /// Roughly normal: the sum of four even numbers around zero, at most 2 × `spread` away.
    mutating func around(_ spread: Int) -> Int {
        (0..<4).reduce(0) { sum, _ in sum + below(spread + 1) } - 2 * spread
    }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }
}
