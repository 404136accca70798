import Foundation
import TestSupport
import Testing

@testable import RPCCodegen

/// The command line: what it writes, when it writes nothing, how it ends.
@Suite struct ToolTests {
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
        try write("a.rpc", "package t.v1\nmessage A { text: string = 1 }\n")
        try write("b.rpc", "package t.v1\nimport \"a.rpc\"\nmessage B { a: A = 1 }\n")
    }

    private func write(_ name: String, _ text: String) throws {
        try text.write(toFile: folder.file(name), atomically: true, encoding: .utf8)
    }

    private func emit(_ kind: String, _ output: String, _ schemas: String...) throws -> Int32 {
        try Program.run(
            Arguments(
                ["--emit", kind, "--root", folder.path, "--output", folder.file(output)]
                    + schemas.map { folder.file($0) }),
            print: { _ in })
    }

    private func stamp(_ name: String) throws -> Date {
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.file(name))
        return try #require(attributes[.modificationDate] as? Date)
    }

    @Test func `a file that would not change is not written`() throws {
        #expect(try emit("swift", "b.swift", "b.rpc") == 0)
        let before = Date(timeIntervalSince1970: 1_000_000)
        try FileManager.default.setAttributes(
            [.modificationDate: before], ofItemAtPath: folder.file("b.swift"))
        try write("a.rpc", "package t.v1\nmessage A { text: string = 1 (max 9) }\n")
        #expect(try emit("swift", "b.swift", "b.rpc") == 0)
        #expect(try stamp("b.swift") == before)
        try write("b.rpc", "package t.v1\nmessage B {}\n")
        #expect(try emit("swift", "b.swift", "b.rpc") == 0)
        #expect(try stamp("b.swift") != before)
    }

    @Test func `a schema with mistakes writes nothing and ends with 1`() throws {
        try write("a.rpc", "package t.v1\nmessage A { text: sting = 1 }\n")
        let calls = [
            ("swift", "a.rpc"), ("swift", "b.rpc"), ("proto", "b.rpc"), ("descriptor", "b.rpc"),
        ]
        for (kind, schema) in calls {
            #expect(try emit(kind, "out", schema) == 1)
            #expect(!FileManager.default.fileExists(atPath: folder.file("out")))
        }
    }

    @Test func `the catalog lists every schema's messages and reports clashes`() throws {
        #expect(try emit("catalog", "Catalog.swift", "a.rpc", "b.rpc") == 0)
        let text = try String(contentsOfFile: folder.file("Catalog.swift"), encoding: .utf8)
        #expect(text.contains("        A.self,\n        B.self,\n"))
        try write("c.rpc", "package other.v1\nmessage B {}\n")
        #expect(try emit("catalog", "Catalog.swift", "a.rpc", "b.rpc", "c.rpc") == 1)
    }

    @Test func `the descriptors of a schema hold what it imports, first and once`() throws {
        #expect(try emit("descriptor", "set", "b.rpc") == 0)
        let alone = try Data(contentsOf: URL(fileURLWithPath: folder.file("set")))
        #expect(try emit("descriptor", "set", "a.rpc", "b.rpc") == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("set"))) == alone)
        #expect(try emit("descriptor", "set", "a.rpc") == 0)
        let imported = try Data(contentsOf: URL(fileURLWithPath: folder.file("set")))
        #expect(!imported.isEmpty && imported.count < alone.count)
        #expect(alone.starts(with: imported))
    }

    @Test func `a wrong call is refused with the reason`() throws {
        let wrong: [([String], String)] = [
            (["--emit", "swft", "a.rpc"], "did you mean `swift`?"),
            (["--emitt", "swift"], "did you mean `--emit`?"),
            (["--emit"], "--emit needs a value"),
            (["--emit", "swift", "--output", "o", "a.rpc", "b.rpc"], "takes one schema"),
            (["--emit", "proto", "a.rpc"], "say with --output"),
            (["--root", "/"], "name the schemas"),
        ]
        for (arguments, reason) in wrong {
            let error = try #require(throws: Program.Failure.self) { try Arguments(arguments) }
            #expect(error.text.contains(reason), "\(error.text)")
        }
        for file in ["/etc/passwd", folder.file("../x.rpc"), folder.file("none.rpc")] {
            #expect(throws: Program.Failure.self) {
                try Program.run(Arguments(["--root", folder.path, file]))
            }
        }
    }

    @Test func `every option is in the help`() throws {
        for option in ["--emit", "--root", "--output", "--label", "--help"] {
            #expect(Arguments.help.contains(option))
        }
        #expect(try Arguments([]).wantsHelp)
        #expect(try Arguments(["-h"]).wantsHelp)
    }
}
