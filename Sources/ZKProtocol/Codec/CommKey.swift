/// The comm key's way over the wire: an obfuscation that the device can check.
///
/// It hides nothing from who sees one exchange; it only keeps out who does not know the key.
public enum CommKey {
    /// The tick that clients in use send.
    public static let usualTick: UInt8 = 50

    /// The four bytes that authenticate `session`.
    public static func scramble(_ key: UInt32, session: UInt16, tick: UInt8 = usualTick)
        -> [UInt8]
    {
        // 32-bit C wraps here, and so does the device.
        let mixed = reversed(key) &+ UInt32(session)
        // Each byte is mixed with a letter of ZKSO and the tick, and the halves change places.
        // The lowest byte's place is taken by the tick itself.
        let second = UInt8(truncatingIfNeeded: mixed >> 8) ^ 0x4B
        let third = UInt8(truncatingIfNeeded: mixed >> 16) ^ 0x53
        let fourth = UInt8(truncatingIfNeeded: mixed >> 24) ^ 0x4F
        return [third ^ tick, fourth ^ tick, tick, second ^ tick]
    }

    /// Whether `answer` proves `key`: the device's side, which takes the tick as received.
    public static func matches(_ answer: [UInt8], key: UInt32, session: UInt16) -> Bool {
        guard answer.count == 4 else { return false }
        return answer == scramble(key, session: session, tick: answer[2])
    }

    private static func reversed(_ key: UInt32) -> UInt32 {
        var result: UInt32 = 0
        for bit in 0..<32 where key & (1 << bit) != 0 { result |= 1 << (31 - bit) }
        return result
    }
}
