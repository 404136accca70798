// Services and their methods.

extension Linter {
    /// First words of methods that look and change nothing.
    private static let readingWords: Set<String> = [
        "check", "count", "find", "get", "list", "search",
    ]
    /// First words of methods that change something.
    private static let changingWords: Set<String> = [
        "add", "create", "delete", "insert", "put", "remove", "rename", "reset", "revoke", "set",
        "update", "write",
    ]

    mutating func service(_ service: ServiceSyntax) {
        checkDocumentation(service.documentation, service.name)
        for method in service.methods {
            checkDocumentation(method.documentation, method.name)
            checkReading(method)
            checkIdempotency(method)
        }
    }

    private mutating func checkReading(_ method: MethodSyntax) {
        guard let word = method.firstWord, Self.readingWords.contains(word),
            method.idempotency?.isSafe != true
        else { return }
        // As long as it changes something by its route, that is the question.
        if let verb = method.route?.verb, Self.changingVerbs.contains(verb) { return }
        var fix = method.addition("safe")
        if let written = method.idempotency {
            fix =
                written.key == nil
                ? Diagnostic.Fix(range: written.range, replacement: "safe") : nil
        }
        warn(
            .unmarkedRead, method.name.range,
            "`\(method.name.text)` sounds as if it only reads; write `safe` if it does", fix: fix)
    }

    private static let changingVerbs: Set<String> = ["PUT", "PATCH", "DELETE"]
    private static let repeatableVerbs: Set<String> = ["PUT", "DELETE"]

    private mutating func checkIdempotency(_ method: MethodSyntax) {
        let verb = method.route?.verb ?? ""
        guard let written = method.idempotency else {
            if Self.repeatableVerbs.contains(verb) {
                warn(
                    .idempotency, method.route?.range ?? method.name.range,
                    "a \(verb) may be sent twice by everyone on its way; write `idempotent`",
                    fix: method.addition("idempotent"))
            }
            return
        }
        guard written.isSafe else { return }
        if Self.changingVerbs.contains(verb) {
            warn(
                .idempotency, written.range,
                "a safe method changes nothing, but a \(verb) does; have it as a `get` or `post`")
        } else if let word = method.firstWord, Self.changingWords.contains(word) {
            warn(
                .idempotency, written.range,
                "`\(method.name.text)` sounds as if it changed something, "
                    + "which a safe method does not")
        }
    }
}

extension MethodSyntax {
    /// `list` of `listPlaces`.
    fileprivate var firstWord: String? {
        Names.snakeCase(name.text).split(separator: "_").first.map(String.init)
    }

    /// Another annotation, behind the roles.
    fileprivate func addition(_ annotation: String) -> Diagnostic.Fix? {
        guard let end = roles.last?.range.end else { return nil }
        return Diagnostic.Fix(
            range: SourceRange(start: end, end: end), replacement: ", \(annotation)")
    }
}
