/// A formatted schema as it grows.
struct FormatterOutput {
    private(set) var bytes: [UInt8] = []
    /// How many characters the last line has.
    private(set) var column = 0

    mutating func append(_ text: ArraySlice<UInt8>) {
        bytes += text
        column += Self.width(text)
    }

    mutating func space() {
        bytes.append(UInt8(ascii: " "))
        column += 1
    }

    /// Begins a line, behind an empty one if wanted.
    mutating func beginLine(depth: Int, afterBlank: Bool) {
        if !bytes.isEmpty { endLine() }
        if afterBlank { endLine() }
        column = 4 * depth
        for _ in 0..<column { bytes.append(UInt8(ascii: " ")) }
    }

    mutating func endLine() { bytes.append(UInt8(ascii: "\n")) }

    /// Characters as Unicode counts them: bytes, but for those that continue one.
    static func width(_ text: ArraySlice<UInt8>) -> Int {
        text.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
    }
}
