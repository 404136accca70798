/// A word or sign of a schema.
struct Token: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case identifier
        /// Digits, a fraction and letters behind them where there are any: `64`, `0.5`, `5s`.
        case number
        /// Without its quotes.
        case string
        case symbol(Character)
        case arrow
        /// `...`
        case ellipsis
        case end
    }

    var kind: Kind
    var text: String
    var range: SourceRange
    /// Whether it is the first on its line; where reading goes on after a mistake.
    var startsLine: Bool
    /// The column of the first token of its line, from 1.
    var indentation = 1
    /// The lines of `///` right before it, without the slashes.
    var documentation: [String] = []
}

/// Turns text into tokens, the last of which is always `end`.
struct Lexer {
    private let source: SourceText
    private var position = 0
    private var startsLine = true
    private var lineStart = 0
    private var indentation = 1
    private var documentation: [String] = []
    private var tokens: [Token] = []

    static func tokens(of source: SourceText, _ diagnostics: inout Diagnostics) -> [Token] {
        var lexer = Lexer(source: source)
        lexer.checkEncoding(&diagnostics)
        while lexer.step(&diagnostics) {}
        return lexer.tokens
    }

    private init(source: SourceText) { self.source = source }

    private func byte(_ offset: Int = 0) -> UInt8? {
        let index = position + offset
        return index < source.bytes.count ? source.bytes[index] : nil
    }

    private func checkEncoding(_ diagnostics: inout Diagnostics) {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: source.bytes.span)
        } catch {
            let start = error.byteOffsets.lowerBound
            diagnostics.report(
                .notUTF8, source, SourceRange(start: start, end: error.byteOffsets.upperBound),
                "the file is not UTF-8")
        }
    }

    private mutating func add(_ kind: Token.Kind, from start: Int, text: String? = nil) {
        let range = SourceRange(start: start, end: position)
        if startsLine { indentation = start - lineStart + 1 }
        tokens.append(
            Token(
                kind: kind, text: text ?? source.text(range), range: range,
                startsLine: startsLine, indentation: indentation, documentation: documentation))
        startsLine = false
        documentation = []
    }

    /// Reads one token or stretch of space; false at the end.
    private mutating func step(_ diagnostics: inout Diagnostics) -> Bool {
        guard let byte = byte() else {
            startsLine = true
            add(.end, from: position, text: "the end of the file")
            return false
        }
        let start = position
        switch byte {
        case UInt8(ascii: "\n"):
            position += 1
            startsLine = true
            lineStart = position
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
            position += 1
        case UInt8(ascii: "/"):
            comment(&diagnostics)
        case UInt8(ascii: "\""):
            string(&diagnostics)
        case UInt8(ascii: "-") where self.byte(1) == UInt8(ascii: ">"):
            position += 2
            add(.arrow, from: start)
        case UInt8(ascii: ".")
        where self.byte(1) == UInt8(ascii: ".") && self.byte(2) == UInt8(ascii: "."):
            position += 3
            add(.ellipsis, from: start)
        case _ where Self.isLetter(byte):
            skipWord()
            add(.identifier, from: start)
        case _ where Self.isDigit(byte):
            skipWord()
            // A fraction; two dots or three are something else.
            if self.byte() == UInt8(ascii: "."), let digit = self.byte(1), Self.isDigit(digit) {
                position += 1
                skipWord()
            }
            add(.number, from: start)
        case _ where "{}()<>:=?,.-".utf8.contains(byte):
            position += 1
            add(.symbol(Character(Unicode.Scalar(byte))), from: start)
        default:
            unknown(&diagnostics)
        }
        return true
    }

    private mutating func skipWord() {
        while let next = byte(), Self.isLetter(next) || Self.isDigit(next) { position += 1 }
    }

    private mutating func comment(_ diagnostics: inout Diagnostics) {
        let start = position
        guard byte(1) == UInt8(ascii: "/") else {
            position += 1
            let slash = SourceRange(start: start, end: position)
            let isBlock = byte() == UInt8(ascii: "*")
            if isBlock { skipBlock() }
            diagnostics.report(
                .strayCharacter, source, slash,
                "`/` begins nothing; comments are `//` and, for documentation, `///`",
                fix: isBlock ? nil : Diagnostic.Fix(range: slash, replacement: "//"))
            return
        }
        while let next = byte(), next != UInt8(ascii: "\n") { position += 1 }
        var range = SourceRange(start: start, end: position)
        if byte(-1) == UInt8(ascii: "\r") { range.end -= 1 }
        checkControls(range, &diagnostics)
        let text = source.text(range)
        if text.hasPrefix("///"), !text.hasPrefix("////") {
            documentation.append(String(text.dropFirst(3)))
        } else {
            documentation = []
        }
    }

    /// Goes behind the `*/` of a comment of other languages, or to the end of its line.
    private mutating func skipBlock() {
        var end = position + 1
        while end + 1 < source.bytes.count {
            if source.bytes[end] == UInt8(ascii: "*"), source.bytes[end + 1] == UInt8(ascii: "/") {
                position = end + 2
                return
            }
            end += 1
        }
        while let next = byte(), next != UInt8(ascii: "\n") { position += 1 }
    }

    private mutating func string(_ diagnostics: inout Diagnostics) {
        let start = position
        position += 1
        while let next = byte(), next != UInt8(ascii: "\n"), next != UInt8(ascii: "\"") {
            position += 1
        }
        let inner = SourceRange(start: start + 1, end: position)
        let text = source.text(inner)
        if byte() == UInt8(ascii: "\"") {
            checkControls(inner, &diagnostics)
            position += 1
        } else {
            let hasReturn = position > start + 1 && byte(-1) == UInt8(ascii: "\r")
            let end = hasReturn ? position - 1 : position
            diagnostics.report(
                .openString, source, SourceRange(start: start, end: position),
                "the string has no closing `\"` on its line",
                fix: Diagnostic.Fix(
                    range: SourceRange(start: end, end: end), replacement: "\""))
        }
        add(.string, from: start, text: text)
    }

    /// Reports control characters in a text that is copied into what is generated, where a return
    /// would end its line.
    private func checkControls(_ range: SourceRange, _ diagnostics: inout Diagnostics) {
        for index in range.start..<range.end {
            let byte = source.bytes[index]
            if byte >= 0x20 && byte != 0x7F || byte == UInt8(ascii: "\t") { continue }
            let place = SourceRange(start: index, end: index + 1)
            diagnostics.report(
                .strayCharacter, source, place,
                "a control character (\(byte)) has no meaning in comments and in quotes",
                fix: Diagnostic.Fix(range: place, replacement: ""))
        }
    }

    /// Reports a run of characters that the language does not have, once.
    private mutating func unknown(_ diagnostics: inout Diagnostics) {
        let start = position
        position += 1
        while let next = byte(), next >= 0x80 { position += 1 }
        let range = SourceRange(start: start, end: position)
        diagnostics.report(
            .strayCharacter, source, range, "`\(source.text(range))` has no meaning here",
            fix: Diagnostic.Fix(range: range, replacement: ""))
    }

    static func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
    }

    static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
}
