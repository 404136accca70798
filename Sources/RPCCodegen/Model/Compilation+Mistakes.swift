extension Compilation {
    /// The mistakes of some schemas; one line stands for those of an imported schema, which has
    /// a run of its own.
    func ownMistakes(_ paths: [String]) -> [Diagnostic] {
        let wanted = Set(paths.map { tree.displayed($0) })
        var mistakes = Diagnostics()
        for path in paths {
            guard let parsed = syntax[path], let schema = schemas[path] else { continue }
            for item in parsed.imports
            where schema.imports.contains(item.path) && isBroken(item.path) {
                mistakes.report(
                    .brokenImport, parsed.source, item.range,
                    "`\(item.path)` has mistakes, or imports a schema that has")
            }
        }
        let own = diagnostics.sorted.filter { wanted.contains($0.path) }
        return own.isEmpty ? mistakes.sorted : own
    }
}
