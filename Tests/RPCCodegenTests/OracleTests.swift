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
                ["--emit", "proto", "--root", root, "--output", folder.file("proto")]
                    + tree.list().map { "\(root)/\($0)" }))
        try #require(status == 0)
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
                    ["--emit", kind, "--root", root, "--output", folder.file(output)] + schemas))
            try #require(status == 0)
        }
        try await python("schema", folder, "--count", "100", "--seed", "7")
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

/// Every field of a message by its Swift name, in the form of `exchange.py`.
enum Dump {
    static func text(of value: Any) -> String {
        let mirror = Mirror(reflecting: value)
        if mirror.displayStyle == .optional {
            return mirror.children.first.map { text(of: $0.value) } ?? "nil"
        }
        switch value {
        case let value as Timestamp: return "\(value.seconds)+\(value.nanoseconds)"
        case let value as Duration:
            let parts = value.components
            return "\(parts.seconds)+\(parts.attoseconds / 1_000_000_000)"
        case let value as any Message: return fields(value)
        case let value as any OpenEnum: return "\(value.rawValue)"
        case let value as Float: return hex(value.bitPattern.bigEndian)
        case let value as Double: return hex(value.bitPattern.bigEndian)
        case let value as String: return "\"" + hex(Array(value.utf8))
        // An empty array is an array of any type to `as`.
        case let bytes as [UInt8] where type(of: value) == [UInt8].self: return "x" + hex(bytes)
        case let value as [Any]: return "[" + value.map(text).joined(separator: ",") + "]"
        default: return "\(value)"
        }
    }

    private static func fields(_ message: any Message) -> String {
        let fields = Mirror(reflecting: message).children.compactMap { child -> String? in
            guard let label = child.label, label != "unknownFields" else { return nil }
            return "\(label)=\(text(of: child.value))"
        }
        return "{" + fields.joined(separator: ",") + "}"
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes {
            text += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        return text
    }

    private static func hex(_ value: some FixedWidthInteger) -> String {
        let size = value.bitWidth / 8
        return hex((0..<size).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) })
    }
}
