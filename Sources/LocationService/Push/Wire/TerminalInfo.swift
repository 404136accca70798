/// What a terminal counts, as it says with a poll: `INFO=firmware,users,fingers,attendance,IP,…`.
struct TerminalInfo: Hashable, Sendable {
    var firmware: String
    var users: Int?
    var punches: Int?

    /// Nil where the first part, the firmware, is missing.
    init?(_ text: String) {
        let parts = Array(text.utf8.prefix(1024)).split(
            separator: 0x2C, maxSplits: 64, omittingEmptySubsequences: false)
        guard let first = parts.first, !first.isEmpty else { return nil }
        firmware = PushText.shown(first, max: 128)
        users = Self.count(parts, 1)
        punches = Self.count(parts, 3)
    }

    private static func count(_ parts: [ArraySlice<UInt8>], _ index: Int) -> Int? {
        guard index < parts.count, let number = PushText.number(parts[index]),
            0...Int64(UInt32.max) ~= number
        else { return nil }
        return Int(number)
    }
}
