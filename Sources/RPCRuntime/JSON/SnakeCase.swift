/// Names as a `.proto` has them, `log_id` for `logID`: `docs/IDL.md`, part 3.
enum SnakeCase {
    /// `log_id` of `logID`.
    static func text(_ name: String) -> String {
        let letters = name.utf8.span
        var text: [UInt8] = []
        for index in letters.indices {
            if beginsWord(letters, index) { text.append(UInt8(ascii: "_")) }
            text.append(letter(letters[index]))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether a text is what a name becomes.
    static func matches(_ text: Span<UInt8>, _ name: Span<UInt8>) -> Bool {
        var place = 0
        for index in name.indices {
            if beginsWord(name, index) {
                guard place < text.count, text[place] == UInt8(ascii: "_") else { return false }
                place += 1
            }
            guard place < text.count, text[place] == letter(name[index]) else { return false }
            place += 1
        }
        return place == text.count
    }

    /// Whether a word begins behind the first one: at a capital behind a small letter, or before
    /// one.
    static func beginsWord(_ name: Span<UInt8>, _ index: Int) -> Bool {
        guard index > 0, isCapital(name[index]) else { return false }
        return !isCapital(name[index - 1]) || index + 1 < name.count && isSmall(name[index + 1])
    }

    static func letter(_ byte: UInt8) -> UInt8 { isCapital(byte) ? byte | 0x20 : byte }

    private static func isCapital(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static func isSmall(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
}
