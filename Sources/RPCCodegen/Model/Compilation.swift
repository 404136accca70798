/// Where schemas are read from; the paths are relative to the root.
struct SourceTree {
    /// Nil where there is no such file.
    var read: (String) -> [UInt8]?
    /// Every schema under the root.
    var list: () -> [String]
    /// The path as diagnostics show it.
    var displayed: (String) -> String
}

/// A schema with all that it imports, looked up and checked.
struct Compilation {
    let tree: SourceTree
    private(set) var syntax: [String: SchemaSyntax] = [:]
    private(set) var schemas: [String: Schema] = [:]
    var diagnostics = Diagnostics()
    private(set) var moduleMistakes: [Diagnostic] = []
    /// The paths being loaded, from the outermost to the one that imports.
    private var loading: [String] = []
    private var messages: [TypeName: MessageModel] = [:]
    private var enums: [TypeName: EnumModel] = [:]

    init(tree: SourceTree) { self.tree = tree }

    func message(_ name: TypeName) -> MessageModel? { messages[name] }
    func enumeration(_ name: TypeName) -> EnumModel? { enums[name] }

    /// Whether a schema or anything it imports has mistakes.
    func isBroken(_ path: String) -> Bool {
        diagnostics.contains(path: tree.displayed(path))
            || (schemas[path]?.imports ?? []).contains { isBroken($0) }
    }

    /// The text behind a displayed path.
    func source(displayed path: String) -> SourceText? {
        syntax.values.first { $0.source.path == path }?.source
    }

    /// Reads a schema and its imports; false where there is no such file.
    @discardableResult
    mutating func load(_ path: String) -> Bool {
        if syntax[path] != nil { return true }
        guard let bytes = tree.read(path) else { return false }
        let source = SourceText(path: tree.displayed(path), bytes: bytes)
        let parsed = Parser.parse(source, &diagnostics)
        syntax[path] = parsed
        loading.append(path)
        defer { loading.removeLast() }
        var seen: Set<String> = []
        var imports: [String] = []
        for item in parsed.imports {
            guard let target = importTarget(item, source) else { continue }
            guard seen.insert(target).inserted else {
                diagnostics.report(
                    .importTwice, source, item.range, "`\(item.path)` is imported twice",
                    related: parsed.imports.first { $0.path == item.path }.map {
                        .init(path: source.path, range: $0.range, text: "the first is here")
                    },
                    fix: Diagnostic.Fix(range: source.withLine(item.whole), replacement: ""))
                continue
            }
            if let start = loading.firstIndex(of: target) {
                let cycle = (loading[start...] + [target]).joined(separator: " → ")
                diagnostics.report(
                    .importCycle, source, item.range, "the imports form a cycle: \(cycle)")
                continue
            }
            guard load(target) else {
                let nearest = Names.nearest(to: target, among: tree.list())
                diagnostics.report(
                    .importMissing, source, item.range,
                    "there is no schema `\(target)`" + Names.question(nearest),
                    fix: nearest.map {
                        Diagnostic.Fix(range: item.range, replacement: "\"\($0)\"")
                    })
                continue
            }
            imports.append(target)
        }
        resolve(path, parsed, imports)
        return true
    }

    private mutating func importTarget(
        _ item: ImportSyntax, _ source: SourceText
    ) -> String? {
        let parts = item.path.split(separator: "/", omittingEmptySubsequences: false)
        let isClean = parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
        guard isClean, item.path.hasSuffix(".rpc") else {
            diagnostics.report(
                .importPath, source, item.range,
                "`\(item.path)` is not the path of a schema; write it from the root of the schemas, "
                    + "such as \"punch.rpc\" or \"common/time.rpc\"",
                fix: cleanPath(item.path).map {
                    Diagnostic.Fix(range: item.range, replacement: "\"\($0)\"")
                })
            return nil
        }
        return item.path
    }

    /// The schema that a path which is none may mean.
    private func cleanPath(_ path: String) -> String? {
        let parts = path.split(separator: "/").filter { $0 != "." && $0 != ".." }
        let clean = parts.joined(separator: "/")
        let target = clean.hasSuffix(".rpc") ? clean : clean + ".rpc"
        return tree.list().contains(target) ? target : nil
    }

    private mutating func resolve(_ path: String, _ parsed: SchemaSyntax, _ imports: [String]) {
        var visible = Scope()
        for target in imports {
            guard let imported = syntax[target] else { continue }
            visible.add(imported, path: target)
        }
        var resolver = Resolver(
            path: path, syntax: parsed, imports: imports, imported: visible,
            diagnostics: diagnostics)
        let elsewhere = NamesElsewhere(tree, besides: Set(syntax.keys).union([path]))
        resolver.findElsewhere = { elsewhere.paths[$0] }
        resolver.loadedElsewhere = syntax
        for target in imports { resolver.lost.formUnion(syntax[target]?.lost ?? []) }
        let known = messages
        resolver.importedMessage = { known[$0] }
        let schema = resolver.schema()
        diagnostics = resolver.diagnostics
        schemas[path] = schema
        for message in schema.allMessages { messages[message.name] = message }
        for enumeration in schema.allEnums { enums[enumeration.name] = enumeration }
    }

    /// Names that two schemas of one module both declare: Swift has one space of names.
    ///
    /// These mistakes are ``moduleMistakes`` and among ``diagnostics``.
    mutating func checkModule(_ paths: [String]) {
        var first: [String: (path: String, name: NameSyntax)] = [:]
        let before = diagnostics.all.count
        defer { moduleMistakes = Array(diagnostics.all[before...]) }
        checkEnumValues(paths)
        for path in paths {
            guard let parsed = syntax[path] else { continue }
            for name in parsed.declaredNames {
                guard let other = first[name.text], other.path != path else {
                    first[name.text] = (path, name)
                    continue
                }
                // With an import between them it is reported there already.
                if schemas[path]?.imports.contains(other.path) == true
                    || schemas[other.path]?.imports.contains(path) == true
                {
                    continue
                }
                diagnostics.report(
                    .declaredTwice, parsed.source, name.range,
                    "`\(name.text)` is declared twice in one module, where Swift has one name",
                    related: .init(
                        path: tree.displayed(other.path), range: other.name.range,
                        text: "the other is here"))
            }
        }
    }

    /// Values of enums in two schemas of one package that would be one in a `.proto`.
    ///
    /// Within a schema the resolver reports them.
    private mutating func checkEnumValues(_ paths: [String]) {
        var first: [String: (path: String, name: NameSyntax)] = [:]
        for path in paths {
            guard let parsed = syntax[path] else { continue }
            for enumeration in parsed.enums {
                for value in enumeration.values {
                    let form = Names.protoValue(enumeration.name.text, value.name.text)
                    let full = "\(parsed.package?.text ?? "").\(form)"
                    guard let other = first[full], other.path != path else {
                        first[full] = (path, value.name)
                        continue
                    }
                    diagnostics.report(
                        .protoValueTwice, parsed.source, value.name.range,
                        "this value and another of the package are both `\(form)` in a .proto",
                        related: .init(
                            path: tree.displayed(other.path), range: other.name.range,
                            text: "the other is here"))
                }
            }
        }
    }
}

extension SchemaSyntax {
    /// The names of all declarations, in the order of the file.
    var declaredNames: [NameSyntax] {
        (messages.map(\.name) + enums.map(\.name) + services.map(\.name))
            .sorted { $0.range.start < $1.range.start }
    }
}

/// What schemas that are not loaded declare; for the text of a mistake only.
private final class NamesElsewhere {
    private let tree: SourceTree
    private let loaded: Set<String>

    init(_ tree: SourceTree, besides loaded: Set<String>) {
        self.tree = tree
        self.loaded = loaded
    }

    /// The path for each name; nothing is read before it is needed.
    private(set) lazy var paths: [String: String] = {
        var paths: [String: String] = [:]
        for path in tree.list().sorted() where !loaded.contains(path) {
            guard let bytes = tree.read(path) else { continue }
            var ignored = Diagnostics()
            let other = Parser.parse(SourceText(path: path, bytes: bytes), &ignored)
            for name in other.declaredNames { paths[name.text] = paths[name.text] ?? path }
        }
        return paths
    }()
}
