// Methods and their annotations.

extension Parser {
    mutating func method() throws(Abandoned) -> MethodSyntax {
        let documentation = token.documentation
        let name = try name("the name of a method")
        try expect("(", "and the request's type behind the method's name")
        let streamsRequests = skipStream()
        let request = try qualifiedName("the request's type")
        try expect(")", "behind the request's type")
        guard token.kind == .arrow else { throw expected("`->` and the response's type") }
        advance()
        let streamsResponses = skipStream()
        let response = try qualifiedName("the response's type")
        var method = MethodSyntax(
            documentation: documentation, name: name, streamsRequests: streamsRequests,
            request: request, streamsResponses: streamsResponses, response: response,
            range: name.range.joined(with: response.range))
        if isSymbol("{"), !token.startsLine { try annotations(&method) }
        return method
    }

    /// `stream` before a type; a message may be called so itself.
    private mutating func skipStream() -> Bool {
        guard isWord("stream"), nextToken.kind == .identifier else { return false }
        advance()
        return true
    }

    /// `{ deadline 5s, role a, b }`; a mistake in one annotation leaves the others alone.
    private mutating func annotations(_ method: inout MethodSyntax) throws(Abandoned) {
        advance()
        repeat {
            if isSymbol("}") { break }
            do throws(Abandoned) {
                try annotation(&method)
            } catch {
                method.isBroken = true
                while !isAtEnd, !isSymbol("}"), !isSymbol(",") {
                    // The next annotation or the next method, whichever there is.
                    if token.startsLine, nextToken.kind == .symbol("(") { throw error }
                    advance()
                }
            }
        } while skip(",")
        try expect("}", "behind the annotations")
    }

    static let annotationNames = [
        "deadline", "idle", "role", "safe", "idempotent", "get", "post", "put", "patch", "delete",
        "deprecated",
    ]

    private mutating func annotation(_ method: inout MethodSyntax) throws(Abandoned) {
        let word = try name("an annotation")
        switch word.text {
        case "deadline":
            let deadline = try deadline()
            try once(method.deadline, "the method has two deadlines", word)
            method.deadline = deadline
        case "idle":
            let idle = try time("a time such as `60s`")
            try once(method.idle, "the method has two idle limits", word)
            method.idle = idle
        case "role":
            try roles(&method.roles)
        case "safe", "idempotent":
            let idempotency = try idempotency(word)
            try once(method.idempotency, "the method has two levels of idempotency", word)
            method.idempotency = idempotency
        case "get", "post", "put", "patch", "delete":
            let route = try route(word)
            try once(method.route, "the method has two routes", word)
            method.route = route
        case "deprecated":
            guard token.kind == .string else { throw expected("what to use instead, in quotes") }
            try once(method.deprecated, "`deprecated` stands here twice", word)
            method.deprecated = StringSyntax(text: token.text, range: token.range)
            advance()
        default:
            let nearest = Names.nearest(to: word.text, among: Self.annotationNames)
            throw fail(
                .unknownAnnotation,
                "`\(word.text)` is no annotation; there are `deadline`, `idle`, `role`, `safe`, "
                    + "`idempotent`, `get`, `post`, `put`, `patch`, `delete` and `deprecated`"
                    + Names.question(nearest),
                at: word.range,
                fix: nearest.map { Diagnostic.Fix(range: word.range, replacement: $0) })
        }
    }

    private mutating func once<Value>(
        _ value: Value?, _ text: String, _ word: NameSyntax
    ) throws(Abandoned) {
        if value != nil { throw fail(.annotationTwice, text, at: word.range) }
    }

    private mutating func roles(_ roles: inout [NameSyntax]) throws(Abandoned) {
        roles.append(try name("a role"))
        // What follows a comma is another role, unless it is an annotation.
        while isSymbol(","), nextToken.kind == .identifier,
            !Self.annotationNames.contains(nextToken.text), isListEnd(after: index + 1)
        {
            advance()
            roles.append(try name("a role"))
        }
    }

    private func isListEnd(after index: Int) -> Bool {
        guard index + 1 < tokens.count else { return false }
        let kind = tokens[index + 1].kind
        return kind == .symbol(",") || kind == .symbol("}")
    }

    private mutating func idempotency(_ word: NameSyntax) throws(Abandoned) -> IdempotencySyntax {
        var key: NameSyntax?
        if word.text == "idempotent", isWord("by") {
            advance()
            key = try name("the field that holds the key")
        }
        return IdempotencySyntax(isSafe: word.text == "safe", key: key, range: word.range)
    }

    private mutating func route(_ word: NameSyntax) throws(Abandoned) -> RouteSyntax {
        guard token.kind == .string else { throw expected("a path in quotes") }
        let path = StringSyntax(text: token.text, range: token.range)
        advance()
        var body: NameSyntax?
        if isWord("body") {
            advance()
            body = try name("the field that is the body")
        }
        return RouteSyntax(
            verb: word.text.uppercased(), range: word.range, path: path, body: body)
    }

    /// `none`, or a time.
    private mutating func deadline() throws(Abandoned) -> MethodSyntax.Deadline {
        if isWord("none") {
            defer { advance() }
            return .open(token.range)
        }
        return .milliseconds(try time("a time such as `5s`, or `none`"))
    }

    /// A number with `ms`, `s`, `m` or `h`.
    private mutating func time(_ what: String) throws(Abandoned) -> TimeSyntax {
        let range = token.range
        guard token.kind == .number else { throw expected(what) }
        let text = token.text
        advance()
        let digits = text.prefix { $0.isNumber }
        let units: [Substring: Int64] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000]
        guard let unit = units[text.dropFirst(digits.count)] else {
            throw fail(.time, "`\(text)` has no unit; write `ms`, `s`, `m` or `h`", at: range)
        }
        guard let count = Int64(digits), count > 0, count <= 86_400_000 / unit else {
            throw fail(.time, "`\(text)` is not between 1ms and 24h", at: range)
        }
        return TimeSyntax(milliseconds: count * unit, range: range)
    }
}
