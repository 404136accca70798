import Foundation
import PackagePlugin

/// Compiles every `.rpc` file of a target to Swift, one build command each.
///
/// The schemas must be the target's own files: a folder outside it is read when the package is
/// loaded, and a schema added there later would be missed.
@main
struct RPCCodegenPlugin: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        guard let target = target as? any SourceModuleTarget else { return [] }
        let schemas = target.sourceFiles(withSuffix: "rpc").map(\.url)
            .sorted { $0.path < $1.path }
        guard !schemas.isEmpty else { return [] }
        let lock = target.directoryURL.appending(path: "schema.lock")
        let build = Build(
            tool: try context.tool(named: "RPCCodegen").url, root: target.directoryURL,
            outputs: context.pluginWorkDirectoryURL, schemas: schemas,
            locks: target.sourceFiles.map(\.url).filter { $0.path == lock.path })
        return schemas.map(build.schema) + [build.catalog()]
    }
}

/// The commands for the schemas of one target.
private struct Build {
    let tool: URL
    let root: URL
    let outputs: URL
    let schemas: [URL]
    /// The `schema.lock` of the root, or none: what the schemas must not break.
    let locks: [URL]

    /// The schema and all it imports are inputs, so that a change in either makes it anew.
    func schema(_ schema: URL) -> Command {
        let path = relative(schema)
        // The tool does not care how its output is called; flat names keep them apart.
        let output = outputs.appending(
            path: path.replacingOccurrences(of: "/", with: "+") + ".swift")
        return .buildCommand(
            displayName: "Compiling schema \(path)", executable: tool,
            arguments: arguments("swift", output) + [schema.path],
            inputFiles: imports(of: schema).sorted { $0.path < $1.path },
            outputFiles: [output])
    }

    /// Also checks the schemas against their lock.
    func catalog() -> Command {
        let output = outputs.appending(path: "SchemaCatalog.swift")
        return .buildCommand(
            displayName: "Listing the schemas of \(root.lastPathComponent)", executable: tool,
            arguments: arguments("catalog", output) + schemas.map(\.path),
            inputFiles: schemas + locks, outputFiles: [output])
    }

    private func arguments(_ kind: String, _ output: URL) -> [String] {
        [
            "emit", kind, "--root", root.path, "--label", root.lastPathComponent,
            "--output", output.path,
        ]
    }

    private func relative(_ schema: URL) -> String {
        let folder = root.path.hasSuffix("/") ? root.path : root.path + "/"
        return schema.path.hasPrefix(folder)
            ? String(schema.path.dropFirst(folder.count)) : schema.lastPathComponent
    }

    /// The schema itself and, over any number of steps, what its `import` lines name.
    private func imports(of schema: URL) -> Set<URL> {
        var found: Set<URL> = []
        let paths = Set(schemas.map(\.path))
        var waiting = [schema]
        while let file = waiting.popLast() {
            guard paths.contains(file.path), found.insert(file).inserted,
                let text = try? String(contentsOf: file, encoding: .utf8)
            else { continue }
            for line in text.split(whereSeparator: \.isNewline) {
                let words = line.split(separator: "\"", omittingEmptySubsequences: false)
                guard words.count == 3, words[0].trimmingCharacters(in: .whitespaces) == "import"
                else { continue }
                waiting.append(root.appending(path: String(words[1])))
            }
        }
        return found
    }
}
