import Foundation

/// `RPCCodegen lock`: writes `schema.lock`.
struct LockCommand {
    let arguments: Arguments
    let report: Report

    /// Writes the lock; the exit status.
    func run() throws(Program.Failure) -> Int32 {
        let root = try Files.root(arguments)
        var wanted = arguments
        if wanted.schemas.isEmpty { wanted.schemas = [root] }
        var (compilation, paths) = try Program.compilation(wanted)
        compilation.checkModule(paths)
        let found = compilation
        let status = report.status(found.diagnostics.sorted) { found.source(displayed: $0) }
        return try status == 0 ? write(found, paths, root) : status
    }

    private func write(
        _ compilation: Compilation, _ paths: [String], _ root: String
    ) throws(Program.Failure) -> Int32 {
        let print = report.print
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
        lock.level = arguments.level ?? lock.level
        let check = LockCheck(lock, compilation, paths)
        let failures = check.failures
        if !failures.isEmpty, !arguments.approvesBreaking {
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
