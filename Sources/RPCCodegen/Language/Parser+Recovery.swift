// Bodies and their elements, and where reading goes on after a mistake.

extension Parser {
    /// A body that is being read.
    struct Block {
        var name: NameSyntax
        /// Of the line of its head.
        var indentation: Int
        /// Whether its brace ends a line, so that the one that closes it begins one.
        var isSpread: Bool
    }

    // MARK: Bodies

    /// The brace that opens a body; where it is missing, reading goes on as if it stood there.
    ///
    /// Nil where there is no body.
    mutating func open(_ name: NameSyntax, _ head: Token) -> Block? {
        if !skip("{") {
            _ = expected("`{` of `\(name.text)`", insert: "{")
            while !isAtEnd, !token.startsLine, !isSymbol("{"), !isSymbol("}") { advance() }
            let isBelow = token.startsLine && token.indentation <= head.indentation
            if !skip("{"), isAtEnd || (isBelow && !isSymbol("}")) { return nil }
        }
        return Block(name: name, indentation: head.indentation, isSpread: token.startsLine)
    }

    /// Elements up to the brace that closes a body; false when some could not be read.
    mutating func body(
        _ block: Block, _ element: (inout Parser) throws(Abandoned) -> Void
    ) -> Bool {
        var isWhole = true
        while !ends(block) {
            if !self.element(element) { isWhole = false }
        }
        return isWhole
    }

    /// Reads the brace that closes a body, if it stands here.
    mutating func ends(_ block: Block) -> Bool {
        while trustsIndentation, isSymbol("}"), !isOutside(block), !closes(block) {
            _ = fail(
                .unexpected, "this `}` closes nothing; `\(block.name.text)` goes on",
                fix: Diagnostic.Fix(range: token.range, replacement: ""))
            advance()
        }
        if !isAtEnd, !(trustsIndentation && isOutside(block)) { return skip("}") }
        isUnbalanced = true
        let end = SourceRange(start: lastRange.end, end: lastRange.end)
        let margin = String(repeating: " ", count: block.indentation - 1)
        _ = fail(
            .openBody, "expected `}` of `\(block.name.text)`",
            at: trustsIndentation ? end : token.range,
            related: Diagnostic.Related(
                path: source.path, range: block.name.range,
                text: "`\(block.name.text)` begins here"),
            fix: Diagnostic.Fix(
                range: end, replacement: block.isSpread ? "\n\(margin)}" : " }"))
        return true
    }

    /// Whether the line of the token says that it is no part of a body.
    func isOutside(_ block: Block) -> Bool {
        token.startsLine
            && (token.indentation < block.indentation
                || token.indentation == block.indentation && !isSymbol("}"))
    }

    private func closes(_ block: Block) -> Bool {
        token.startsLine ? token.indentation <= block.indentation : !block.isSpread
    }

    // MARK: Elements

    /// One element of a body, which ends its line or stands before the brace; false when it or
    /// what stands behind it could not be read.
    mutating func element(_ element: (inout Parser) throws(Abandoned) -> Void) -> Bool {
        let start = index
        elementStart = index
        do throws(Abandoned) {
            try element(&self)
        } catch {
            skipElement(from: start)
            return false
        }
        return endLine()
    }

    /// Behind an element a new line begins, or the outer brace stands; false when it does not.
    mutating func endLine() -> Bool {
        if token.startsLine || isSymbol("}") { return true }
        let gap = SourceRange(start: lastRange.end, end: token.range.start)
        let margin = String(repeating: " ", count: token.indentation - 1)
        _ = fail(
            .missingNewLine, "expected a new line, found `\(source.text(token.range))`",
            fix: Diagnostic.Fix(range: gap, replacement: "\n" + margin))
        let signs: [Token.Kind] = [.symbol(":"), .symbol("="), .symbol("(")]
        if token.kind == .identifier, signs.contains(nextToken.kind) { return true }
        skipElement(from: index)
        return false
    }

    /// Goes to the line behind an element that could not be read, or to the brace that closes
    /// more than the element has opened.
    mutating func skipElement(from start: Int) {
        let indentation = tokens[Swift.min(start, tokens.count - 1)].indentation
        var depth = 0
        if index == start {
            advance()
        } else {
            for token in tokens[start..<index] { depth += token.braces }
        }
        while !isAtEnd {
            if token.startsLine {
                let isInside =
                    isSymbol("}")
                    ? token.indentation >= indentation : token.indentation > indentation
                if depth <= 0 || !isInside { break }
            }
            if depth <= 0, isSymbol("}") { break }
            depth += token.braces
            advance()
        }
        lose(from: start)
    }

    /// Keeps the words that were skipped.
    mutating func lose(from start: Int) {
        for token in tokens[start..<Swift.max(start, index)] where token.kind == .identifier {
            lost.insert(token.text)
        }
    }

    // MARK: Indentation

    /// Whether most bodies are indented.
    static func isIndented(_ tokens: [Token]) -> Bool {
        var score = 0
        for (brace, next) in zip(tokens, tokens.dropFirst())
        where brace.kind == .symbol("{") && next.startsLine && next.kind != .symbol("}") {
            score += next.indentation > brace.indentation ? 1 : -1
        }
        return score > 0
    }
}

extension Token {
    /// How many braces it opens, less those that it closes.
    fileprivate var braces: Int {
        kind == .symbol("{") ? 1 : kind == .symbol("}") ? -1 : 0
    }
}
