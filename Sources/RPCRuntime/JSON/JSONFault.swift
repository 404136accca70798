/// Why a text is not the JSON form of a message, where the binary form knows no such reason.
public enum JSONFault: Hashable, Sendable {
    /// Another character stands where there should be this.
    case syntax(expected: String)
    /// A number that is not written as JSON writes numbers.
    case malformedNumber
    /// A number of more characters than are read.
    case numberTooLong(limit: Int)
    /// A control character inside a string.
    case controlCharacter
    /// A backslash and what cannot follow it, or half of a surrogate pair.
    case invalidEscape
    /// Text behind the value.
    case trailingText
    /// A value of one kind where another is expected, both in words.
    case wrongType(expected: String, found: String)
    /// A value of the right kind that is none of the type: the value and, in words, the type.
    case unfit(value: String, type: String)
    /// A member that the message does not have.
    case unknownField(String)
    /// A member, or a key of a map, that comes twice.
    case duplicate(String)
    /// A second choice of one oneof.
    case secondChoice(String)
}

extension JSONFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .syntax(let expected): "expected \(expected)"
        case .malformedNumber: "this is not how JSON writes a number"
        case .numberTooLong(let limit): "the number has more than \(limit) characters"
        case .controlCharacter: "a control character stands in a string"
        case .invalidEscape: "a string has an escape that means no character"
        case .trailingText: "there is text behind the value"
        case .wrongType(let expected, let found): "expected \(expected), not \(found)"
        case .unfit(let value, let type): "\(value) is no \(type)"
        case .unknownField(let name): "no field is called \"\(name)\""
        case .duplicate(let name): "\"\(name)\" comes twice"
        case .secondChoice(let name): "\"\(name)\" is a second choice of one oneof"
        }
    }

    /// Whether the text is wrong at a character of it, rather than for what it says.
    var isOfText: Bool {
        switch self {
        case .syntax, .malformedNumber, .controlCharacter, .invalidEscape, .trailingText: true
        default: false
        }
    }
}
