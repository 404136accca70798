// Strings: names of members, and values that are written as strings.

extension JSONReader {
    /// What stands between two quotes.
    @usableFromInline
    struct Token {
        @usableFromInline let range: Range<Int>
        @usableFromInline let isEscaped: Bool

        /// Whether there is neither an escape nor an underscore.
        func isPlain(_ bytes: Span<UInt8>) -> Bool {
            if isEscaped { return false }
            for index in range where bytes[index] == UInt8(ascii: "_") { return false }
            return true
        }
    }

    /// Steps over a string; the quote before it comes next.
    ///
    /// What is in it has been checked for control characters, and for nothing else.
    @usableFromInline
    mutating func token(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Token {
        let start = position &+ 1
        var index = start
        var isEscaped = false
        while index < bytes.count {
            if let octet = Octet(bytes, at: index) {
                index &+= octet.escaped
                if octet.escaped == 8 { continue }
            }
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                position = index &+ 1
                return Token(range: start..<index, isEscaped: isEscaped)
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
                // Whatever is escaped does not end the string.
                index &+= 1
            } else if byte < 0x20 {
                throw DecodingFailure(.json(.controlCharacter), offset: index)
            }
            index &+= 1
        }
        throw DecodingFailure(.truncated, offset: bytes.count)
    }

    /// The characters of a string that has escapes, not yet checked for being UTF-8.
    @usableFromInline
    func unescaped(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(DecodingFailure) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = bytes[index]
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                index += 1
                continue
            }
            let escape = bytes.extracting(index..<range.upperBound)
            guard let (scalar, length) = Self.scalar(escape) else {
                throw DecodingFailure(.json(.invalidEscape), offset: index)
            }
            text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            index += length
        }
        return text
    }

    /// The character that the escape at the start of a text means, and how long the escape is.
    private static func scalar(_ text: Span<UInt8>) -> (Unicode.Scalar, length: Int)? {
        guard text.count > 1 else { return nil }
        switch text[1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return (Unicode.Scalar(text[1]), 2)
        case UInt8(ascii: "b"): return ("\u{8}", 2)
        case UInt8(ascii: "f"): return ("\u{C}", 2)
        case UInt8(ascii: "n"): return ("\n", 2)
        case UInt8(ascii: "r"): return ("\r", 2)
        case UInt8(ascii: "t"): return ("\t", 2)
        default: break
        }
        guard let first = codeUnit(text, 0) else { return nil }
        // Half of a pair is no scalar.
        if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
        guard first < 0xDC00, let second = codeUnit(text, 6), (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { return nil }
        return (scalar, 12)
    }

    /// The number of an escape `\uXXXX` at a place.
    private static func codeUnit(_ text: Span<UInt8>, _ place: Int) -> UInt32? {
        guard text.count >= place + 6, text[place] == UInt8(ascii: "\\"),
            text[place + 1] == UInt8(ascii: "u")
        else { return nil }
        var value: UInt32 = 0
        for index in (place + 2)..<(place + 6) {
            guard let digit = RPCUUID.digit(text[index]) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    // MARK: Values

    /// Reads a string whose bytes of UTF-8 are as many as `limit` allows.
    @usableFromInline
    mutating func string(
        _ bytes: Span<UInt8>, _ limit: ClosedRange<Int>
    ) throws(DecodingFailure) -> String {
        let token = try stringToken(bytes)
        if token.isEscaped {
            let text = try unescaped(bytes, token.range)
            return try string(of: text.span, limit)
        }
        return try string(of: bytes.extracting(token.range), limit)
    }

    private func string(
        of text: Span<UInt8>, _ limit: ClosedRange<Int>
    ) throws(DecodingFailure) -> String {
        try check(text.count, limit)
        guard let text = try? UTF8Span(validating: text) else { throw failure(.invalidUTF8) }
        return String(copying: text)
    }

    /// Reads a string and makes of it a value of a type; nil is an error that names the type.
    @inlinable
    mutating func text<T>(
        _ bytes: Span<UInt8>, _ type: @autoclosure () -> String, _ make: (Span<UInt8>) -> T?
    ) throws(DecodingFailure) -> T {
        let token = try stringToken(bytes)
        if token.isEscaped {
            let text = try unescaped(bytes, token.range)
            if let value = make(text.span) { return value }
        } else if let value = make(bytes.extracting(token.range)) {
            return value
        }
        throw unfit(bytes, type())
    }

    @usableFromInline
    mutating func stringToken(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Token {
        let first = try value(bytes)
        guard first == UInt8(ascii: "\"") else { throw mismatch(first, "a string") }
        return try token(bytes)
    }

    // MARK: Names

    /// Whether the name that waits is this one, as the schema or as a `.proto` writes it.
    ///
    /// Mutating only so that the reader is not copied.
    @usableFromInline
    mutating func isKey(_ bytes: Span<UInt8>, _ name: String) -> Bool {
        if keyCount != Self.oddKey {
            return Self.equal(bytes, keyStart &+ 1, name.utf8.span)
        }
        var reader = self
        reader.position = keyStart
        guard let key = try? reader.string(bytes, String.unlimited) else { return false }
        return key == name || SnakeCase.matches(key.utf8.span, name.utf8.span)
    }

    /// Whether a name stands at a place, behind which there are as many bytes.
    private static func equal(_ bytes: Span<UInt8>, _ place: Int, _ name: Span<UInt8>) -> Bool {
        let text = bytes.extracting(place..<(place &+ name.count))
        var index = 0
        while let left = Octet(text, at: index), let right = Octet(name, at: index) {
            if left != right { return false }
            index &+= 8
        }
        while index < name.count {
            if text[index] != name[index] { return false }
            index &+= 1
        }
        return true
    }

    /// The place of the name that comes next.
    @usableFromInline
    mutating func keyPlace(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Int {
        guard try peek(bytes) == UInt8(ascii: "\"") else {
            throw here(.json(.syntax(expected: "a name in quotes")))
        }
        return position
    }

    /// The key that has just been read came before.
    @usableFromInline
    func duplicate(_ bytes: Span<UInt8>) -> DecodingFailure {
        let text = bytes.extracting((valueStart + 1)..<(position - 1))
        return failure(.json(.duplicate(Self.excerpt(text))))
    }
}
