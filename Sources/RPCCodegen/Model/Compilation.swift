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
    private var messages: [TypeName: MessageModel] = [:]
    private var enums: [TypeName: EnumModel] = [:]

    init(tree: SourceTree) { self.tree = tree }

    func message(_ name: TypeName) -> MessageModel? { messages[name] }
    func enumeration(_ name: TypeName) -> EnumModel? { enums[name] }

    /// Whether a schema or anything it imports has mistakes.
    func isBroken(_ path: String) -> Bool {
        var seen: Set<String> = [path]
        var waiting = [path]
        while let next = waiting.popLast() {
            if diagnostics.contains(path: tree.displayed(next)) { return true }
            waiting += (schemas[next]?.imports ?? []).filter { seen.insert($0).inserted }
        }
        return false
    }

    /// The text behind a displayed path.
    func source(displayed path: String) -> SourceText? {
        syntax.values.first { $0.source.path == path }?.source
    }

    // MARK: Loading

    /// A schema whose imports are being read.
    private struct Loading {
        let path: String
        let syntax: SchemaSyntax
        /// How many of its imports were looked at, and what they name.
        var count = 0
        var named: Set<String> = []
        var imports: [String] = []

        init(path: String, syntax: SchemaSyntax) {
            self.path = path
            self.syntax = syntax
        }

        mutating func next() -> ImportSyntax? {
            guard count < syntax.imports.count else { return nil }
            defer { count += 1 }
            return syntax.imports[count]
        }
    }

    /// Reads a schema and its imports; false where there is no such file.
    @discardableResult
    mutating func load(_ path: String) -> Bool {
        if syntax[path] != nil { return true }
        guard let outermost = open(path) else { return false }
        // Each imports the next. No recursion: the chain is as long as its author wants.
        var loading = [outermost]
        while var schema = loading.popLast() {
            guard let item = schema.next() else {
                resolve(schema.path, schema.syntax, schema.imports)
                continue
            }
            var inner: Loading?
            if let target = importTarget(item, &schema, loading) {
                if syntax[target] == nil { inner = open(target) }
                if syntax[target] == nil {
                    reportMissing(item, target, schema.syntax.source)
                } else {
                    schema.imports.append(target)
                }
            }
            loading.append(schema)
            if let inner { loading.append(inner) }
        }
        return true
    }

    /// Nil where there is no such file.
    private mutating func open(_ path: String) -> Loading? {
        guard let bytes = tree.read(path) else { return nil }
        let source = SourceText(path: tree.displayed(path), bytes: bytes)
        let parsed = Parser.parse(source, &diagnostics)
        syntax[path] = parsed
        return Loading(path: path, syntax: parsed)
    }

    /// The path that an import names; nil, with a mistake, where that cannot be imported here.
    private mutating func importTarget(
        _ item: ImportSyntax, _ schema: inout Loading, _ outer: [Loading]
    ) -> String? {
        let source = schema.syntax.source
        guard let target = cleanTarget(item, source) else { return nil }
        guard schema.named.insert(target).inserted else {
            diagnostics.report(
                .importTwice, source, item.range, "`\(target)` is imported twice",
                related: schema.syntax.imports.first { $0.path == target }.map {
                    .init(path: source.path, range: $0.range, text: "the first is here")
                },
                fix: Diagnostic.Fix(range: source.withLine(item.whole), replacement: ""))
            return nil
        }
        // What was not read yet is not being read.
        guard syntax[target] != nil else { return target }
        let chain = outer.map(\.path) + [schema.path]
        guard let start = chain.firstIndex(of: target) else { return target }
        let cycle = (chain[start...] + [target]).joined(separator: " → ")
        diagnostics.report(
            .importCycle, source, item.range, "the imports form a cycle: \(cycle)")
        return nil
    }

    private mutating func reportMissing(
        _ item: ImportSyntax, _ target: String, _ source: SourceText
    ) {
        let nearest = Names.nearest(to: target, among: tree.list())
        diagnostics.report(
            .importMissing, source, item.range,
            "there is no schema `\(target)`" + Names.question(nearest),
            fix: nearest.map { Diagnostic.Fix(range: item.range, replacement: "\"\($0)\"") })
    }

    private mutating func cleanTarget(
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
