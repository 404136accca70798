/// A JSON value whose members keep the order they are given in.
indirect enum JSON: Equatable {
    case string(String)
    /// A number as JSON writes it.
    case number(String)
    case bool(Bool)
    case array([JSON])
    case object([Member])

    struct Member: Equatable {
        var name: String
        var value: JSON

        init(_ name: String, _ value: JSON) {
            self.name = name
            self.value = value
        }
    }

    static func integer(_ value: some BinaryInteger) -> JSON { .number("\(value)") }

    static func strings(_ values: some Sequence<String>) -> JSON {
        .array(values.map { .string($0) })
    }

    /// With a line for each member and element, and one at the end.
    var text: String {
        var text = ""
        write(to: &text, margin: "\n")
        return text + "\n"
    }

    private func write(to text: inout String, margin: String) {
        switch self {
        case .string(let value): Self.write(value, to: &text)
        case .number(let value): text += value
        case .bool(let value): text += value ? "true" : "false"
        case .array(let values) where values.isEmpty: text += "[]"
        case .object(let members) where members.isEmpty: text += "{}"
        case .array(let values):
            let inner = margin + "  "
            for (index, value) in values.enumerated() {
                text += (index == 0 ? "[" : ",") + inner
                value.write(to: &text, margin: inner)
            }
            text += margin + "]"
        case .object(let members):
            let inner = margin + "  "
            for (index, member) in members.enumerated() {
                text += (index == 0 ? "{" : ",") + inner
                Self.write(member.name, to: &text)
                text += ": "
                member.value.write(to: &text, margin: inner)
            }
            text += margin + "}"
        }
    }

    private static func write(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
