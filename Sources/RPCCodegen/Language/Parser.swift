/// Turns tokens into syntax.
///
/// After a mistake it goes on at the next line that can begin something, so that one run reports
/// the mistakes of the whole file.
struct Parser {
    let source: SourceText
    let tokens: [Token]
    var index = 0
    var diagnostics = Diagnostics()

    /// A mistake that has been reported; reading goes on further down.
    struct Abandoned: Error {}

    static func parse(_ source: SourceText, _ diagnostics: inout Diagnostics) -> SchemaSyntax {
        let tokens = Lexer.tokens(of: source, &diagnostics)
        var parser = Parser(source: source, tokens: tokens, diagnostics: diagnostics)
        let schema = parser.schema()
        diagnostics = parser.diagnostics
        return schema
    }

    // MARK: Tokens

    var token: Token { tokens[Swift.min(index, tokens.count - 1)] }
    var nextToken: Token { tokens[Swift.min(index + 1, tokens.count - 1)] }
    var isAtEnd: Bool { token.kind == .end }

    mutating func advance() { if !isAtEnd { index += 1 } }

    func isSymbol(_ symbol: Character) -> Bool { token.kind == .symbol(symbol) }

    func isWord(_ word: String) -> Bool { token.kind == .identifier && token.text == word }

    mutating func skip(_ symbol: Character) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func fail(
        _ rule: Rule, _ text: String, at range: SourceRange? = nil, fix: Diagnostic.Fix? = nil
    ) -> Abandoned {
        diagnostics.report(rule, source, range ?? token.range, text, fix: fix)
        return Abandoned()
    }

    /// `expected …, found …`, placed behind the token before when the line ends there.
    mutating func expected(_ what: String) -> Abandoned {
        let found = isAtEnd ? token.text : "`\(source.text(token.range))`"
        if token.startsLine, index > 0 {
            let end = tokens[index - 1].range.end
            return fail(
                .unexpected, "expected \(what) before the end of the line",
                at: SourceRange(start: end, end: end))
        }
        return fail(.unexpected, "expected \(what), found \(found)")
    }

    mutating func expect(_ symbol: Character, _ context: String) throws(Abandoned) {
        guard skip(symbol) else { throw expected("`\(symbol)` \(context)") }
    }

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

    /// Goes to the next token that begins a line, or to a brace that closes more than the line
    /// has opened.
    mutating func skipLine() {
        var depth = 0
        while !isAtEnd, !token.startsLine {
            if isSymbol("{") { depth += 1 }
            if isSymbol("}") {
                if depth == 0 { return }
                depth -= 1
            }
            advance()
        }
    }

    /// `{ … }`, element by element; a mistake in one does not stop the others.
    mutating func body(
        _ context: String, _ element: (inout Parser) throws(Abandoned) -> Void
    ) throws(Abandoned) {
        try expect("{", context)
        while !isAtEnd {
            if skip("}") { return }
            self.element(element)
        }
        _ = fail(.openBody, "expected `}` \(context)")
    }

    /// One element of a body, which ends its line or stands before the brace.
    mutating func element(_ element: (inout Parser) throws(Abandoned) -> Void) {
        let before = index
        do throws(Abandoned) {
            try element(&self)
            if !token.startsLine, !isSymbol("}") { throw missingNewLine() }
        } catch {
            if index == before { advance() }
            skipLine()
        }
    }

    mutating func missingNewLine() -> Abandoned {
        let place = SourceRange(start: token.range.start, end: token.range.start)
        return fail(
            .missingNewLine, "expected a new line, found `\(source.text(token.range))`",
            fix: Diagnostic.Fix(range: place, replacement: "\n"))
    }

    // MARK: The file

    mutating func schema() -> SchemaSyntax {
        var schema = SchemaSyntax(source: source)
        while !isAtEnd {
            let before = index
            do throws(Abandoned) {
                try topLevel(&schema)
            } catch {
                if index == before { advance() }
                while !isAtEnd, !(token.startsLine && startsDeclaration) { advance() }
            }
        }
        return schema
    }

    private var startsDeclaration: Bool {
        ["package", "import", "message", "enum", "service"].contains(token.text)
            && token.kind == .identifier && nextToken.kind != .symbol(":")
    }

    private mutating func topLevel(_ schema: inout SchemaSyntax) throws(Abandoned) {
        let keyword = token
        let isFirst = schema.package == nil && schema.imports.isEmpty && isEmpty(schema)
        guard keyword.kind == .identifier else {
            throw fail(
                .unexpected,
                "expected `message`, `enum` or `service`, found `\(keyword.text)`")
        }
        switch keyword.text {
        case "package":
            advance()
            let name = try qualifiedName("the name of the package")
            if schema.package != nil {
                throw fail(.packagePlace, "a file has one `package`", at: keyword.range)
            }
            if !isFirst {
                throw fail(.packagePlace, "`package` comes first in the file", at: keyword.range)
            }
            schema.package = name
        case "import":
            advance()
            guard token.kind == .string else { throw expected("a path in quotes") }
            schema.imports.append(ImportSyntax(path: token.text, range: token.range))
            if !isEmpty(schema) {
                diagnostics.report(
                    .importPlace, source, keyword.range, "imports come before the declarations")
            }
            advance()
        case "message": schema.messages.append(try message())
        case "enum": schema.enums.append(try enumeration())
        case "service": schema.services.append(try service())
        default:
            let words = ["package", "import", "message", "enum", "service"]
            let nearest = Names.nearest(to: keyword.text, among: words)
            throw fail(
                .unexpected,
                "expected `message`, `enum` or `service`, found `\(keyword.text)`"
                    + Names.question(nearest),
                fix: nearest.map { Diagnostic.Fix(range: keyword.range, replacement: $0) })
        }
    }

    private func isEmpty(_ schema: SchemaSyntax) -> Bool {
        schema.messages.isEmpty && schema.enums.isEmpty && schema.services.isEmpty
    }
}
