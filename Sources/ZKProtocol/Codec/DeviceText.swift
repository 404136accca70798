/// Text of the device: bytes up to a NUL, in UTF-8 on most firmware and unknown on the rest.
///
/// Bytes that are not UTF-8 become private-use characters, byte 0x80 U+F780 and so on to
/// U+F7FF, from which writing makes the same bytes again: nothing is lost, whatever the code
/// page was.
public enum DeviceText {
    /// The text in `bytes`, up to the first NUL.
    public static func decode(_ bytes: [UInt8]) -> String {
        decode(bytes.span, 0..<bytes.count)
    }

    /// The bytes of `text`, cut at a character's end where they exceed `limit`.
    public static func encode(_ text: String, limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for character in text {
            var more: [UInt8] = []
            for scalar in character.unicodeScalars {
                if escapes ~= scalar.value {
                    more.append(UInt8(truncatingIfNeeded: scalar.value - 0xF700))
                } else {
                    more.append(contentsOf: String(scalar).utf8)
                }
            }
            guard bytes.count + more.count <= limit else { break }
            bytes += more
        }
        return bytes
    }

    private static let escapes: ClosedRange<UInt32> = 0xF780...0xF7FF

    static func decode(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        var end = range.lowerBound
        while end < range.upperBound, bytes[end] != 0 { end += 1 }
        let field = bytes.extracting(range.lowerBound..<end)
        if let text = try? UTF8Span(validating: field) {
            let text = String(copying: text)
            // A text that holds our escapes itself must not be mistaken for escaped bytes.
            if text.isASCII || !text.unicodeScalars.contains(where: { escapes ~= $0.value }) {
                return text
            }
        }
        var text = ""
        for index in field.indices {
            let byte = UInt32(field[index])
            // Neither an ASCII code nor an escape is a surrogate: never nil.
            text.unicodeScalars.append(Unicode.Scalar(byte < 0x80 ? byte : 0xF700 + byte) ?? "?")
        }
        return text
    }
}

extension String {
    fileprivate var isASCII: Bool { utf8.allSatisfy { $0 < 0x80 } }
}
