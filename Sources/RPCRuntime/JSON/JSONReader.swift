/// A cursor over one text of JSON (RFC 8259).
///
/// The text is passed beside it, the same at every call, because a span cannot be stored. Nothing
/// is taken that the RFC does not have, and of an object no member twice.
@frozen
public struct JSONReader: Sendable {
    /// Messages may stand inside one another this deep, as in the binary form; and so may the
    /// objects and lists of a member that is passed over.
    public static var depthLimit: Int { WireReader.depthLimit }

    /// Whether members that a message does not have are passed over.
    @usableFromInline let ignoresUnknown: Bool
    /// The index of the next character.
    @usableFromInline var position = 0
    /// The index of the first character of the value being read.
    @usableFromInline var valueStart = 0
    /// The index of the quote before the name that waits.
    @usableFromInline var keyStart = 0
    /// The length of the name that waits, or ``noKey`` or ``oddKey``.
    @usableFromInline var keyCount = Self.noKey
    /// How many messages the outermost one and those in it are.
    @usableFromInline var depth = 0
    /// The fields that the object has had, a bit each, in the order in which they are asked for.
    @usableFromInline var seen: UInt64 = 0
    /// The same of the fields from the 65th on, behind those of the objects around it.
    @usableFromInline var seenBeyond: [UInt64] = []
    @usableFromInline var seenBase = 0
    /// How many fields have been asked for since ``more(_:)`` was.
    @usableFromInline var asked = 0
    /// Whether a field has been read since ``more(_:)`` was asked.
    @usableFromInline var matched = false

    /// Behind the last member of an object.
    @usableFromInline static var noKey: Int { .max }
    /// A name with an escape or an underscore, which is not compared by its length.
    @usableFromInline static var oddKey: Int { -1 }

    /// Reads from the start of a text.
    @inlinable
    public init(ignoresUnknown: Bool = false) { self.ignoresUnknown = ignoresUnknown }

    /// An error at the value being read.
    public func failure(_ reason: DecodingFailure.Reason) -> DecodingFailure {
        DecodingFailure(reason, offset: valueStart)
    }

    // MARK: Elements of the format

    /// The next character that is not white space; does not move behind it.
    @inlinable @inline(__always)
    mutating func peek(_ bytes: Span<UInt8>) throws(DecodingFailure) -> UInt8 {
        if position < bytes.count, bytes[position] > 0x20 { return bytes[position] }
        return try peekFar(bytes)
    }

    @usableFromInline
    mutating func peekFar(_ bytes: Span<UInt8>) throws(DecodingFailure) -> UInt8 {
        passSpace(bytes)
        guard position < bytes.count else { throw here(.truncated) }
        return bytes[position]
    }

    private mutating func passSpace(_ bytes: Span<UInt8>) {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position &+= 1
            default: return
            }
        }
    }

    /// The first character of the value that comes next.
    @inlinable @inline(__always)
    mutating func value(_ bytes: Span<UInt8>) throws(DecodingFailure) -> UInt8 {
        let first = try peek(bytes)
        valueStart = position
        return first
    }

    /// Steps over a character that must come next.
    @usableFromInline
    mutating func take(_ bytes: Span<UInt8>, _ character: Unicode.Scalar)
        throws(DecodingFailure)
    {
        guard UInt32(try peek(bytes)) == character.value else {
            throw here(.json(.syntax(expected: "`\(character)`")))
        }
        position &+= 1
    }

    /// Steps over `null`, if that comes next.
    @inlinable @inline(__always)
    mutating func null(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Bool {
        guard try value(bytes) == UInt8(ascii: "n") else { return false }
        try word(bytes, "null")
        return true
    }

    /// Steps over a word that must come next.
    @usableFromInline
    mutating func word(_ bytes: Span<UInt8>, _ word: String) throws(DecodingFailure) {
        let letters = word.utf8.span
        for index in letters.indices {
            guard position + index < bytes.count else { throw here(.truncated) }
            guard bytes[position + index] == letters[index] else {
                throw here(.json(.syntax(expected: "a value")))
            }
        }
        position += letters.count
    }

    /// Checks that nothing follows.
    @usableFromInline
    mutating func finish(_ bytes: Span<UInt8>) throws(DecodingFailure) {
        passSpace(bytes)
        if position < bytes.count { throw here(.json(.trailingText)) }
    }

    // MARK: Errors

    /// An error at the next character.
    func here(_ reason: DecodingFailure.Reason) -> DecodingFailure {
        DecodingFailure(reason, offset: position)
    }

    /// A value that is not of the kind that should come next.
    @usableFromInline
    func mismatch(_ first: UInt8, _ expected: String) -> DecodingFailure {
        let found: String? =
            switch first {
            case UInt8(ascii: "{"): "an object"
            case UInt8(ascii: "["): "a list"
            case UInt8(ascii: "\""): "a string"
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): "a number"
            case UInt8(ascii: "t"), UInt8(ascii: "f"): "a truth value"
            case UInt8(ascii: "n"): "null"
            default: nil
            }
        guard let found else { return here(.json(.syntax(expected: expected))) }
        return failure(.json(.wrongType(expected: expected, found: found)))
    }

    /// The value that has just been read is none of a type.
    @usableFromInline
    func unfit(_ bytes: Span<UInt8>, _ type: String) -> DecodingFailure {
        let text = bytes.extracting(valueStart..<position)
        return failure(.json(.unfit(value: Self.excerpt(text), type: type)))
    }

    /// The beginning of a text.
    static func excerpt(_ text: Span<UInt8>) -> String {
        var start: [UInt8] = []
        start.append(text, 0..<min(text.count, 64))
        return String(decoding: start, as: UTF8.self) + (text.count > 64 ? "…" : "")
    }

    /// Puts the name of a member, whose quote stands at `place`, before the pointer of an error.
    @usableFromInline
    func locate(
        _ error: DecodingFailure, _ bytes: Span<UInt8>, _ place: Int
    ) -> DecodingFailure {
        var reader = JSONReader()
        reader.position = place
        guard let name = try? reader.string(bytes, String.unlimited) else { return error }
        return error.below(name)
    }
}

extension DecodingFailure {
    /// Puts a step before the pointer.
    @usableFromInline
    func below(_ step: String) -> DecodingFailure {
        var located = self
        let step = Array(step.utf8.prefix(256)).span
        var text: [UInt8] = [UInt8(ascii: "/")]
        for index in step.indices {
            switch step[index] {
            case UInt8(ascii: "~"): text += Array("~0".utf8)
            case UInt8(ascii: "/"): text += Array("~1".utf8)
            default: text.append(step[index])
            }
        }
        located.pointer = String(decoding: text, as: UTF8.self) + pointer
        return located
    }
}
