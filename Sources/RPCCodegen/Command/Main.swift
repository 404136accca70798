import Foundation

@main
enum Program {
    static func main() {
        do throws(Failure) {
            let arguments = Array(CommandLine.arguments.dropFirst())
            if arguments.first == "lock" {
                exit(try LockCommand(Array(arguments.dropFirst())).run())
            }
            let status = try run(try Arguments(arguments))
            exit(status)
        } catch {
            FileHandle.standardError.write(Data("RPCCodegen: \(error.text)\n".utf8))
            exit(2)
        }
    }

    /// A mistake in how the tool was called, or a file that cannot be read or written.
    struct Failure: Error {
        var text: String
    }

    /// Compiles; the exit status is 1 when a schema has mistakes.
    static func run(
        _ arguments: Arguments, print: (String) -> Void = { Swift.print($0) }
    ) throws(Failure) -> Int32 {
        if arguments.wantsHelp {
            print(Arguments.help)
            return 0
        }
        var compilation = Compilation(tree: Files.tree(root: arguments.root))
        var paths: [String] = []
        for file in arguments.schemas {
            let path = try Files.relative(file, to: arguments.root)
            guard compilation.load(path) else { throw Failure(text: "cannot read \(file)") }
            paths.append(path)
        }
        if arguments.emit != .swift { compilation.checkModule(paths) }
        let mistakes =
            switch arguments.emit {
            case .swift: ownMistakes(compilation, paths)
            // Each schema's own mistakes are reported where its own code is made.
            case .catalog: compilation.moduleMistakes
            case .proto, .descriptor, .check: compilation.diagnostics.sorted
            }
        for mistake in mistakes {
            print(mistake.rendered { compilation.source(displayed: $0) })
        }
        guard mistakes.isEmpty else { return 1 }
        if arguments.emit == .catalog || arguments.emit == .check,
            try !LockCommand.check(
                compilation, paths, root: arguments.root, isWhole: arguments.emit == .catalog,
                print: print)
        {
            return 1
        }
        try emit(compilation, paths, arguments)
        return 0
    }

    /// The mistakes of the wanted schemas; one line stands for those of an imported schema,
    /// which has a run of its own.
    private static func ownMistakes(
        _ compilation: Compilation, _ paths: [String]
    ) -> [Diagnostic] {
        let wanted = Set(paths.map { compilation.tree.displayed($0) })
        let own = compilation.diagnostics.sorted.filter { wanted.contains($0.path) }
        guard own.isEmpty, !compilation.diagnostics.all.isEmpty else { return own }
        return paths.flatMap { path -> [Diagnostic] in
            guard let syntax = compilation.syntax[path], let schema = compilation.schemas[path]
            else { return [] }
            return zip(syntax.imports, schema.imports)
                .filter { compilation.isBroken($0.1) }
                .map { item, _ in
                    Diagnostic(
                        rule: .brokenImport, path: syntax.source.path, range: item.range,
                        text: "`\(item.path)` has mistakes, or imports a schema that has")
                }
        }
    }

    private static func emit(
        _ compilation: Compilation, _ paths: [String], _ arguments: Arguments
    ) throws(Failure) {
        let schemas = paths.compactMap { compilation.schemas[$0] }
        switch arguments.emit {
        case .check:
            break
        case .swift:
            let emitter = SwiftEmitter(compilation: compilation)
            guard let schema = schemas.first, let output = arguments.output else { return }
            try Files.write(
                emitter.file(schema, label: label(schema.path, arguments)), to: output)
        case .catalog:
            guard let output = arguments.output else { return }
            let folder = arguments.label ?? "the schemas"
            let emitter = SwiftEmitter(compilation: compilation)
            try Files.write(emitter.catalog(schemas, label: folder), to: output)
        case .descriptor:
            guard let output = arguments.output else { return }
            try Files.write(DescriptorEmitter(compilation: compilation).set(schemas), to: output)
        case .proto:
            let emitter = ProtoEmitter(compilation: compilation)
            for schema in schemas {
                let text = emitter.file(schema, label: label(schema.path, arguments))
                try Files.write(
                    text, to: "\(arguments.output ?? ".")/\(ProtoEmitter.path(schema.path))")
            }
        }
    }

    /// How headers name a schema: the label, which stands for the root, and the path below it.
    private static func label(_ path: String, _ arguments: Arguments) -> String {
        arguments.label.map { "\($0)/\(path)" } ?? path
    }
}
