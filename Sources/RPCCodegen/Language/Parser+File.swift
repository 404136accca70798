// The file: its package, its imports and where its declarations begin.

extension Parser {
    private static let keywords = ["package", "import", "message", "enum", "service"]

    mutating func schema() -> SchemaSyntax {
        var schema = SchemaSyntax(source: source, start: token.range)
        let margin = token.indentation
        while !isAtEnd {
            let start = index
            do throws(Abandoned) {
                try topLevel(&schema)
            } catch {
                if schema.hasNoDeclarations { schema.hasBrokenHead = true }
                if index == start { advance() }
                while !isAtEnd, !(startsDeclaration && token.indentation <= margin) { advance() }
                lose(from: start)
            }
        }
        schema.lost = lost
        return schema
    }

    private var startsDeclaration: Bool {
        token.startsLine && token.kind == .identifier && Self.keywords.contains(token.text)
            && nextToken.kind != .symbol(":")
    }

    private mutating func topLevel(_ schema: inout SchemaSyntax) throws(Abandoned) {
        let head = token
        if head.kind == .string {
            _ = expected("`import`", insert: "import")
            return try importStatement(head, &schema)
        }
        guard head.kind == .identifier, !Self.keywords.contains(head.text) else {
            return try declaration(head.text, head, &schema)
        }
        // A word that is misspelt, but with a name behind it as it must be.
        let isType = head.text.first?.isUppercase == true
        let nearest =
            Self.keywords.contains(head.text.lowercased())
            ? head.text.lowercased()
            : isType ? nil : Names.nearest(to: head.text, among: Self.keywords)
        let abandoned = fail(
            .unexpected,
            "expected `message`, `enum` or `service`, found `\(head.text)`"
                + Names.question(nearest),
            fix: nearest.map { Diagnostic.Fix(range: head.range, replacement: $0) })
        let follows: Token.Kind = nearest == "import" ? .string : .identifier
        guard let nearest, nextToken.kind == follows, !nextToken.startsLine else {
            isUnbalanced = true
            throw abandoned
        }
        try declaration(nearest, head, &schema)
    }

    private mutating func declaration(
        _ keyword: String, _ head: Token, _ schema: inout SchemaSyntax
    ) throws(Abandoned) {
        switch head.kind == .identifier ? keyword : "" {
        case "package":
            advance()
            try packageStatement(head, &schema)
        case "import":
            advance()
            try importStatement(head, &schema)
        case "message": try message(&schema.messages)
        case "enum": try enumeration(&schema.enums)
        case "service": try service(&schema.services)
        default:
            isUnbalanced = true
            throw fail(
                .unexpected, "expected `message`, `enum` or `service`, found `\(head.text)`",
                fix: isSymbol("}") ? Diagnostic.Fix(range: head.range, replacement: "") : nil)
        }
    }

    private mutating func packageStatement(
        _ head: Token, _ schema: inout SchemaSyntax
    ) throws(Abandoned) {
        let name = try qualifiedName("the name of the package")
        if let other = schema.package {
            throw fail(
                .packagePlace, "a file has one `package`", at: head.range,
                related: Diagnostic.Related(
                    path: source.path, range: other.range, text: "the first is here"),
                fix: Diagnostic.Fix(
                    range: source.withLine(head.range.joined(with: name.range)), replacement: ""))
        }
        if !schema.imports.isEmpty || !schema.hasNoDeclarations {
            throw fail(.packagePlace, "`package` comes first in the file", at: head.range)
        }
        schema.package = name
    }

    private mutating func importStatement(
        _ head: Token, _ schema: inout SchemaSyntax
    ) throws(Abandoned) {
        guard token.kind == .string else {
            schema.hasBrokenHead = true
            throw expected("a path in quotes")
        }
        schema.imports.append(
            ImportSyntax(
                path: token.text, range: token.range, whole: head.range.joined(with: token.range)))
        if !schema.hasNoDeclarations {
            diagnostics.report(
                .importPlace, source, head.range, "imports come before the declarations")
        }
        advance()
    }
}

extension SchemaSyntax {
    fileprivate var hasNoDeclarations: Bool {
        messages.isEmpty && enums.isEmpty && services.isEmpty
    }
}
