/// What the command line asks for.
struct Arguments {
    enum Emit: String, CaseIterable {
        case swift, catalog, proto, descriptor, check
    }

    var emit = Emit.check
    var root = "."
    var output: String?
    var label: String?
    var schemas: [String] = []
    var wantsHelp = false

    init(_ arguments: [String]) throws(Program.Failure) {
        var rest = arguments[...]
        if rest.isEmpty { wantsHelp = true }
        while let argument = rest.popFirst() {
            switch argument {
            case "-h", "--help": wantsHelp = true
            case "--emit":
                let value = try Self.value(argument, &rest)
                guard let emit = Emit(rawValue: value) else {
                    let hint = Names.suggestion(
                        for: value, among: Emit.allCases.map(\.rawValue))
                    throw Program.Failure(
                        text: "--emit takes swift, catalog, proto, descriptor or check, "
                            + "not `\(value)`\(hint)")
                }
                self.emit = emit
            case "--root": root = try Self.value(argument, &rest)
            case "--output": output = try Self.value(argument, &rest)
            case "--label": label = try Self.value(argument, &rest)
            case _ where argument.hasPrefix("-"):
                let hint = Names.suggestion(
                    for: argument, among: ["--help", "--emit", "--root", "--output", "--label"])
                throw Program.Failure(text: "there is no option `\(argument)`\(hint)")
            default: schemas.append(argument)
            }
        }
        while root.count > 1, root.hasSuffix("/") { root.removeLast() }
        if wantsHelp { return }
        if schemas.isEmpty, emit != .catalog {
            throw Program.Failure(text: "name the schemas to compile; see --help")
        }
        if emit == .swift, schemas.count != 1 {
            throw Program.Failure(text: "--emit swift takes one schema and writes one file")
        }
        if emit != .check, output == nil {
            throw Program.Failure(text: "say with --output where the \(emit.rawValue) goes")
        }
    }

    private static func value(
        _ option: String, _ rest: inout ArraySlice<String>
    ) throws(Program.Failure) -> String {
        guard let value = rest.popFirst() else {
            throw Program.Failure(text: "\(option) needs a value")
        }
        return value
    }

    static let help = """
        Compiles schemas (docs/IDL.md) of messages and services.

        usage: RPCCodegen --emit KIND [--root FOLDER] [--output PATH] [--label TEXT] SCHEMA...
               RPCCodegen lock [--root FOLDER] (see RPCCodegen lock --help)

          --emit swift      one schema to the Swift file --output
          --emit catalog    all schemas of a module to the Swift file --output, which lists their
                            messages and services; reports names that two schemas declare
          --emit proto      each schema to a .proto (proto3) in the folder --output
          --emit descriptor all schemas, and what they import, to the file --output: a protobuf
                            FileDescriptorSet
          --emit check      nothing: only report mistakes (this is the default)
          --root FOLDER     the folder that the schemas lie in; imports cannot leave it
                            (default: the current one)
          --output PATH     where to write; a file whose content is the same is left untouched
          --label TEXT      the name of the root in the headers of generated files
          -h, --help        this text

        Mistakes are printed as `path:line:column: error: text`, all of them in one run.
        Exit status: 0 done, 1 a schema has mistakes, 2 wrong call or unreadable file.

        examples:
          RPCCodegen --root Schemas Schemas/*.rpc
          RPCCodegen --emit proto --root Schemas --output build/proto Schemas/*.rpc
        """
}
