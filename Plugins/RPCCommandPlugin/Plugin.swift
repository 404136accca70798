import Foundation
import PackagePlugin

/// `swift package rpc COMMAND`: runs RPCCodegen for the schemas of the package's targets.
@main
struct RPCCommandPlugin: CommandPlugin {
    /// What SwiftPM prints behind `error:`.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    func performCommand(context: PluginContext, arguments: [String]) throws {
        let tool = try context.tool(named: "RPCCodegen").url
        var extractor = ArgumentExtractor(arguments)
        let names = extractor.extractOption(named: "target")
        let rest = extractor.remainingArguments
        guard let command = rest.first, rest.allSatisfy({ $0 != "--help" && $0 != "-h" }) else {
            print(Self.usage)
            return try require(run(tool, rest), command: "rpc")
        }
        if command == "explain" { return try require(run(tool, rest), command: command) }
        let modules = try modules(of: context.package, names)
        if command == "emit", !rest.dropFirst().starts(with: ["proto"]), modules.count > 1 {
            let found = modules.map(\.name).joined(separator: ", ")
            throw Failure(
                description: "`emit` writes one output: name one with --target of \(found)")
        }
        var worst: Int32 = 0
        for module in modules {
            // Formatting looks at each file alone.
            let root = command == "format" ? [] : ["--root", module.root.path]
            worst = max(worst, try run(tool, rest + root + module.schemas))
            // A wrong call is wrong for every target.
            if worst > 1 { break }
        }
        try require(worst, command: command)
    }

    private static let usage = """
        usage: swift package rpc COMMAND [--target NAME...] [OPTION...]

        Runs the command for all .rpc files of the package's targets, or of those named; the folder
        of a target is the root of its schemas. The commands and options are RPCCodegen's:

        """

    // MARK: Targets

    private struct Module {
        var name: String
        var root: URL
        var schemas: [String]
    }

    private func modules(of package: Package, _ names: [String]) throws -> [Module] {
        let targets =
            names.isEmpty ? package.targets : try package.targets(named: names)
        let modules = targets.compactMap { target -> Module? in
            guard let target = target as? any SourceModuleTarget else { return nil }
            let schemas = target.sourceFiles(withSuffix: "rpc").map(\.url.path).sorted()
            return schemas.isEmpty
                ? nil : Module(name: target.name, root: target.directoryURL, schemas: schemas)
        }
        if modules.isEmpty {
            let what = names.isEmpty ? "the package" : names.joined(separator: ", ")
            throw Failure(description: "there is no .rpc file in the targets of \(what)")
        }
        return modules
    }

    // MARK: The tool

    /// Returns the exit status.
    private func run(_ tool: URL, _ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = tool
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }

    private func require(_ status: Int32, command: String) throws {
        guard status != 0 else { return }
        throw Failure(description: "`\(command)` ended with status \(status)")
    }
}
