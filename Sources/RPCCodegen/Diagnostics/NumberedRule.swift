/// A rule that is known by a number, which never changes and never comes back.
protocol NumberedRule: CaseIterable, RawRepresentable, Hashable, Sendable where RawValue == Int {
    /// What stands before the number.
    static var prefix: String { get }
}

extension NumberedRule {
    /// `IDL042`.
    var id: String {
        let digits = String(rawValue)
        return Self.prefix + String(repeating: "0", count: Swift.max(0, 3 - digits.count)) + digits
    }

    /// The rule of `IDL042` or `idl42`.
    init?(id: String) {
        guard let number = Self.number(in: id) else { return nil }
        self.init(rawValue: number)
    }

    /// The number after the prefix, in capitals or not.
    static func number(in id: String) -> Int? {
        guard id.uppercased().hasPrefix(prefix) else { return nil }
        return Int(id.dropFirst(prefix.count))
    }
}
