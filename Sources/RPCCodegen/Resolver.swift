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
    private var own = Scope()

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
        _ range: SourceRange, _ text: String, related: Diagnostic.Related? = nil
    ) {
        diagnostics.report(syntax.source, range, text, related: related)
    }

    func here(_ range: SourceRange, _ text: String) -> Diagnostic.Related {
        Diagnostic.Related(path: syntax.source.path, range: range, text: text)
    }

    mutating func schema() -> Schema {
        checkPackage()
        checkDeclaredNames()
        var schema = Schema(path: path, package: package, imports: imports)
        schema.enums = syntax.enums.map { enumeration($0) }
        checkEnumValueNames(schema.enums)
        schema.messages = syntax.messages.map { message($0) }
        checkContainment()
        schema.services = syntax.services.map { service($0) }
        checkMethodIDs(schema.services)
        return schema
    }

    // MARK: The file

    private mutating func checkPackage() {
        guard let package = syntax.package else {
            report(
                SourceRange(start: 0, end: 0),
                "the schema has no package; begin with one, such as `package company.subject.v1`")
            return
        }
        if !Names.isPackage(package.text) {
            report(package.range, "a package is in lower case, such as `company.subject.v1`")
        }
    }

    private mutating func checkDeclaredNames() {
        var first: [String: NameSyntax] = [:]
        for name in syntax.declaredNames {
            if !Names.isUpperCamelCase(name.text) {
                report(
                    name.range,
                    "`\(name.text)` is not written like a type: a capital first, no underscores")
            } else if Names.swiftTypes.contains(name.text) {
                report(name.range, "`\(name.text)` is a name that generated code needs itself")
            } else if ScalarType(rawValue: name.text) != nil {
                report(name.range, "`\(name.text)` is a type of the language")
            }
            if let other = first[name.text] {
                report(
                    name.range, "`\(name.text)` is declared twice",
                    related: here(other.range, "the first is here"))
            } else if let other = imported.named(name.text) {
                report(
                    name.range, "`\(name.text)` is declared by an import too",
                    related: Diagnostic.Related(
                        path: other.source.path, range: other.range, text: "here"))
            } else {
                first[name.text] = name
            }
        }
    }

    // MARK: Types

    /// The message or enum of a name, or nil when it has been reported.
    mutating func type(_ name: NameSyntax) -> FieldType? {
        if let scalar = ScalarType(rawValue: name.text) { return .scalar(scalar) }
        guard let entry = own.named(name.text) ?? imported.named(name.text) else {
            report(name.range, "there is no type `\(name.text)`" + hint(name))
            return nil
        }
        switch entry.kind {
        case .message: return .message(entry.name)
        case .enumeration: return .enumeration(entry.name)
        case .service:
            report(name.range, "`\(name.text)` is a service, not a type")
            return nil
        }
    }

    private func hint(_ name: NameSyntax) -> String {
        let last = name.text.split(separator: ".").last.map(String.init) ?? name.text
        for (other, schema) in loadedElsewhere.sorted(by: { $0.key < $1.key })
        where other != path && schema.declaredNames.contains(where: { $0.text == last }) {
            return "; `\(other)` declares it: add `import \"\(other)\"`"
        }
        if let other = findElsewhere(last) {
            return "; `\(other)` declares it: add `import \"\(other)\"`"
        }
        let types = (own.entries + imported.entries).filter { $0.kind != .service }
            .map(\.name.name)
        return Names.suggestion(
            for: name.text, among: types + ScalarType.allCases.map(\.rawValue) + ["list"])
    }

    /// A message that contains itself would have no end; only a list may lead back.
    private mutating func checkContainment() {
        var edges: [String: [(field: FieldSyntax, target: String)]] = [:]
        let names = Set(syntax.messages.map(\.name.text))
        for message in syntax.messages {
            edges[message.name.text] = message.fields.compactMap { field in
                guard case .named(let type) = field.type else { return nil }
                let prefix = package + "."
                let target =
                    type.text.hasPrefix(prefix)
                    ? String(type.text.dropFirst(prefix.count)) : type.text
                return names.contains(target) ? (field, target) : nil
            }
        }
        for message in syntax.messages {
            let name = message.name.text
            for (field, target) in edges[name] ?? []
            where target == name || Self.leads(from: target, to: name, edges) {
                report(
                    field.name.range,
                    "`\(name)` would contain itself through `\(field.name.text)`; "
                        + "make it `list<\(target)>`")
            }
        }
    }

    private static func leads(
        from start: String, to end: String,
        _ edges: [String: [(field: FieldSyntax, target: String)]]
    ) -> Bool {
        var seen: Set<String> = []
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
}
