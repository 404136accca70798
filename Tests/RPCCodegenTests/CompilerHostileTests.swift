import Foundation
import TestSupport
import Testing

@testable import RPCCodegen

/// Schemas that no person would write: reported, never a trap, and always with an end.
@Suite struct CompilerHostileTests {
    private let sample: [UInt8]

    init() throws {
        let path = "\(repositoryRoot)/Tests/TestSchemas/every.rpc"
        sample = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// Compiles and renders, so that the places of mistakes are used too.
    @discardableResult
    private func mistakes(_ bytes: [UInt8]) -> Int {
        var compilation = Compilation(
            tree: SourceTree(
                read: { $0 == "test.rpc" ? bytes : nil }, list: { [] }, displayed: { $0 }))
        compilation.load("test.rpc")
        for mistake in compilation.diagnostics.sorted {
            _ = mistake.rendered { compilation.source(displayed: $0) }
        }
        return compilation.diagnostics.all.count
    }

    @Test func `every cut of a schema is reported`() throws {
        let text = String(decoding: sample, as: UTF8.self)
        let head = try #require(text.range(of: "keywords.rpc\""))
        // The import is missing here, so no cut behind it is without a mistake.
        for count in stride(from: text[..<head.upperBound].utf8.count, to: sample.count, by: 7) {
            #expect(mistakes(Array(sample.prefix(count))) > 0)
        }
    }

    @Test func `changed bytes never trap`() {
        var random = SplitMix(seed: 42)
        let interesting = Array("{}()<>:=?,.-\"/ \n\t0a".utf8) + [0, 0x7F, 0x80, 0xC3, 0xFF]
        for _ in 0..<300 {
            var bytes = sample
            var changes: [(Int, UInt8)] = []
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                bytes[index] = interesting.randomElement(using: &random) ?? 0
                changes.append((index, bytes[index]))
            }
            #expect(mistakes(bytes) > 0, "\(changes)")
        }
    }

    @Test func `random words never trap`() {
        let words = [
            "message", "enum", "service", "package", "import", "reserved", "list", "<", ">", "{",
            "}", "(", ")", ":", "=", "?", ",", "...", "->", "stream", "deadline", "none", "role",
            "idle", "any",
            "max", "5s", "0", "-1", "99999999999999999999", "\"x.rpc\"", "\"", "\n", "///", "a",
            "M", "string", "bytes",
        ]
        var random = SplitMix(seed: 42)
        for _ in 0..<500 {
            let count = Int.random(in: 0..<60, using: &random)
            let text = (0..<count).compactMap { _ in words.randomElement(using: &random) }
                .joined(separator: " ")
            #expect(mistakes(Array(text.utf8)) > 0, "\(text)")
        }
    }

    @Test func `a type nested deeply is refused without recursion running away`() {
        let depth = 100_000
        let text =
            "package a.v1\nmessage M {\na: " + String(repeating: "list<", count: depth)
            + "string" + String(repeating: ">", count: depth) + " = 1\n}\n"
        #expect(mistakes(Array(text.utf8)) == 1)
    }
}
