/// The declarations that a schema sees.
struct Scope {
    enum Kind: String {
        case message, enumeration = "enum", service
    }

    struct Entry {
        var kind: Kind
        var name: TypeName
        /// The schema that declares it, relative to the root, and the place there.
        var path: String
        var source: SourceText
        var range: SourceRange
    }

    private(set) var entries: [Entry] = []

    mutating func add(_ schema: SchemaSyntax, path: String) {
        let package = schema.package?.text ?? ""
        func entry(_ kind: Kind, _ name: NameSyntax) -> Entry {
            Entry(
                kind: kind, name: TypeName(package: package, name: name.text), path: path,
                source: schema.source, range: name.range)
        }
        entries += schema.messages.map { entry(.message, $0.name) }
        entries += schema.enums.map { entry(.enumeration, $0.name) }
        entries += schema.services.map { entry(.service, $0.name) }
    }

    func named(_ name: String) -> Entry? {
        entries.first { $0.name.name == name || $0.name.description == name }
    }
}
