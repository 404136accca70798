import Foundation
import MeshAPI
import RPCRuntime
import TestSchemas
import TestSupport
import Testing

@testable import RPCCodegen

/// Google's protobuf is the judge of our encoding.
///
/// It makes random values of every message, we read them and write them again, and it compares:
/// `scripts/oracle/exchange.py`.
@Suite struct OracleTests {
    static let python =
        ProcessInfo.processInfo.environment["BIOMETRICFLOW_PYTHON"]
        ?? "\(repositoryRoot)/.build/venv/bin/python"
    static let count = 1000

    @Test func `every message of the mesh is equal for Google's protobuf`() async throws {
        try await exchange(root: "\(repositoryRoot)/Schemas", MeshAPI.SchemaCatalog.messages)
    }

    @Test func `every type in every form is equal for Google's protobuf`() async throws {
        try await exchange(
            root: "\(repositoryRoot)/Tests/TestSchemas", TestSchemas.SchemaCatalog.messages)
    }

    private func exchange(root: String, _ types: [any Message.Type]) async throws {
        try #require(
            FileManager.default.isExecutableFile(atPath: Self.python),
            "no Python at \(Self.python): scripts/test makes it, or set BIOMETRICFLOW_PYTHON")
        let folder = try TemporaryDirectory()
        let tree = Files.tree(root: root)
        let status = try Program.run(
            Arguments(
                ["emit", "proto", "--root", root, "--output", folder.file("proto")]
                    + tree.list().map { "\(root)/\($0)" }))
        try #require(status == 0)
        try limits(of: root, tree.list())
            .write(to: URL(fileURLWithPath: folder.file("proto/limits.json")))
        try await python("make", folder, "--count", "\(Self.count)", "--seed", "7")
        let answers = try answers(
            to: [UInt8](Data(contentsOf: URL(fileURLWithPath: folder.file("values")))), types)
        try Data(answers).write(to: URL(fileURLWithPath: folder.file("answers")))
        try await python("check", folder, folder.file("answers"))
    }

    @Test(arguments: ["Schemas", "Tests/TestSchemas", "Sources/RPCServices"])
    func `descriptors are what protoc makes of the exported schemas`(
        _ name: String
    ) async throws {
        let root = "\(repositoryRoot)/\(name)"
        let folder = try TemporaryDirectory()
        // protoc goes through the files in this order too.
        let schemas = Files.tree(root: root).list().sorted().map { "\(root)/\($0)" }
        for (kind, output) in [("proto", "proto"), ("descriptor", "values")] {
            let status = try Program.run(
                Arguments(
                    ["emit", kind, "--root", root, "--output", folder.file(output)] + schemas))
            try #require(status == 0)
        }
        try await python("schema", folder, "--count", "100", "--seed", "7")
    }

    /// What `exchange.py` must know of the fields and a `.proto` does not say.
    private func limits(of root: String, _ paths: [String]) throws -> Data {
        var compilation = Compilation(tree: Files.tree(root: root))
        for path in paths { compilation.load(path) }
        let limits = OracleLimits(compilation.schemas.values.flatMap(\.allMessages))
        return try JSONEncoder().encode(limits.fields)
    }

    private func python(
        _ command: String, _ folder: TemporaryDirectory, _ rest: String...
    ) async throws {
        let script = "\(repositoryRoot)/scripts/oracle/exchange.py"
        let result = try await run(
            Self.python,
            [script, command, folder.file("proto"), folder.file("values")] + rest)
        #expect(result.status == 0, "\(result.standardOutput)\(result.standardError)")
    }

    /// Reads and writes each value, and compares its fields with Python's dump where there is one.
    private func answers(to values: [UInt8], _ types: [any Message.Type]) throws -> [UInt8] {
        let types = Dictionary(uniqueKeysWithValues: types.map { ($0.typeName, $0) })
        var seen: [String: Int] = [:]
        var answers: [UInt8] = []
        var position = 0
        func part() throws -> ArraySlice<UInt8> {
            try #require(values.count - position >= 4)
            let length = (0..<4).reduce(0) { $0 | Int(values[position + $1]) << ($1 * 8) }
            try #require(values.count - position - 4 >= length)
            defer { position += 4 + length }
            return values[(position + 4)..<(position + 4 + length)]
        }
        while position < values.count {
            let name = String(decoding: try part(), as: UTF8.self)
            let expected = String(decoding: try part(), as: UTF8.self)
            let bytes = Array(try part())
            let message = try #require(types[name]).init(decoding: bytes)
            if !expected.isEmpty {
                let found = Dump.text(of: message)
                // Outside #expect, which would keep the two texts of every comparison.
                if found != expected { Issue.record("\(name): \(found) for \(expected)") }
            }
            let answer = message.encoded()
            for shift in stride(from: 0, to: 32, by: 8) {
                answers.append(UInt8(truncatingIfNeeded: answer.count >> shift))
            }
            answers += answer
            seen[name, default: 0] += 1
        }
        #expect(seen == types.mapValues { _ in Self.count })
        return answers
    }
}
