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
    /// Words of what could not be read, here and in the imports: they may have been declared.
    var lost: Set<String>

    init(
        path: String, syntax: SchemaSyntax, imports: [String], imported: Scope,
        diagnostics: Diagnostics
    ) {
        self.path = path
        self.syntax = syntax
        self.imports = imports
        self.imported = imported
        self.diagnostics = diagnostics
        lost = syntax.lost
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
            if syntax.hasBrokenHead { return }
            let start = SourceRange(start: 0, end: 0)
            diagnostics.report(
                .missingPackage, syntax.source, syntax.start,
                "the schema has no package; begin with one, such as `package company.subject.v1`",
                fix: Diagnostic.Fix(range: start, replacement: "package company.subject.v1\n\n"))
            return
        }
        if !Names.isPackage(package.text) {
            let lower = package.text.lowercased()
            report(
                .packageForm, package.range,
                "a package is in lower case, such as `company.subject.v1`",
                fix: Names.isPackage(lower) ? lower : nil)
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
            let form = Names.upperCamelCase(name.text)
            report(
                .typeForm, name.range,
                "`\(name.text)` is not written like a type: a capital first, no underscores",
                fix: Names.isUpperCamelCase(form) ? form : nil)
        } else if Names.swiftTypes.contains(name.text) {
            report(
                .nameTaken, name.range,
                "`\(name.text)` is a name that generated code needs itself")
        }
    }

    // MARK: Messages in themselves

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
                guard let place = fieldPlaces[message.name]?[field] else { continue }
                let text = place.isChoice ? nil : "list<\(syntax.source.text(place.type))>"
                diagnostics.report(
                    .containsItself, syntax.source, place.name,
                    "`\(message.name.name)` would contain itself through `\(field)`; "
                        + "make it `list<\(target.name)>`",
                    fix: text.map { Diagnostic.Fix(range: place.typeAndMark, replacement: $0) })
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

    /// Where a field stands.
    struct FieldPlace {
        var name: SourceRange
        var type: SourceRange
        /// With the `?`.
        var typeAndMark: SourceRange
        var isChoice: Bool
    }

    /// Where the fields of each message stand.
    var fieldPlaces: [TypeName: [String: FieldPlace]] = [:]
}
