/// The tokens of a schema and what stands between them.
struct FormatterInput {
    /// From its slashes to the end of its line, without trailing blanks.
    struct Comment {
        var range: SourceRange
        /// The line ends between it and what stands before it.
        var lineEnds: Int
    }

    /// What stands before a token.
    struct Gap {
        var comments: Range<Int>
        /// The line ends between the token and what stands before it, which may be a comment.
        var lineEnds: Int
    }

    let source: SourceText
    /// The last is `end`.
    let tokens: [Token]
    private(set) var comments: [Comment] = []
    /// One for each token.
    private(set) var gaps: [Gap] = []
    /// For each token that opens a bracket, the one that closes it; for others themselves.
    private(set) var closings: [Int]

    /// Nil when there are characters that the language does not have, strings without an end,
    /// brackets without a partner or braces nested too deeply.
    init?(_ source: SourceText) {
        var diagnostics = Diagnostics()
        self.source = source
        tokens = Lexer.tokens(of: source, &diagnostics)
        closings = Array(tokens.indices)
        guard diagnostics.all.isEmpty, matchBrackets() else { return nil }
        gaps.reserveCapacity(tokens.count)
        var end = 0
        for token in tokens {
            addGap(SourceRange(start: end, end: token.range.start))
            end = token.range.end
        }
    }

    func kind(_ index: Int) -> Token.Kind { tokens[index].kind }

    func hasComments(before index: Int) -> Bool { !gaps[index].comments.isEmpty }

    // MARK: Brackets

    private mutating func matchBrackets() -> Bool {
        var open: [(index: Int, closing: Character)] = []
        var depth = 0
        for (index, token) in tokens.enumerated() {
            guard case .symbol(let symbol) = token.kind else { continue }
            switch symbol {
            case "{":
                // Braces stand in braces only.
                depth += 1
                guard depth == open.count + 1, depth <= Formatter.depthMax else { return false }
                open.append((index, "}"))
            case "(": open.append((index, ")"))
            case "<": open.append((index, ">"))
            case "}", ")", ">":
                guard let last = open.popLast(), last.closing == symbol else { return false }
                closings[last.index] = index
                if symbol == "}" { depth -= 1 }
            default: break
            }
        }
        return open.isEmpty
    }

    // MARK: Comments

    /// Reads what the lexer has passed over: blanks, line ends and comments.
    private mutating func addGap(_ range: SourceRange) {
        let first = comments.count
        var lineEnds = 0
        var position = range.start
        while position < range.end {
            switch source.bytes[position] {
            case UInt8(ascii: "\n"):
                lineEnds += 1
                position += 1
            case UInt8(ascii: "/"):
                let start = position
                while position < range.end, source.bytes[position] != UInt8(ascii: "\n") {
                    position += 1
                }
                comments.append(
                    Comment(range: trimmed(start, position), lineEnds: lineEnds))
                lineEnds = 0
            default:
                position += 1
            }
        }
        gaps.append(Gap(comments: first..<comments.count, lineEnds: lineEnds))
    }

    private func trimmed(_ start: Int, _ end: Int) -> SourceRange {
        var end = end
        while end > start, " \t\r".utf8.contains(source.bytes[end - 1]) { end -= 1 }
        return SourceRange(start: start, end: end)
    }
}
