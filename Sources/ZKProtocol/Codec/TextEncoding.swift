/// How a device's bytes above 0x7F stand for characters.
///
/// UTF-8 on most firmware, a code page of the display's language on the rest. A code page is a
/// table that whoever makes it gets from a library; see `TextEncoding.named(_:)`.
public struct TextEncoding: Sendable {
    /// As the configuration writes it, such as `windows-1256`.
    public let name: String
    let page: CodePage?

    public static let utf8 = TextEncoding(name: "utf-8", page: nil)

    private init(name: String, page: CodePage?) {
        self.name = name
        self.page = page
    }

    /// A code page, from what each of its byte sequences means.
    ///
    /// `character` is asked once for every byte above 0x7F and, with `hasPairs`, for every pair
    /// that begins with such a byte that is no character alone; it returns nil for what the page
    /// does not have.
    public init(name: String, hasPairs: Bool, character: ([UInt8]) -> Unicode.Scalar?) {
        self.init(name: name, page: CodePage(hasPairs: hasPairs, character: character))
    }
}

extension TextEncoding: Hashable {
    public static func == (a: TextEncoding, b: TextEncoding) -> Bool { a.name == b.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension TextEncoding {
    /// The encodings that firmware is known to use, by the names that a configuration has.
    public static let names =
        ["utf-8", "gbk"] + (1250...1258).map { "windows-\($0)" }

    /// The code page that a device's `Language` setting suggests where its texts are not UTF-8;
    /// nil for a language that suggests none, English among them: such devices stand everywhere.
    public static func name(forLanguage language: String) -> String? {
        switch Int(language) {
        case 83, 84: "gbk"
        case 89, 90, 112: "windows-1250"
        case 82: "windows-1251"
        case 68, 70, 71, 80, 97, 105: "windows-1252"
        case 103: "windows-1253"
        case 116: "windows-1254"
        case 72: "windows-1255"
        case 65, 66: "windows-1256"
        case 86: "windows-1258"
        default: nil
        }
    }
}

/// What the bytes of a code page mean, and the way back.
///
/// A sequence that means the same character as an earlier one is left out: each character has
/// one sequence, so that what was decoded encodes to the same bytes.
final class CodePage: Sendable {
    /// For the bytes from 0x80; 0 for none.
    private let singles: [UInt32]
    /// For the pairs from 0x80 0x40, 192 for each first byte; empty where there are none.
    private let pairs: [UInt32]
    private let sequences: [UInt32: [UInt8]]

    init(hasPairs: Bool, character: ([UInt8]) -> Unicode.Scalar?) {
        var singles = [UInt32](repeating: 0, count: 128)
        var pairs: [UInt32] = []
        var sequences: [UInt32: [UInt8]] = [:]
        func isNew(_ scalar: Unicode.Scalar) -> Bool {
            scalar.value >= 0x80 && !DeviceText.escapes.contains(scalar.value)
                && sequences[scalar.value] == nil
        }
        for byte in UInt8(0x80)...0xFF {
            guard let scalar = character([byte]), isNew(scalar) else { continue }
            singles[Int(byte) - 0x80] = scalar.value
            sequences[scalar.value] = [byte]
        }
        if hasPairs {
            pairs = [UInt32](repeating: 0, count: 128 * 192)
            for first in UInt8(0x80)...0xFF where singles[Int(first) - 0x80] == 0 {
                for second in UInt8(0x40)...0xFF {
                    guard let scalar = character([first, second]), isNew(scalar)
                    else { continue }
                    pairs[CodePage.place(first, second)] = scalar.value
                    sequences[scalar.value] = [first, second]
                }
            }
        }
        CodePage.addComposed(to: &sequences)
        self.singles = singles
        self.pairs = pairs
        self.sequences = sequences
    }

    /// Where a page has accents apart, adds the letters that have them: Vietnamese is typed so.
    ///
    /// What such a letter's bytes decode to is equal to it as text.
    private static func addComposed(to sequences: inout [UInt32: [UInt8]]) {
        let known = sequences.compactMap { value, bytes in
            Unicode.Scalar(value).map { ($0, bytes) }
        }
        let marks = known.filter { $0.0.properties.generalCategory == .nonspacingMark }
        if marks.isEmpty { return }
        let latin = (UInt8(0x41)...0x7A).map { (Unicode.Scalar($0), [$0]) }
        // Texts are keys by canonical equivalence.
        var composed: [String: [UInt8]] = [:]
        for (letter, first) in latin + known where letter.properties.isAlphabetic {
            for (mark, second) in marks {
                var text = String(letter)
                text.unicodeScalars.append(mark)
                composed[text] = first + second
            }
        }
        for value in Array(UInt32(0xC0)...0x24F) + Array(0x1E00...0x1EFF)
        where sequences[value] == nil {
            if let scalar = Unicode.Scalar(value), let bytes = composed[String(scalar)] {
                sequences[value] = bytes
            }
        }
    }

    private static func place(_ first: UInt8, _ second: UInt8) -> Int {
        (Int(first) - 0x80) * 192 + Int(second) - 0x40
    }

    /// The character at `index` and how many bytes it has; nil where there is none.
    func character(_ bytes: Span<UInt8>, at index: Int) -> (Unicode.Scalar, bytes: Int)? {
        let first = bytes[index]
        guard first >= 0x80 else { return (Unicode.Scalar(first), 1) }
        if let scalar = CodePage.scalar(singles[Int(first) - 0x80]) { return (scalar, 1) }
        guard !pairs.isEmpty, index + 1 < bytes.count, bytes[index + 1] >= 0x40,
            let scalar = CodePage.scalar(pairs[CodePage.place(first, bytes[index + 1])])
        else { return nil }
        return (scalar, 2)
    }

    private static func scalar(_ value: UInt32) -> Unicode.Scalar? {
        value == 0 ? nil : Unicode.Scalar(value)
    }

    /// Appends the bytes of a character above 0x7F; false where the page lacks it.
    func append(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) -> Bool {
        guard let sequence = sequences[scalar.value] else { return false }
        bytes += sequence
        return true
    }
}
