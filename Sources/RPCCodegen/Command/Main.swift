import Foundation

@main
enum Program {
    static func main() {
        do throws(Failure) {
            exit(try run(try Arguments(Array(CommandLine.arguments.dropFirst()))))
        } catch {
            FileHandle.standardError.write(Data("RPCCodegen: \(error.text)\n".utf8))
            exit(2)
        }
    }

    /// A mistake in how the tool was called, or a file that cannot be read or written.
    struct Failure: Error {
        var text: String
    }

    /// Does what is asked; the exit status is 1 when there is something to mend.
    static func run(
        _ arguments: Arguments, print: @escaping (String) -> Void = { Swift.print($0) }
    ) throws(Failure) -> Int32 {
        guard let command = arguments.command, !arguments.wantsHelp else {
            print(arguments.help)
            return 0
        }
        let report = Report(arguments: arguments, print: print)
        switch command {
        case .check:
            let (compilation, paths, status) = try compiled(arguments, report)
            guard status == 0, !arguments.wantsJSON else { return status }
            let holds = try LockCommand.check(
                compilation, paths, root: try Files.root(arguments), isWhole: false, print: print)
            return holds ? 0 : 1
        case .lint:
            return try lint(arguments, report)
        case .format:
            return try format(arguments, report)
        case .explain:
            print(arguments.rules.map(Explanation.text).joined(separator: "\n\n"))
            return 0
        case .lock:
            return try LockCommand(arguments: arguments, report: report).run()
        case .emit:
            guard let kind = arguments.kind else { return 0 }
            return try emit(kind, arguments, report)
        }
    }

    /// Reads and checks the schemas.
    static func compilation(
        _ arguments: Arguments
    ) throws(Failure) -> (Compilation, paths: [String]) {
        let root = try Files.root(arguments)
        var compilation = Compilation(tree: Files.tree(root: root))
        var paths: [String] = []
        for file in try Files.schemas(arguments.schemas) {
            let path = try Files.relative(file, to: root)
            guard compilation.load(path) else { throw Failure(text: "cannot read \(file)") }
            if !paths.contains(path) { paths.append(path) }
        }
        return (compilation, paths)
    }

    /// The same, as one module whose mistakes are reported.
    private static func compiled(
        _ arguments: Arguments, _ report: Report
    ) throws(Failure) -> (Compilation, paths: [String], status: Int32) {
        var (compilation, paths) = try compilation(arguments)
        compilation.checkModule(paths)
        let found = compilation
        let status = report.status(found.diagnostics.sorted) { found.source(displayed: $0) }
        return (found, paths, status)
    }

    private static func lint(_ arguments: Arguments, _ report: Report) throws(Failure) -> Int32 {
        var (compilation, paths) = try compilation(arguments)
        compilation.checkModule(paths)
        let found = compilation
        let warnings = paths.flatMap {
            Linter.warnings(of: $0, in: found, allowed: arguments.allowed)
        }
        return report.status((found.diagnostics.all + warnings).inOrder) {
            found.source(displayed: $0)
        }
    }

    private static func format(
        _ arguments: Arguments, _ report: Report
    ) throws(Failure) -> Int32 {
        var sources: [String: SourceText] = [:]
        var found: [Diagnostic] = []
        for file in try Files.schemas(arguments.schemas) {
            guard let bytes = Files.read(file) else { throw Failure(text: "cannot read \(file)") }
            let source = SourceText(path: file, bytes: bytes)
            sources[file] = source
            var mistakes = Diagnostics()
            _ = Parser.parse(source, &mistakes)
            guard mistakes.all.isEmpty else {
                found += mistakes.sorted
                continue
            }
            guard let formatted = Formatter.formatted(source) else {
                throw Failure(
                    text: "\(file) has braces more than \(Formatter.depthMax) deep, "
                        + "which is too deep to format")
            }
            if !arguments.onlyChecks {
                try Files.write(formatted, to: file)
            } else if let difference = Linter.form(source) {
                found.append(difference)
            }
        }
        return report.status(found) { sources[$0] }
    }
}
