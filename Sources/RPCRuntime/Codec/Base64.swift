/// Base64 as RFC 4648 has it, without line ends.
enum Base64 {
    /// How many characters stand for so many bytes.
    static func length(of count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Appends the text of `bytes`, padded, in the alphabet that has `+` and `/`.
    static func encode(_ bytes: Span<UInt8>, _ output: inout OutputSpan<UInt8>) {
        var index = 0
        while index < bytes.count {
            let rest = bytes.count - index
            let second = rest > 1 ? bytes[index + 1] : 0
            let third = rest > 2 ? bytes[index + 2] : 0
            let group = UInt32(bytes[index]) << 16 | UInt32(second) << 8 | UInt32(third)
            output.append(character(group >> 18))
            output.append(character(group >> 12 & 63))
            output.append(rest > 1 ? character(group >> 6 & 63) : UInt8(ascii: "="))
            output.append(rest > 2 ? character(group & 63) : UInt8(ascii: "="))
            index += 3
        }
    }

    /// The bytes, or nil where the text is not base64.
    ///
    /// In either alphabet, padded or not: but all of one alphabet, and all of the padding or none.
    static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        var count = text.count
        if count % 4 == 0 {
            for _ in 0..<2 where count > 0 && text[count - 1] == UInt8(ascii: "=") { count -= 1 }
        }
        guard count % 4 != 1 else { return nil }
        var isSound = true
        var bytes: [UInt8] = []
        // Appending nothing to an empty array writes to the one that all empty arrays share.
        if count == 0 { return bytes }
        bytes.append(addingCapacity: count * 3 / 4) { output in
            isSound = decode(text.extracting(0..<count), &output)
        }
        return isSound ? bytes : nil
    }

    private static func decode(_ text: Span<UInt8>, _ output: inout OutputSpan<UInt8>) -> Bool {
        var buffer: UInt32 = 0
        var bits: UInt32 = 0
        var alphabets: UInt8 = 0
        for index in text.indices {
            guard let value = value(text[index], &alphabets) else { return false }
            buffer = buffer << 6 | value
            bits += 6
            if bits >= 8 {
                bits -= 8
                output.append(UInt8(truncatingIfNeeded: buffer >> bits))
            }
        }
        // What is left over is zero, so that equal bytes have one text.
        return buffer & (1 << bits - 1) == 0 && alphabets != 3
    }

    private static func character(_ value: UInt32) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: value)
        return switch value {
        case 0..<26: UInt8(ascii: "A") + value
        case 26..<52: UInt8(ascii: "a") + (value - 26)
        case 52..<62: UInt8(ascii: "0") + (value - 52)
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }

    /// Notes in `alphabets` which of the two has the character, where not both have it.
    private static func value(_ character: UInt8, _ alphabets: inout UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"):
            return UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"):
            return UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            return UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"), UInt8(ascii: "/"):
            alphabets |= 1
            return character == UInt8(ascii: "+") ? 62 : 63
        case UInt8(ascii: "-"), UInt8(ascii: "_"):
            alphabets |= 2
            return character == UInt8(ascii: "-") ? 62 : 63
        default: return nil
        }
    }
}
