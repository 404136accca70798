/// The declarations that a schema can name.
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
    /// By the name without the package, and by the full name.
    private var byName: [String: Int] = [:]

    mutating func add(_ schema: SchemaSyntax, path: String) {
        let package = schema.package?.text ?? ""
        func entry(_ kind: Kind, _ name: String, _ range: SourceRange) {
            let name = TypeName(package: package, name: name)
            byName[name.name] = byName[name.name] ?? entries.count
            byName[name.description] = byName[name.description] ?? entries.count
            entries.append(
                Entry(kind: kind, name: name, path: path, source: schema.source, range: range))
        }
        // Those at the top first: they are what a name alone means.
        for message in schema.messages { entry(.message, message.name.text, message.name.range) }
        for item in schema.enums { entry(.enumeration, item.name.text, item.name.range) }
        for service in schema.services { entry(.service, service.name.text, service.name.range) }
        var waiting = schema.messages.map { ($0, $0.name.text) }
        while let (message, full) = waiting.popLast() {
            for item in message.enums {
                entry(.enumeration, "\(full).\(item.name.text)", item.name.range)
            }
            for inner in message.messages {
                let name = "\(full).\(inner.name.text)"
                entry(.message, name, inner.name.range)
                waiting.append((inner, name))
            }
        }
    }

    /// The declaration of `Name`, `Outer.Name` or `package.Name`.
    func named(_ name: String) -> Entry? { byName[name].map { entries[$0] } }

    /// What a name means inside a message: the nearest declaration, going outwards.
    func named(_ name: String, inside message: String) -> Entry? {
        var scope = message[...]
        while !scope.isEmpty {
            if let entry = named("\(scope).\(name)") { return entry }
            scope = scope.lastIndex(of: ".").map { scope[..<$0] } ?? ""
        }
        return named(name)
    }
}
