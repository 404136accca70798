import ZKProtocol

/// The name of an encoding that is none, or that this machine does not have.
struct UnknownEncoding: Error, CustomStringConvertible {
    var description: String

    /// Nil for `auto`: UTF-8, and names that are none by the terminal's language.
    static func encoding(named name: String) throws(UnknownEncoding) -> TextEncoding? {
        if name == "auto" { return nil }
        guard TextEncoding.names.contains(name) else {
            let known = (["auto"] + TextEncoding.names).map { "`\($0)`" }.joined(separator: ", ")
            throw UnknownEncoding(description: "is `\(name)`; allowed are \(known)")
        }
        guard let encoding = TextEncoding.named(name) else {
            throw UnknownEncoding(
                description: "is `\(name)`, which the C library of this machine does not have")
        }
        return encoding
    }
}
