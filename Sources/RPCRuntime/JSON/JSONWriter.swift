import Spans

/// What the JSON form of a message says of fields that have not been set.
@frozen
public enum JSONForm: Sendable {
    /// Nothing.
    case compact
    /// Plain fields at their default, empty lists and empty maps.
    case full
    /// The same, and `null` for optional fields: an object has all its members always. Members are
    /// called as in a `.proto`, `log_id` for `logID`; what an HTTP edge answers with.
    case document
}

/// Appends messages in their JSON form to an array that it owns.
///
/// To reuse an array, move it in and out: `JSONWriter(bytes)`, then `writer.bytes`. The text is
/// compact, and equal values give equal bytes.
@frozen
public struct JSONWriter: Sendable {
    /// What has been written, behind what was there before.
    public var bytes: [UInt8]
    /// Whether `"[redacted]"` stands for values that are not for everybody.
    public let redacts: Bool
    /// What is said of fields that have not been set.
    public let form: JSONForm

    /// Appends to `bytes`.
    @inlinable
    public init(
        _ bytes: consuming [UInt8] = [], form: JSONForm = .compact, redacts: Bool = false
    ) {
        self.bytes = bytes
        self.form = form
        self.redacts = redacts
    }

    /// Whether plain fields are written at their default too, and lists and maps when empty.
    @inlinable var writesDefaults: Bool { form != .compact }

    // MARK: Elements of the format

    /// Appends a member's name, and a comma before it where it needs one.
    ///
    /// A name has no characters that need an escape.
    @usableFromInline
    mutating func key(_ name: String) { append(name, 0) { _ in } }

    /// Appends what `body` writes, at most `count` characters, as a member if there is a name.
    ///
    /// That is one look at the array's capacity for all of it.
    @inline(__always)
    private mutating func append(
        _ name: String?, _ count: Int, _ body: (inout OutputSpan<UInt8>) -> Void
    ) {
        guard let name else {
            return bytes.append(addingCapacity: count, initializingWith: body)
        }
        let isFirst = bytes.last == UInt8(ascii: "{")
        if form == .document {
            snakeCase(name, isFirst)
            return bytes.append(addingCapacity: count, initializingWith: body)
        }
        let text = name.utf8.span
        bytes.append(addingCapacity: text.count + 4 + count) { output in
            if !isFirst { output.append(UInt8(ascii: ",")) }
            output.append(UInt8(ascii: "\""))
            output.append(copying: text)
            output.append(UInt8(ascii: "\""))
            output.append(UInt8(ascii: ":"))
            body(&output)
        }
    }

    /// Appends a member's name as a `.proto` has it: `docs/IDL.md`, part 3.
    private mutating func snakeCase(_ name: String, _ isFirst: Bool) {
        let text = name.utf8.span
        bytes.append(addingCapacity: text.count * 2 + 4) { output in
            if !isFirst { output.append(UInt8(ascii: ",")) }
            output.append(UInt8(ascii: "\""))
            for index in text.indices {
                if SnakeCase.beginsWord(text, index) { output.append(UInt8(ascii: "_")) }
                output.append(SnakeCase.letter(text[index]))
            }
            output.append(UInt8(ascii: "\""))
            output.append(UInt8(ascii: ":"))
        }
    }

    @usableFromInline
    mutating func redacted(_ name: String) {
        key(name)
        text("[redacted]")
    }

    /// Appends ASCII in quotes.
    mutating func text(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        raw(text)
        bytes.append(UInt8(ascii: "\""))
    }

    @usableFromInline
    mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Appends a number's sign and digits, in quotes for types that JSON's readers would round.
    @usableFromInline
    mutating func integer(
        _ name: String?, _ magnitude: UInt64, isNegative: Bool, isQuoted: Bool
    ) {
        append(name, 23) { output in
            if isQuoted { output.append(UInt8(ascii: "\"")) }
            if isNegative { output.append(UInt8(ascii: "-")) }
            DigitText.put(magnitude, &output)
            if isQuoted { output.append(UInt8(ascii: "\"")) }
        }
    }

    /// Appends a name, or a number that has none.
    @usableFromInline
    mutating func enumeration(_ number: Int32, _ names: EnumNames) {
        if !names.put(number, &bytes) { number.encodeValue(into: &self) }
    }

    /// Appends a number; what JSON has no number for, as a word in quotes.
    mutating func floating(_ value: some BinaryFloatingPoint & CustomStringConvertible) {
        if value.isFinite {
            // The shortest digits that are read as the same value.
            raw(value.description)
        } else {
            text(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
        }
    }

    // MARK: Strings

    /// Appends a string in quotes, with as few escapes as can be.
    @usableFromInline
    mutating func string(_ name: String?, _ value: String) {
        let text = value.utf8.span
        let isPlain = Self.isPlain(text)
        append(name, text.count + 2) { output in
            output.append(UInt8(ascii: "\""))
            if !isPlain { return }
            output.append(copying: text)
            output.append(UInt8(ascii: "\""))
        }
        if !isPlain { escaped(text) }
    }

    private static func isPlain(_ text: Span<UInt8>) -> Bool {
        var index = 0
        while let octet = Octet(text, at: index) {
            if octet.escaped < 8 { return false }
            index &+= 8
        }
        while index < text.count {
            if isEscaped(text[index]) { return false }
            index &+= 1
        }
        return true
    }

    @inline(__always)
    private static func isEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    /// Appends a string with its escapes, and the quote behind it.
    private mutating func escaped(_ text: Span<UInt8>) {
        var start = 0
        for index in text.indices where Self.isEscaped(text[index]) {
            bytes.append(text, start..<index)
            escape(text[index])
            start = index + 1
        }
        bytes.append(text, start..<text.count)
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case ..<0x20:
            raw(byte < 0x10 ? "u000" : "u001")
            let digit = byte & 15
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        default: bytes.append(byte)
        }
    }

    /// Appends in quotes what `body` writes, at most `count` characters that need no escape.
    @inline(__always)
    mutating func quoted(
        _ name: String?, _ count: Int, _ body: (inout OutputSpan<UInt8>) -> Void
    ) {
        append(name, count + 2) { output in
            output.append(UInt8(ascii: "\""))
            body(&output)
            output.append(UInt8(ascii: "\""))
        }
    }
}
