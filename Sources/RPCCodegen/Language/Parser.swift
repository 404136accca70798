/// Turns tokens into syntax.
///
/// After a mistake it goes on at the next line that can begin something, so that one run reports
/// the mistakes of the whole file.
struct Parser {
    let source: SourceText
    let tokens: [Token]
    /// Whether bodies end where the indentation of the lines says so.
    var trustsIndentation = false
    var index = 0
    /// Of the field, method or annotation that is being read.
    var elementStart = 0
    var diagnostics: Diagnostics
    /// The lines that have mistakes: what comes behind one on its line is no news.
    private var brokenLines: Set<Int> = []
    /// Words that were skipped.
    var lost: Set<String> = []
    /// There are more braces that open than braces that close, or fewer.
    var isUnbalanced = false

    /// A mistake that has been reported; reading goes on further down.
    struct Abandoned: Error {}

    static func parse(_ source: SourceText, _ diagnostics: inout Diagnostics) -> SchemaSyntax {
        let before = diagnostics.all.count
        let tokens = Lexer.tokens(of: source, &diagnostics)
        var parser = Parser(source, tokens, diagnostics, before)
        var schema = parser.schema()
        // Which brace is missing or too many the lines tell, if they are indented as usual.
        if parser.isUnbalanced, isIndented(tokens) {
            var second = Parser(source, tokens, diagnostics, before)
            second.trustsIndentation = true
            let other = second.schema()
            if second.diagnostics.all.count <= parser.diagnostics.all.count {
                parser = second
                schema = other
            }
        }
        diagnostics = parser.diagnostics
        return schema
    }

    private init(
        _ source: SourceText, _ tokens: [Token], _ diagnostics: Diagnostics, _ before: Int
    ) {
        self.source = source
        self.tokens = tokens
        self.diagnostics = diagnostics
        for mistake in diagnostics.all[before...] {
            brokenLines.insert(source.position(mistake.range.start).line)
        }
    }

    // MARK: Tokens

    var token: Token { tokens[Swift.min(index, tokens.count - 1)] }
    var nextToken: Token { tokens[Swift.min(index + 1, tokens.count - 1)] }
    var isAtEnd: Bool { token.kind == .end }

    /// The place of what has been read last.
    var lastRange: SourceRange { tokens[Swift.max(index - 1, 0)].range }

    mutating func advance() { if !isAtEnd { index += 1 } }

    func isSymbol(_ symbol: Character) -> Bool { token.kind == .symbol(symbol) }

    func isWord(_ word: String) -> Bool { token.kind == .identifier && token.text == word }

    mutating func skip(_ symbol: Character) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    // MARK: Mistakes

    mutating func fail(
        _ rule: Rule, _ text: String, at range: SourceRange? = nil,
        related: Diagnostic.Related? = nil, fix: Diagnostic.Fix? = nil
    ) -> Abandoned {
        let range = range ?? token.range
        let isFirst = brokenLines.insert(source.position(range.start).line).inserted
        if isFirst || (rule != .unexpected && rule != .missingNewLine) {
            diagnostics.report(rule, source, range, text, related: related, fix: fix)
        }
        return Abandoned()
    }

    /// `expected …, found …`, placed behind the token before when the line ends there.
    ///
    /// What is missing goes before what was found, or in its place.
    mutating func expected(
        _ what: String, insert missing: String? = nil, replaces: Bool = false
    ) -> Abandoned {
        if token.startsLine, index > 0, index != elementStart {
            let end = SourceRange(start: lastRange.end, end: lastRange.end)
            return fail(
                .unexpected, "expected \(what) before the end of the line", at: end,
                fix: missing.map {
                    Diagnostic.Fix(range: end, replacement: $0 == "{" ? " {" : $0)
                })
        }
        let found = isAtEnd ? token.text : "`\(source.text(token.range))`"
        return fail(
            .unexpected, "expected \(what), found \(found)",
            fix: missing.map { sign in
                if replaces { return Diagnostic.Fix(range: token.range, replacement: sign) }
                // Some signs stand right behind the word before.
                let isBehind = [":", ",", ")", ">", "}"].contains(sign)
                let place = isBehind ? lastRange.end : token.range.start
                return Diagnostic.Fix(
                    range: SourceRange(start: place, end: place),
                    replacement: isBehind ? sign : sign == "(" ? sign : sign + " ")
            })
    }

    /// A sign; where it alone is missing or wrong, reading goes on behind it.
    mutating func expect(
        _ symbol: Character, _ context: String, before kinds: [Token.Kind] = []
    ) throws(Abandoned) {
        if skip(symbol) { return }
        let isMissing = !token.startsLine && kinds.contains(token.kind)
        var isOther = false
        if !isMissing, !token.startsLine, !nextToken.startsLine, case .symbol = token.kind {
            isOther = kinds.contains(nextToken.kind)
        }
        let abandoned = expected(
            "`\(symbol)` \(context)", insert: String(symbol), replaces: isOther)
        if isOther { advance() }
        if !isMissing, !isOther { throw abandoned }
    }

    // MARK: Words and numbers

    mutating func name(_ what: String) throws(Abandoned) -> NameSyntax {
        guard token.kind == .identifier else { throw expected(what) }
        defer { advance() }
        return NameSyntax(text: token.text, range: token.range)
    }

    mutating func qualifiedName(_ what: String) throws(Abandoned) -> NameSyntax {
        var name = try name(what)
        while isSymbol("."), nextToken.kind == .identifier {
            advance()
            name.text += "." + token.text
            name.range = name.range.joined(with: token.range)
            advance()
        }
        return name
    }

    mutating func integer(_ what: String) throws(Abandoned) -> IntegerSyntax {
        let start = token.range
        let isNegative = skip("-")
        guard token.kind == .number else { throw expected(what) }
        defer { advance() }
        guard let value = Int64((isNegative ? "-" : "") + token.text) else {
            throw fail(.badNumber, "`\(token.text)` is not \(what)")
        }
        return IntegerSyntax(value: value, range: start.joined(with: token.range))
    }

    mutating func string(_ what: String) throws(Abandoned) -> StringSyntax {
        guard token.kind == .string else { throw expected(what) }
        defer { advance() }
        return StringSyntax(text: token.text, range: token.range)
    }
}
