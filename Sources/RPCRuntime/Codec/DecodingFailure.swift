/// Why bytes are not the message they should be.
public struct DecodingFailure: Error, Hashable, Sendable {
    /// The facts.
    public enum Reason: Hashable, Sendable {
        /// A value announces more bytes than there are.
        case truncated
        /// A varint has more than ten bytes or more than 64 bits.
        case varintTooLong
        /// A field number is 0 or above 536,870,911, or a wire type does not exist.
        case invalidTag
        /// A group ends that did not begin, or ends with another number.
        case unbalancedGroup
        /// A string is not UTF-8.
        case invalidUTF8
        /// Messages stand inside one another too deeply.
        case tooDeep(limit: Int)
        /// A string or bytes value has more bytes than the schema's `max`.
        case tooLong(length: Int, limit: Int)
        /// A string or bytes value has fewer bytes than the schema's `min`.
        case tooShort(length: Int, limit: Int)
        /// A number lies outside the schema's `range`.
        case notWithin(value: String, limit: String)
        /// A string is not the form of a UUID.
        case invalidUUID
        /// A list or map has more elements than the schema's `max`.
        case tooMany(limit: Int)
        /// A timestamp or duration lies outside its range.
        case outOfRange
        /// The JSON form has something that the binary form has not.
        case json(JSONFault)
    }

    public var reason: Reason
    /// Where in the input: the index of the first byte of the field.
    ///
    /// In JSON of the value or name that is wrong, or of the character that should not be there.
    public var offset: Int
    /// The number of the field; 0 where no field was known yet.
    public var field: UInt32
    /// The message whose field it is, `package.Message`; empty where that is not known.
    public var message: String
    /// Where in JSON, as a JSON pointer (RFC 6901); empty for the outermost value and in the binary
    /// form.
    public var pointer: String

    public init(
        _ reason: Reason, offset: Int, field: UInt32 = 0, message: String = "",
        pointer: String = ""
    ) {
        self.reason = reason
        self.offset = offset
        self.field = field
        self.message = message
        self.pointer = pointer
    }

    /// Names the message that was being read, unless an inner one has been named.
    @usableFromInline
    func inside(_ typeName: String) -> DecodingFailure {
        guard message.isEmpty else { return self }
        var named = self
        named.message = typeName
        return named
    }
}

extension DecodingFailure: CustomStringConvertible {
    public var description: String {
        if !pointer.isEmpty {
            return reason.isOfText
                ? "\(pointer), at byte \(offset): \(reason)" : "\(pointer): \(reason)"
        }
        let place = field == 0 ? "" : "field \(field) of "
        let name = message.isEmpty ? "the message" : message
        return "\(place)\(name), at byte \(offset): \(reason)"
    }
}

extension DecodingFailure.Reason: CustomStringConvertible {
    /// Whether the text is wrong at a character of it, rather than for what it says.
    var isOfText: Bool {
        switch self {
        case .truncated, .invalidUTF8: true
        case .json(let fault): fault.isOfText
        default: false
        }
    }

    public var description: String {
        switch self {
        case .truncated: "the bytes end before the value does"
        case .varintTooLong: "a varint has more than 64 bits"
        case .invalidTag: "no such field number or wire type"
        case .unbalancedGroup: "a group ends that did not begin here"
        case .invalidUTF8: "the string is not UTF-8"
        case .tooDeep(let limit): "messages are nested more than \(limit) deep"
        case .tooLong(let length, let limit):
            "\(length) bytes are over the limit of \(limit) (`max` in the schema)"
        case .tooShort(let length, let limit):
            "\(length) bytes are under the limit of \(limit) (`min` in the schema)"
        case .notWithin(let value, let limit):
            "\(value) is not within \(limit) (`range` in the schema)"
        case .invalidUUID: "the string is not a UUID, 8-4-4-4-12 hexadecimal digits"
        case .tooMany(let limit): "the list is over the limit of \(limit) (`max` in the schema)"
        case .outOfRange: "the time is outside its range"
        case .json(let fault): fault.description
        }
    }
}
