/// Turns the syntax of one schema into its model; every rule of the language is checked here.
struct Resolver {
    let path: String
    let syntax: SchemaSyntax
    let imports: [String]
    /// What the imports declare.
    let imported: Scope
    var diagnostics: Diagnostics
    /// The schema, not loaded, that declares a name.
    var findElsewhere: (String) -> String? = { _ in nil }
    /// Schemas that are loaded but not imported here are among these.
    var loadedElsewhere: [String: SchemaSyntax] = [:]
    /// The fields of a message that an import declares.
    var importedMessage: (TypeName) -> MessageModel? = { _ in nil }
    var own = Scope()

    init(
        path: String, syntax: SchemaSyntax, imports: [String], imported: Scope,
        diagnostics: Diagnostics
    ) {
        self.path = path
        self.syntax = syntax
        self.imports = imports
        self.imported = imported
        self.diagnostics = diagnostics
        own.add(syntax, path: path)
    }

    var package: String { syntax.package?.text ?? "" }

    mutating func report(
        _ rule: Rule, _ range: SourceRange, _ text: String, related: Diagnostic.Related? = nil,
        fix: String? = nil
    ) {
        diagnostics.report(
            rule, syntax.source, range, text, related: related,
            fix: fix.map { Diagnostic.Fix(range: range, replacement: $0) })
    }

    func here(_ range: SourceRange, _ text: String) -> Diagnostic.Related {
        Diagnostic.Related(path: syntax.source.path, range: range, text: text)
    }

    mutating func schema() -> Schema {
        checkPackage()
        checkDeclaredNames()
        var schema = Schema(path: path, package: package, imports: imports)
        schema.enums = syntax.enums.map { enumeration($0, inside: nil) }
        checkEnumValueNames(syntax.enums)
        schema.messages = syntax.messages.map { message($0, inside: nil) }
        checkContainment(schema.allMessages)
        schema.services = syntax.services.map { service($0, schema.allMessages) }
        checkMethodIDs(schema.services)
        checkRoutes(schema.services)
        return schema
    }

    // MARK: The file

    private mutating func checkPackage() {
        guard let package = syntax.package else {
            report(
                .missingPackage, SourceRange(start: 0, end: 0),
                "the schema has no package; begin with one, such as `package company.subject.v1`",
                fix: "package company.subject.v1\n")
            return
        }
        if !Names.isPackage(package.text) {
            report(
                .packageForm, package.range,
                "a package is in lower case, such as `company.subject.v1`",
                fix: package.text.lowercased())
        }
    }

    private mutating func checkDeclaredNames() {
        var first: [String: NameSyntax] = [:]
        for name in syntax.declaredNames {
            checkTypeName(name)
            if let other = first[name.text] {
                report(
                    .declaredTwice, name.range, "`\(name.text)` is declared twice",
                    related: here(other.range, "the first is here"))
            } else if let other = imported.named(name.text) {
                report(
                    .declaredTwice, name.range, "`\(name.text)` is declared by an import too",
                    related: Diagnostic.Related(
                        path: other.source.path, range: other.range, text: "here"))
            } else {
                first[name.text] = name
            }
        }
    }

    /// What every declared name must be like, inside messages too.
    mutating func checkTypeName(_ name: NameSyntax) {
        if !Names.isUpperCamelCase(name.text) {
            report(
                .typeForm, name.range,
                "`\(name.text)` is not written like a type: a capital first, no underscores",
                fix: Names.upperCamelCase(name.text))
        } else if Names.swiftTypes.contains(name.text) {
            report(
                .nameTaken, name.range,
                "`\(name.text)` is a name that generated code needs itself")
        }
    }

    // MARK: Types

    /// The message or enum of a name, or nil when it has been reported.
    mutating func type(_ name: NameSyntax, inside message: String) -> FieldType? {
        if let scalar = ScalarType(rawValue: name.text) { return .scalar(scalar) }
        guard
            let entry = own.named(name.text, inside: message)
                ?? imported.named(name.text, inside: message)
        else {
            let (hint, fix) = hint(name)
            report(
                .unknownType, name.range, "there is no type `\(name.text)`" + hint, fix: fix)
            return nil
        }
        switch entry.kind {
        case .message: return .message(entry.name)
        case .enumeration: return .enumeration(entry.name)
        case .service:
            report(.notAType, name.range, "`\(name.text)` is a service, not a type")
            return nil
        }
    }

    private func hint(_ name: NameSyntax) -> (String, fix: String?) {
        let last = name.text.split(separator: ".").last.map(String.init) ?? name.text
        for (other, schema) in loadedElsewhere.sorted(by: { $0.key < $1.key })
        where other != path && schema.declaredNames.contains(where: { $0.text == last }) {
            return ("; `\(other)` declares it: add `import \"\(other)\"`", nil)
        }
        if let other = findElsewhere(last) {
            return ("; `\(other)` declares it: add `import \"\(other)\"`", nil)
        }
        let types = (own.entries + imported.entries).filter { $0.kind != .service }
            .map(\.name.name)
        let nearest = Names.nearest(
            to: name.text, among: types + ScalarType.allCases.map(\.rawValue) + ["list", "map"])
        return (Names.question(nearest), nearest)
    }

    /// A message that contains itself would have no end; only a list or map may lead back.
    private mutating func checkContainment(_ messages: [MessageModel]) {
        var edges: [TypeName: [(field: String, target: TypeName)]] = [:]
        let names = Set(messages.map(\.name))
        for message in messages {
            edges[message.name] = message.fields.compactMap { field in
                guard case .message(let target) = field.type, !field.isRepeated,
                    names.contains(target)
                else { return nil }
                return (field.name, target)
            }
        }
        for message in messages {
            for (field, target) in edges[message.name] ?? []
            where target == message.name || Self.leads(from: target, to: message.name, edges) {
                guard let place = fieldRanges[message.name]?[field] else { continue }
                report(
                    .containsItself, place,
                    "`\(message.name.name)` would contain itself through `\(field)`; "
                        + "make it `list<\(target.name)>`")
            }
        }
    }

    private static func leads(
        from start: TypeName, to end: TypeName,
        _ edges: [TypeName: [(field: String, target: TypeName)]]
    ) -> Bool {
        var seen: Set<TypeName> = []
        var waiting = [start]
        while let name = waiting.popLast() {
            guard seen.insert(name).inserted else { continue }
            for (_, target) in edges[name] ?? [] {
                if target == end { return true }
                waiting.append(target)
            }
        }
        return false
    }

    /// Where the fields of each message have their names.
    var fieldRanges: [TypeName: [String: SourceRange]] = [:]
}
