// One annotation of a method.

extension Parser {
    static let annotationNames = [
        "deadline", "idle", "role", "safe", "idempotent", "get", "post", "put", "patch", "delete",
        "deprecated",
    ]

    mutating func annotation(_ method: inout MethodSyntax) throws(Abandoned) {
        let word = try name("an annotation")
        guard let known = try known(word) else { return }
        switch known {
        case "deadline":
            let deadline = try deadline()
            if isFirst(method.deadline, "the method has two deadlines", word) {
                method.deadline = deadline
            }
        case "idle":
            let idle = try time("a time such as `60s`")
            if isFirst(method.idle, "the method has two idle limits", word) {
                method.idle = idle
                method.idlePlace = word.range.joined(with: idle.range)
            }
        case "role":
            try roles(&method.roles)
        case "safe", "idempotent":
            let idempotency = try idempotency(known, word.range)
            if isFirst(method.idempotency, "the method has two levels of idempotency", word) {
                method.idempotency = idempotency
            }
        case "deprecated":
            let deprecated = try string("what to use instead, in quotes")
            if isFirst(method.deprecated, "`deprecated` stands here twice", word) {
                method.deprecated = deprecated
            }
        default:
            let route = try route(known, word.range)
            if isFirst(method.route, "the method has two routes", word) { method.route = route }
        }
    }

    /// The annotation of a name, or of the nearest one when there is none.
    private mutating func known(_ word: NameSyntax) throws(Abandoned) -> String? {
        if Self.annotationNames.contains(word.text) { return word.text }
        let nearest = Names.nearest(to: word.text, among: Self.annotationNames)
        let abandoned = fail(
            .unknownAnnotation,
            "`\(word.text)` is no annotation; there are `deadline`, `idle`, `role`, `safe`, "
                + "`idempotent`, `get`, `post`, `put`, `patch`, `delete` and `deprecated`"
                + Names.question(nearest),
            at: word.range,
            fix: nearest.map { Diagnostic.Fix(range: word.range, replacement: $0) })
        guard let nearest else { throw abandoned }
        return nearest
    }

    /// Whether there is no value yet; reports the second.
    private mutating func isFirst<Value>(
        _ value: Value?, _ text: String, _ word: NameSyntax
    ) -> Bool {
        if value == nil { return true }
        let whole = word.range.joined(with: lastRange)
        _ = fail(
            .annotationTwice, text, at: word.range,
            fix: source.withComma(whole).map { Diagnostic.Fix(range: $0, replacement: "") })
        return false
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

    private mutating func idempotency(
        _ level: String, _ range: SourceRange
    ) throws(Abandoned) -> IdempotencySyntax {
        var key: NameSyntax?
        if level == "idempotent", isWord("by") {
            advance()
            key = try name("the field that holds the key")
        }
        return IdempotencySyntax(isSafe: level == "safe", key: key, range: range)
    }

    private mutating func route(
        _ verb: String, _ range: SourceRange
    ) throws(Abandoned) -> RouteSyntax {
        let path = try string("a path in quotes")
        var body: NameSyntax?
        if isWord("body") {
            advance()
            body = try name("the field that is the body")
        }
        let resume = try resume()
        return RouteSyntax(
            verb: verb.uppercased(), range: range, path: path, body: body, resume: resume,
            whole: range.joined(with: lastRange))
    }

    private mutating func resume() throws(Abandoned) -> ResumeSyntax? {
        guard isWord("resume") else { return nil }
        let start = token.range
        advance()
        let request = try name("the field of the request that says where to go on")
        guard isWord("from") else {
            throw expected("`from` and the field of the response that says where it ends")
        }
        advance()
        let response = try name("the field of the response that says where it ends")
        return ResumeSyntax(
            request: request, response: response, range: start.joined(with: lastRange))
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
