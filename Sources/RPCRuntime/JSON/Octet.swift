/// Eight bytes of a text, the first of them lowest.
struct Octet: Equatable {
    private let bytes: UInt64

    /// Nil where there are fewer from the place on, which is not below 0.
    @inline(__always)
    init?(_ text: Span<UInt8>, at place: Int) {
        guard place >= 0, place <= text.count &- 8 else { return nil }
        let part = text.extracting(place..<(place &+ 8))
        var bytes: UInt64 = 0
        // Compiles to one instruction.
        for index in 0..<8 { bytes |= UInt64(part[index]) &<< UInt64(index &* 8) }
        self.bytes = bytes
    }

    /// The place of the first byte that cannot stand in a string as it is; 8 for none.
    @inline(__always)
    var escaped: Int { (escapedBits & Self.high).trailingZeroBitCount / 8 }

    /// The same of the name of a member, where also `_` is looked for.
    @inline(__always)
    var escapedOrUnderscore: Int {
        ((escapedBits | zero(UInt8(ascii: "_"))) & Self.high).trailingZeroBitCount / 8
    }

    private static var low: UInt64 { 0x0101_0101_0101_0101 }
    private static var high: UInt64 { 0x8080_8080_8080_8080 }

    /// The high bit of each byte up to the first that is looked for is right, of those behind not.
    @inline(__always)
    private var escapedBits: UInt64 {
        let control = (bytes &- Self.low &* 0x20) & ~bytes
        return control | zero(UInt8(ascii: "\"")) | zero(UInt8(ascii: "\\"))
    }

    /// Has the high bit of a byte that equals `byte`.
    @inline(__always)
    private func zero(_ byte: UInt8) -> UInt64 {
        let difference = bytes ^ (Self.low &* UInt64(byte))
        return (difference &- Self.low) & ~difference
    }
}
