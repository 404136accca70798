import Foundation

/// `RPCCodegen lock`: writes `schema.lock`.
struct LockCommand {
    static let name = "lock"

    var root = "."
    var level: BreakingLevel?
    var approvesBreaking = false
    var wantsHelp = false
    var schemas: [String] = []

    init(_ arguments: [String]) throws(Program.Failure) {
        var rest = arguments[...]
        func value(
            _ option: String, _ rest: inout ArraySlice<String>
        ) throws(Program.Failure) -> String {
            guard let value = rest.popFirst() else {
                throw Program.Failure(text: "\(option) needs a value")
            }
            return value
        }
        while let argument = rest.popFirst() {
            switch argument {
            case "-h", "--help": wantsHelp = true
            case "--root": root = try value(argument, &rest)
            case "--approve-breaking": approvesBreaking = true
            case "--level":
                let word = try value(argument, &rest)
                guard let level = BreakingLevel(rawValue: word), level.isFailing else {
                    throw Program.Failure(
                        text: "--level takes wire, json or source, not `\(word)`")
                }
                self.level = level
            case _ where argument.hasPrefix("-"):
                let hint = Names.suggestion(
                    for: argument, among: ["--help", "--root", "--approve-breaking", "--level"])
                throw Program.Failure(text: "there is no option `\(argument)`\(hint)")
            default: schemas.append(argument)
            }
        }
        // A folder alone is the root, as for other commands.
        if root == ".", schemas.count == 1, Files.isFolder(schemas[0]) {
            root = schemas.removeLast()
        }
        while root.count > 1, root.hasSuffix("/") { root.removeLast() }
    }

    static let help = """
        Writes what the schemas below a folder promise to its file schema.lock; builds then fail
        on changes that break it (docs/EVOLUTION.md).

        usage: RPCCodegen lock [--root FOLDER] [--level LEVEL] [--approve-breaking] [SCHEMA...]

          --root FOLDER       the folder that the schemas lie in (default: the current one)
          --level LEVEL       what fails a build from now on: wire, json (and wire; the level of a
                              new lock) or source (and both)
          --approve-breaking  write it though something breaks that was promised
          -h, --help          this text

        Without SCHEMA it takes every .rpc file below the folder. Nothing is written where a schema
        has mistakes, or where something breaks and that is not approved.
        Exit status: 0 done, 1 not written, 2 wrong call or unreadable file.
        """

    /// Writes the lock; the exit status.
    func run(print: (String) -> Void = { Swift.print($0) }) throws(Program.Failure) -> Int32 {
        if wantsHelp {
            print(Self.help)
            return 0
        }
        var compilation = Compilation(tree: Files.tree(root: root))
        var paths: [String] = []
        for file in schemas { paths.append(try Files.relative(file, to: root)) }
        if schemas.isEmpty { paths = compilation.tree.list().sorted() }
        for path in paths where !compilation.load(path) {
            throw Program.Failure(text: "cannot read \(compilation.tree.displayed(path))")
        }
        if paths.isEmpty { throw Program.Failure(text: "there are no schemas below \(root)") }
        compilation.checkModule(paths)
        let mistakes = compilation.diagnostics.sorted
        for mistake in mistakes {
            print(mistake.rendered { compilation.source(displayed: $0) })
        }
        guard mistakes.isEmpty else { return 1 }
        return try write(compilation, paths, print)
    }

    private func write(
        _ compilation: Compilation, _ paths: [String], _ print: (String) -> Void
    ) throws(Program.Failure) -> Int32 {
        let path = compilation.tree.displayed(LockFile.name)
        var lock = LockFile(promise: Promise())
        if let bytes = try Self.bytes(root: root) {
            do throws(LockMistake) {
                lock = try LockParser.parse(bytes)
            } catch {
                print(Self.rendered(error, path))
                print("mend it, or take it away to promise anew")
                return 1
            }
        }
        lock.level = level ?? lock.level
        let check = LockCheck(lock, compilation, paths)
        let failures = check.failures
        if !failures.isEmpty, !approvesBreaking {
            for failure in failures { print(check.render(failure, "error")) }
            print(
                "\(path) is not written: \(failures.count) changes break what it promises; "
                    + "approve them with --approve-breaking")
            return 1
        }
        let new = LockFile(level: lock.level, promise: check.current)
        try Files.write(new.text, to: "\(root)/\(LockFile.name)")
        print(
            "\(path): level \(new.level.rawValue), \(check.linesBehind) lines changed, "
                + "\(failures.count) breaking")
        return 0
    }

    // MARK: Reading

    /// The lock of a folder; nil where it has none.
    static func bytes(root: String) throws(Program.Failure) -> [UInt8]? {
        let path = "\(root)/\(LockFile.name)"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let bytes = Files.tree(root: root).read(LockFile.name) else {
            throw Program.Failure(text: "cannot read \(path), or it is over 4 MiB")
        }
        return bytes
    }

    private static func rendered(_ mistake: LockMistake, _ path: String) -> String {
        "\(path):\(mistake.line):1: error: \(mistake.text)"
    }

    /// Checks schemas against the lock of their folder, where it has one; false when the build
    /// should fail.
    ///
    /// Schemas with mistakes, or without the others of the folder, cannot be compared.
    /// - Parameter isWhole: whether these are all that there are.
    static func check(
        _ compilation: Compilation, _ paths: [String], root: String, isWhole: Bool,
        print: (String) -> Void
    ) throws(Program.Failure) -> Bool {
        guard compilation.diagnostics.all.isEmpty, let bytes = try bytes(root: root),
            isWhole || Set(compilation.tree.list()).isSubset(of: paths)
        else { return true }
        do throws(LockMistake) {
            let check = LockCheck(try LockParser.parse(bytes), compilation, paths)
            for message in check.messages() { print(message) }
            return check.failures.isEmpty
        } catch {
            print(rendered(error, compilation.tree.displayed(LockFile.name)))
            return false
        }
    }
}
