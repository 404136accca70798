@testable import RPCCodegen

/// Schemas in memory.
struct TestTree {
    var files: [String: String]

    /// One schema, `test.rpc`.
    init(_ text: String) { files = ["test.rpc": text] }
    init(_ files: [String: String]) { self.files = files }

    func compile(_ path: String = "test.rpc") -> Compilation {
        let files = files
        var compilation = Compilation(
            tree: SourceTree(
                read: { files[$0].map { Array($0.utf8) } },
                list: { files.keys.sorted() },
                displayed: { $0 }))
        compilation.load(path)
        return compilation
    }

    /// The mistakes as the tool prints them.
    func mistakes(_ path: String = "test.rpc") -> String {
        let compilation = compile(path)
        return compilation.diagnostics.sorted
            .map { $0.rendered { compilation.source(displayed: $0) } }.joined(separator: "\n")
    }

    /// The mistakes without the lines that show the place.
    func headlines(_ path: String = "test.rpc") -> [String] {
        mistakes(path).split(separator: "\n").map(String.init)
            .filter { $0.contains(": error: ") }
            .map { $0.replacing(#/ \[IDL\d+\]$/#, with: "") }
    }
}
