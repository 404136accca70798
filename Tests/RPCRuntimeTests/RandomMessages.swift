import RPCRuntime
import TestSchemas
import TestSupport

extension Everything {
    /// A message with some of its fields, and messages in it `depth` deep.
    static func random(_ random: inout SplitMix, depth: Int) -> Everything {
        var value = Everything()
        var source = Source(random)
        if source.flip() { value.aBool = true }
        if source.flip() { value.anInt32 = Int32(truncatingIfNeeded: source.number()) }
        if source.flip() { value.anInt64 = Int64(truncatingIfNeeded: source.number()) }
        if source.flip() { value.aUint32 = UInt32(truncatingIfNeeded: source.number()) }
        if source.flip() { value.aUint64 = source.number() }
        if source.flip() { value.aFloat = Float(source.number()) / 7 }
        if source.flip() { value.aDouble = Double(source.number()) / -3 }
        if source.flip() { value.aString = source.text() }
        if source.flip() { value.someBytes = source.bytes() }
        if source.flip() { value.aTimestamp = source.instant() }
        if source.flip() { value.aDuration = source.duration() }
        if source.flip() { value.aMood = Mood(rawValue: Int32(source.number() % 3) - 1) }
        if source.flip() { value.aLeaf = source.leaf() }
        if source.flip() { value.maybeInt64 = 0 }
        if source.flip() { value.maybeString = source.text() }
        if source.flip() { value.maybeDuration = source.duration() }
        if source.flip() { value.maybeMood = .elated }
        if source.flip() { value.maybeLeaf = source.leaf() }
        if source.flip() { value.uint64s = source.list { $0.number() } }
        if source.flip() { value.doubles = source.list { Double($0.number()) } }
        if source.flip() { value.strings = source.list { $0.text() } }
        if source.flip() { value.manyBytes = source.list { $0.bytes() } }
        if source.flip() { value.timestamps = source.list { $0.instant() } }
        if source.flip() { value.leaves = source.list { $0.leaf() } }
        if source.flip() { value.anID = source.uuid() }
        if source.flip() { value.ids = source.list { $0.uuid() } }
        if source.flip() { value.texts = source.map { ($0.text(), $0.text()) } }
        if source.flip() { value.leafByNumber = source.map { (Int32($0.number() % 9), $0.leaf()) } }
        if source.flip() { value.times = source.map { ($0.number(), $0.instant()) } }
        if source.flip() { value.bytesByBool = source.map { ($0.flip(), $0.bytes()) } }
        switch source.number() % 5 {
        case 0: value.choice = .chosenBool(source.flip())
        case 1: value.choice = .chosenText(source.text())
        case 2: value.choice = .chosenLeaf(source.leaf())
        case 3: value.choice = .chosenBytes(source.bytes())
        default: break
        }
        if source.flip() { value.inner.shade = .bright }
        random = source.random
        if depth > 0 {
            for _ in 0..<(random.next() % 3) {
                value.children.append(.random(&random, depth: depth - 1))
            }
        }
        return value
    }
}

/// Random values of the types of a schema.
private struct Source {
    var random: SplitMix

    init(_ random: SplitMix) { self.random = random }

    mutating func flip() -> Bool { random.next() & 1 == 0 }

    /// Of any size.
    mutating func number() -> UInt64 { random.next() >> (random.next() % 64) }

    mutating func text() -> String {
        let characters: [Character] = ["a", "\"", "\\", "\n", "\u{0}", "ä", "👍", "/", " "]
        return String(
            (0..<(random.next() % 12)).map { _ in
                characters[Int(random.next() % UInt64(characters.count))]
            })
    }

    mutating func bytes() -> [UInt8] {
        (0..<(random.next() % 12)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    mutating func instant() -> Timestamp {
        let seconds = Int64(number() % 253_402_300_800) - (flip() ? 62_135_596_800 : 0)
        let fractions: [Int32] = [0, 120_000_000, 123_456_000, 123_456_789]
        let fraction = fractions[Int(random.next() % 4)]
        return Timestamp(seconds: seconds, nanoseconds: fraction) ?? .max
    }

    mutating func duration() -> Duration {
        let size =
            Duration.seconds(Int64(number() % 315_576_000_000))
            + .nanoseconds(Int64(number() % 1_000_000_000))
        return flip() ? size : .zero - size
    }

    mutating func leaf() -> Leaf {
        Leaf(third: text(), first: UInt32(truncatingIfNeeded: number()))
    }

    mutating func uuid() -> RPCUUID { RPCUUID(high: random.next(), low: random.next()) }

    mutating func list<T>(_ make: (inout Source) -> T) -> [T] {
        (0..<(random.next() % 4)).map { _ in make(&self) }
    }

    mutating func map<K: Hashable, V>(_ make: (inout Source) -> (K, V)) -> [K: V] {
        Dictionary(list(make)) { first, _ in first }
    }
}
