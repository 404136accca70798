/// When a row says that something happened.
enum PushTime: Hashable, Sendable {
    /// The terminal's wall clock, `YYYY-MM-DDThh:mm:ss`; it may be a day that no calendar has.
    case wall(String)
    /// Seconds since 1970, as some firmware sends.
    case instant(Int64)

    /// Reads `YYYY-MM-DD hh:mm:ss`, with a `T` in the middle too, or seconds since 1970.
    init(_ bytes: ArraySlice<UInt8>) throws(PushLineError) {
        let text = Array(PushText.trimmed(bytes))
        if text.count != 19 {
            // From 2001 to 2096: fewer digits would be a year, more are milliseconds.
            guard let seconds = PushText.number(text[...]),
                1_000_000_000...3_999_999_999 ~= seconds
            else { throw PushLineError("`\(PushText.shown(bytes, max: 40))` is no time") }
            self = .instant(seconds)
            return
        }
        var parts: [Int] = []
        for range in [0..<4, 5..<7, 8..<10, 11..<13, 14..<16, 17..<19] {
            var value = 0
            for byte in text[range] {
                guard 0x30...0x39 ~= byte else {
                    throw PushLineError("`\(PushText.shown(bytes, max: 40))` is no time")
                }
                value = value * 10 + Int(byte - 0x30)
            }
            parts.append(value)
        }
        let marks = (text[4], text[7], text[13], text[16])
        guard marks == (0x2D, 0x2D, 0x3A, 0x3A), text[10] == 0x20 || text[10] == 0x54,
            2000...2133 ~= parts[0], 1...12 ~= parts[1], 1...31 ~= parts[2], parts[3] < 24,
            parts[4] < 60, parts[5] < 60
        else { throw PushLineError("`\(PushText.shown(bytes, max: 40))` is no time") }
        var wall = text
        wall[10] = 0x54
        self = .wall(String(decoding: wall, as: UTF8.self))
    }

    /// The terminal's packed form: seconds since 2000 in months of 31 days.
    init(packed: Int64) throws(PushLineError) {
        guard 0...Int64(UInt32.max) ~= packed else {
            throw PushLineError("\(packed) is no packed time")
        }
        let days = packed / 86_400
        let rest = packed % 86_400
        let date = [days / 31 / 12 + 2000, days / 31 % 12 + 1, days % 31 + 1].map(Self.padded)
        let time = [rest / 3600, rest / 60 % 60, rest % 60].map(Self.padded)
        self = .wall(date.joined(separator: "-") + "T" + time.joined(separator: ":"))
    }

    private static func padded(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
