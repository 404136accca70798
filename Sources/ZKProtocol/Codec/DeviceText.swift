/// Text of the device: bytes up to a NUL, in UTF-8 on most firmware and in a code page on the rest.
///
/// Bytes that the encoding does not know become private-use characters, byte 0x80 U+F780 and so
/// on to U+F7FF, from which writing makes the same bytes again: nothing is lost, whatever the
/// encoding was, and ``isDamaged(_:)`` tells such a text.
public enum DeviceText {
    static let escapes: ClosedRange<UInt32> = 0xF780...0xF7FF

    /// Whether the text has bytes that its encoding did not know.
    public static func isDamaged(_ text: String) -> Bool {
        text.unicodeScalars.contains { escapes ~= $0.value }
    }

    /// The text in `bytes`, up to the first NUL.
    public static func decode(_ bytes: [UInt8], _ encoding: TextEncoding = .utf8) -> String {
        decode(bytes.span, 0..<bytes.count, encoding)
    }

    static func decode(
        _ bytes: Span<UInt8>, _ range: Range<Int>, _ encoding: TextEncoding = .utf8
    ) -> String {
        var end = range.lowerBound
        var isASCII = true
        while end < range.upperBound, bytes[end] != 0 {
            if bytes[end] >= 0x80 { isASCII = false }
            end += 1
        }
        let field = bytes.extracting(range.lowerBound..<end)
        if isASCII || encoding.page == nil, let text = try? UTF8Span(validating: field) {
            let text = String(copying: text)
            // A text that holds our escapes itself must not be mistaken for escaped bytes.
            if isASCII || !isDamaged(text) { return text }
        }
        return decodeEach(field, encoding)
    }

    private static func decodeEach(_ field: Span<UInt8>, _ encoding: TextEncoding) -> String {
        var text = ""
        var index = 0
        while index < field.count {
            let known =
                if let page = encoding.page {
                    page.character(field, at: index)
                } else {
                    utf8Character(field, at: index)
                }
            if let (scalar, count) = known {
                text.unicodeScalars.append(scalar)
                index += count
            } else {
                // An escape is no surrogate: never nil.
                text.unicodeScalars.append(Unicode.Scalar(0xF700 + UInt32(field[index])) ?? "?")
                index += 1
            }
        }
        return text
    }

    /// The character at `index`; nil where there is none, or one of our escapes.
    private static func utf8Character(_ bytes: Span<UInt8>, at index: Int)
        -> (Unicode.Scalar, bytes: Int)?
    {
        let count =
            switch bytes[index] {
            case 0..<0x80: 1
            case 0xC2...0xDF: 2
            case 0xE0...0xEF: 3
            case 0xF0...0xF4: 4
            default: 0
            }
        guard count > 0, index + count <= bytes.count,
            let text = try? UTF8Span(validating: bytes.extracting(index..<index + count)),
            let scalar = String(copying: text).unicodeScalars.first, !(escapes ~= scalar.value)
        else { return nil }
        return (scalar, count)
    }

    /// The bytes of `text`, cut at a character's end where they exceed `limit`.
    ///
    /// A character that the encoding lacks becomes `?`; see ``canEncode(_:_:)``.
    public static func encode(_ text: String, limit: Int, _ encoding: TextEncoding = .utf8)
        -> [UInt8]
    {
        var bytes: [UInt8] = []
        for character in text {
            var more: [UInt8] = []
            for scalar in character.unicodeScalars where !append(scalar, to: &more, encoding) {
                more.append(UInt8(ascii: "?"))
            }
            guard more.count <= limit - bytes.count else { break }
            bytes += more
        }
        return bytes
    }

    /// Whether the encoding has every character of `text`.
    public static func canEncode(_ text: String, _ encoding: TextEncoding) -> Bool {
        var bytes: [UInt8] = []
        return text.unicodeScalars.allSatisfy { append($0, to: &bytes, encoding) }
    }

    private static func append(
        _ scalar: Unicode.Scalar, to bytes: inout [UInt8], _ encoding: TextEncoding
    ) -> Bool {
        if escapes ~= scalar.value {
            bytes.append(UInt8(truncatingIfNeeded: scalar.value - 0xF700))
        } else if scalar.value < 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: scalar.value))
        } else if let page = encoding.page {
            return page.append(scalar, to: &bytes)
        } else {
            bytes.append(contentsOf: String(scalar).utf8)
        }
        return true
    }
}
