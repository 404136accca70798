// What the names of types mean.

extension Resolver {
    /// The message or enum of a name, or nil when it has been reported.
    mutating func type(_ name: NameSyntax, inside message: String) -> FieldType? {
        if let scalar = ScalarType(rawValue: name.text) { return .scalar(scalar) }
        guard
            let entry = own.named(name.text, inside: message)
                ?? imported.named(name.text, inside: message)
        else {
            reportUnknown(name)
            return nil
        }
        switch entry.kind {
        case .message: return .message(entry.name)
        case .enumeration: return .enumeration(entry.name)
        case .service:
            report(
                .notAType, name.range, "`\(name.text)` is a service, not a type",
                related: Diagnostic.Related(
                    path: entry.source.path, range: entry.range, text: "the service is here"))
            return nil
        }
    }

    /// Says of an unknown type what may have been meant; nothing where it may be declared in what
    /// could not be read.
    private mutating func reportUnknown(_ name: NameSyntax) {
        let parts = name.text.split(separator: ".").map(String.init)
        let last = parts.last ?? name.text
        if parts.contains(where: { lost.contains($0) }) { return }
        let isEveryImportRead = !syntax.hasBrokenHead && imports.count == syntax.imports.count
        let text = "there is no type `\(name.text)`"
        if parts.count > 1, let entry = own.named(last) ?? imported.named(last) {
            let package = NameSyntax(text: entry.name.package, range: entry.range)
            report(
                .unknownType, name.range,
                text + "; `\(last)` is in the package `\(package.text)`",
                related: Diagnostic.Related(
                    path: entry.source.path,
                    range: entry.path == path ? syntax.package?.range ?? entry.range : entry.range,
                    text: "here"),
                fix: last)
            return
        }
        if let other = declaring(last) {
            if !isEveryImportRead { return }
            diagnostics.report(
                .unknownType, syntax.source, name.range,
                text + "; `\(other)` declares it: add `import \"\(other)\"`",
                fix: newImport(other))
            return
        }
        let entries = (own.entries + imported.entries).filter { $0.kind != .service }
        let scalars = ScalarType.allCases.map(\.rawValue) + ["list", "map"]
        let nearest = Names.nearest(to: name.text, among: entries.map(\.name.name) + scalars)
        if nearest == nil, !isEveryImportRead { return }
        let entry = entries.first { $0.name.name == nearest }
        report(
            .unknownType, name.range, text + Names.question(nearest),
            related: entry.map {
                Diagnostic.Related(
                    path: $0.source.path, range: $0.range, text: "`\($0.name.name)` is here")
            },
            fix: nearest)
    }

    /// The schema, not imported, that declares a name.
    private func declaring(_ name: String) -> String? {
        for (other, schema) in loadedElsewhere.sorted(by: { $0.key < $1.key })
        where other != path && schema.declaredNames.contains(where: { $0.text == name }) {
            return other
        }
        return findElsewhere(name)
    }

    /// One more import, behind the others or behind the package.
    private func newImport(_ other: String) -> Diagnostic.Fix? {
        if let end = syntax.imports.last?.whole.end {
            return Diagnostic.Fix(
                range: SourceRange(start: end, end: end), replacement: "\nimport \"\(other)\"")
        }
        guard let end = syntax.package?.range.end else { return nil }
        return Diagnostic.Fix(
            range: SourceRange(start: end, end: end), replacement: "\n\nimport \"\(other)\"")
    }
}
