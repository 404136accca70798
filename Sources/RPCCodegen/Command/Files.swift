import Foundation

/// The file system, as far as the compiler needs it.
enum Files {
    /// A schema larger than this is no schema.
    static let sizeMax = 4_194_304

    static func tree(root: String) -> SourceTree {
        SourceTree(
            read: { read("\(root)/\($0)") },
            list: { list(root) },
            displayed: { root == "." ? $0 : "\(root)/\($0)" })
    }

    static func read(_ path: String) -> [UInt8]? {
        guard let file = FileHandle(forReadingAtPath: path),
            let data = try? file.read(upToCount: sizeMax + 1), data.count <= sizeMax
        else { return nil }
        return [UInt8](data)
    }

    /// Those in hidden folders are nobody's schemas.
    private static func list(_ root: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String }
        return (names ?? []).filter { name in
            name.hasSuffix(".rpc") && !name.split(separator: "/").contains { $0.first == "." }
        }
    }

    /// The files that are named, and those of the folders that are, each once.
    static func schemas(_ named: [String]) throws(Program.Failure) -> [String] {
        var files: [String] = []
        for path in named {
            guard isFolder(path) else {
                guard path.hasSuffix(".rpc") else {
                    throw Program.Failure(text: "\(path) is neither a .rpc file nor a folder")
                }
                files.append(path)
                continue
            }
            let found = list(path).sorted()
            if found.isEmpty { throw Program.Failure(text: "there is no .rpc file in \(path)") }
            files += found.map { path == "." ? $0 : "\(path)/\($0)" }
        }
        var seen: Set<String> = []
        return files.filter { seen.insert($0).inserted }
    }

    /// Where imports begin.
    static func root(_ arguments: Arguments) throws(Program.Failure) -> String {
        if let root = arguments.root {
            if !isFolder(root) { throw Program.Failure(text: "there is no folder \(root)") }
            return root
        }
        if arguments.schemas.count == 1, isFolder(arguments.schemas[0]) {
            return arguments.schemas[0]
        }
        return "."
    }

    static func isFolder(_ path: String) -> Bool {
        let file = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let attributes = try? FileManager.default.attributesOfItem(atPath: file)
        return attributes?[.type] as? FileAttributeType == .typeDirectory
    }

    static func relative(_ path: String, to root: String) throws(Program.Failure) -> String {
        let file = URL(fileURLWithPath: path).standardizedFileURL.path
        let folder = URL(fileURLWithPath: root).standardizedFileURL.path + "/"
        guard file.hasPrefix(folder), file.hasSuffix(".rpc") else {
            throw Program.Failure(text: "\(path) is not a .rpc file below the root \(root)")
        }
        return String(file.dropFirst(folder.count))
    }

    /// Writes unless the file has that content already, so that what depends on it stays built.
    static func write(_ text: String, to path: String) throws(Program.Failure) {
        try write(Array(text.utf8), to: path)
    }

    /// The same with bytes that are no text.
    static func write(_ bytes: [UInt8], to path: String) throws(Program.Failure) {
        let data = Data(bytes)
        if FileManager.default.contents(atPath: path) == data { return }
        let url = URL(fileURLWithPath: path)
        do {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try data.write(to: url, options: .atomic)
        } catch {
            throw Program.Failure(text: "cannot write \(path): \(error)")
        }
    }
}
