/// A user as a terminal describes them, without what must not leave it.
struct PushUser: Hashable, Sendable {
    var pin: String
    var name: String
    /// 0 user, 2 enroller, 6 manager, 10 custom, 14 super.
    var privilege: UInt32
    var card: UInt64
    var group: String
    /// The password itself is not kept.
    var hasPassword: Bool
}

extension PushUser {
    /// Takes the pairs of a `USER` line, or of a row of the table `user`.
    init(_ pairs: PushPairs) throws(PushLineError) {
        guard let pin = pairs["pin"] else { throw PushLineError("a user without a PIN") }
        self.pin = try PushText.identifier(pin)
        name = PushText.shown(pairs["name"] ?? [], max: 128)
        let privilege = pairs.number("pri") ?? pairs.number("privilege") ?? 0
        self.privilege = UInt32(clamping: privilege)
        card = Self.card(pairs["card"] ?? pairs["cardno"] ?? [])
        group = PushText.shown(pairs["grp"] ?? pairs["group"] ?? [], max: 16)
        hasPassword = !(pairs["passwd"] ?? pairs["password"] ?? []).isEmpty
    }

    /// Decimal, or four bytes in hexadecimal from the lowest: `[15CD5B07]`; 0 for anything else.
    private static func card(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        if let number = PushText.number(bytes) { return UInt64(max(0, number)) }
        let text = PushText.trimmed(bytes)
        guard text.count == 10, text.first == 0x5B, text.last == 0x5D else { return 0 }
        let digits = String(decoding: text.dropFirst().dropLast(), as: UTF8.self)
        guard !digits.hasPrefix("+"), let number = UInt32(digits, radix: 16) else { return 0 }
        return UInt64(number.byteSwapped)
    }
}

/// A line of `OPERLOG`, which mixes what was done at the terminal with users and templates.
enum OperationLine: Hashable, Sendable {
    case user(PushUser)
    /// Something that was done at the terminal, by its code.
    case operation(code: UInt32)
    /// A template or picture: only its kind, since none is ever kept.
    case biometric(String)
    /// Another kind of line, by its first word.
    case other(String)

    private static let biometrics: Set<String> = [
        "fp", "face", "fvein", "userpic", "biophoto", "biodata", "fingertmp", "templatev10",
        "attphoto", "errorpic",
    ]

    init(_ line: ArraySlice<UInt8>) throws(PushLineError) {
        let end = line.firstIndex { $0 == 0x20 || $0 == 9 } ?? line.endIndex
        let word = PushText.lowercased(line[..<end].prefix(32))
        // Before anything else is looked at: these may be long, and hold what is not kept.
        if Self.biometrics.contains(word) {
            self = .biometric(word)
            return
        }
        let rest = line[end...].dropFirst()
        switch word {
        case "user":
            guard !rest.contains(0) else { throw PushLineError("a NUL inside") }
            self = .user(try PushUser(PushPairs(try PushText.fields(rest))))
        case "oplog":
            let fields = try PushText.fields(rest)
            guard let code = fields.first.flatMap({ PushText.number($0) }),
                let code = UInt32(exactly: code)
            else { throw PushLineError("an operation without a code") }
            self = .operation(code: code)
        default: self = .other(PushText.shown(line[..<end], max: 32))
        }
    }
}
