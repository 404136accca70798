// `RPCCodegen emit`.

extension Program {
    static func emit(
        _ kind: Arguments.Kind, _ arguments: Arguments, _ report: Report
    ) throws(Failure) -> Int32 {
        var (compilation, paths) = try compilation(arguments)
        if kind == .swift, paths.count != 1 {
            throw Failure(text: "`emit swift` takes one schema and writes one file")
        }
        if kind != .swift { compilation.checkModule(paths) }
        let found = compilation
        let schemas = paths.compactMap { found.schemas[$0] }
        var mistakes =
            switch kind {
            case .swift: found.ownMistakes(paths)
            // Each schema's own mistakes are reported where its own code is made.
            case .catalog: found.moduleMistakes
            case .proto, .descriptor, .openapi, .markdown: found.diagnostics.sorted
            }
        if kind == .openapi || kind == .catalog, mistakes.isEmpty {
            mistakes = OpenAPIEmitter(compilation: found).clashes(schemas)
        }
        let status = report.status(mistakes) { found.source(displayed: $0) }
        guard status == 0, let output = arguments.output else { return status }
        if kind == .catalog,
            try !LockCommand.check(
                found, paths, root: try Files.root(arguments), isWhole: true, print: report.print)
        {
            return 1
        }
        try write(kind, found, schemas, arguments.label, to: output)
        return 0
    }

    private static func write(
        _ kind: Arguments.Kind, _ compilation: Compilation, _ schemas: [Schema], _ label: String?,
        to output: String
    ) throws(Failure) {
        /// How headers name a schema: the label, which stands for the root, and the path below it.
        func header(_ schema: Schema) -> String {
            label.map { "\($0)/\(schema.path)" } ?? schema.path
        }

        switch kind {
        case .swift:
            guard let schema = schemas.first else { return }
            let emitter = SwiftEmitter(compilation: compilation)
            try Files.write(emitter.file(schema, label: header(schema)), to: output)
        case .catalog:
            let emitter = SwiftEmitter(compilation: compilation)
            try Files.write(
                emitter.catalog(schemas, label: label ?? "the schemas"), to: output)
        case .descriptor:
            try Files.write(DescriptorEmitter(compilation: compilation).set(schemas), to: output)
        case .proto:
            let emitter = ProtoEmitter(compilation: compilation)
            for schema in schemas {
                try Files.write(
                    emitter.file(schema, label: header(schema)),
                    to: "\(output)/\(ProtoEmitter.path(schema.path))")
            }
        case .openapi:
            let emitter = OpenAPIEmitter(compilation: compilation)
            try Files.write(emitter.document(schemas, label: label).text, to: output)
        case .markdown:
            let emitter = MarkdownEmitter(compilation: compilation)
            try Files.write(emitter.page(schemas, label: label ?? "Schemas"), to: output)
        }
    }
}
