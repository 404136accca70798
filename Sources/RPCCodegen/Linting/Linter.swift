/// Warns of what the language allows but a careful reader would ask about.
///
/// It looks at schemas without mistakes only. `// lint:allow LINT004` silences a rule for a line.
struct Linter {
    let compilation: Compilation
    let schema: Schema
    let syntax: SchemaSyntax
    private var warnings: [Diagnostic] = []

    /// The warnings of a schema, in the order of their places; none where it has mistakes.
    static func warnings(
        of path: String, in compilation: Compilation, allowed: Set<LintRule> = []
    ) -> [Diagnostic] {
        guard let schema = compilation.schemas[path], let syntax = compilation.syntax[path],
            !compilation.isBroken(path)
        else { return [] }
        var linter = Linter(compilation: compilation, schema: schema, syntax: syntax)
        linter.run()
        let allowances = LintAllowances(syntax.source)
        return linter.warnings.inOrder.filter { warning in
            guard case .lint(let rule) = warning.rule else { return true }
            return !allowed.contains(rule) && !allowances.allow(rule, at: warning.range)
        }
    }

    private init(compilation: Compilation, schema: Schema, syntax: SchemaSyntax) {
        self.compilation = compilation
        self.schema = schema
        self.syntax = syntax
    }

    private mutating func run() {
        if let warning = Self.form(syntax.source) { warnings.append(warning) }
        checkPackage()
        checkImports()
        for enumeration in syntax.enums { self.enumeration(enumeration) }
        var waiting = syntax.messages
        while let message = waiting.popLast() {
            self.message(message)
            waiting += message.messages
        }
        for service in syntax.services { self.service(service) }
    }

    mutating func warn(
        _ rule: LintRule, _ range: SourceRange, _ text: String, fix: Diagnostic.Fix? = nil
    ) {
        warnings.append(
            Diagnostic(
                rule: .lint(rule), path: syntax.source.path, range: range, text: text, fix: fix,
                severity: .warning))
    }

    // MARK: The file

    /// The warning that a schema is not as the formatter would write it, at the first difference.
    static func form(_ source: SourceText) -> Diagnostic? {
        guard let formatted = Formatter.formatted(source), formatted != source.bytes else {
            return nil
        }
        let same = zip(formatted, source.bytes).prefix { $0 == $1 }.count
        let place = SourceRange(start: same, end: same)
        return Diagnostic(
            rule: .lint(.form), path: source.path, range: place,
            text: "this is not as `RPCCodegen format` would write it",
            fix: Diagnostic.Fix(
                range: SourceRange(start: 0, end: source.bytes.count),
                replacement: String(decoding: formatted, as: UTF8.self)),
            severity: .warning)
    }

    private mutating func checkPackage() {
        guard let package = syntax.package else { return }
        guard let version = PackageVersion(package: package.text) else {
            warn(
                .packageVersion, package.range,
                "the package has no version at its end, such as `\(package.text).v1`",
                fix: Diagnostic.Fix(range: package.range, replacement: package.text + ".v1"))
            return
        }
        guard version.isStable else { return }
        for (item, path) in zip(syntax.imports, schema.imports) {
            guard let imported = compilation.schemas[path]?.package,
                PackageVersion(package: imported)?.isStable == false
            else { continue }
            warn(
                .unstableImport, item.range,
                "`\(package.text)` promises stability, and imports `\(imported)`, which does not")
        }
    }

    private mutating func checkImports() {
        let emitter = ProtoEmitter(compilation: compilation)
        for (item, path) in zip(syntax.imports, schema.imports)
        where !emitter.uses(path, schema) {
            warn(
                .unusedImport, item.range, "nothing of `\(item.path)` is used",
                fix: lineFix(of: item))
        }
    }

    /// Takes out the line of an import that has it for itself.
    private func lineFix(of item: ImportSyntax) -> Diagnostic.Fix? {
        let source = syntax.source
        let (number, column) = source.position(item.range.start)
        let line = String(decoding: source.line(number), as: UTF8.self)
        let words = line.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
        guard words == "import \"\(item.path)\"" else { return nil }
        let start = item.range.start - column + 1
        let end = source.bytes[start...].firstIndex(of: UInt8(ascii: "\n"))
        let range = SourceRange(start: start, end: end.map { $0 + 1 } ?? source.bytes.count)
        return Diagnostic.Fix(range: range, replacement: "")
    }
}

/// What the last part of a package's name says of its age: `v1`, `v2alpha1`, `v0`.
struct PackageVersion {
    let isStable: Bool

    init?(package: String) {
        guard let last = package.split(separator: ".").last, last.first == "v" else { return nil }
        let digits = last.dropFirst().prefix { $0.isNumber }
        guard let major = Int(digits) else { return nil }
        let rest = last.dropFirst(1 + digits.count)
        let stage = rest.prefix { $0.isLetter }
        guard ["", "alpha", "beta"].contains(stage),
            rest.dropFirst(stage.count).allSatisfy(\.isNumber)
        else { return nil }
        isStable = major > 0 && stage.isEmpty
    }
}
