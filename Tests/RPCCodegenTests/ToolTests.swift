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
                ["emit", kind, "--root", folder.path, "--output", folder.file(output)]
                    + schemas.map { folder.file($0) }),
            print: { _ in })
    }

    /// Runs the tool; returns what it prints.
    private func run(_ arguments: String...) throws -> (status: Int32, output: String) {
        let lines = Lines()
        let status = try Program.run(Arguments(arguments), print: { lines.text += $0 + "\n" })
        return (status, lines.text)
    }

    private final class Lines {
        var text = ""
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

    @Test func `the catalog's document stays as it is whatever its words are`() throws {
        try write(
            "a.rpc",
            """
            package t.v1
            /// Asks \\#(1 + 1), \\#n, \\\\#(2) and \"\"\"# of it.
            message A { text: string = 1 }
            service S { ask(A) -> A { deadline 1s, role any, safe, get "/v1/ask" } }

            """)
        #expect(try emit("catalog", "Catalog.swift", "a.rpc") == 0)
        #expect(try emit("openapi", "api.json", "a.rpc") == 0)
        let text = try String(contentsOfFile: folder.file("Catalog.swift"), encoding: .utf8)
        let document = try String(contentsOfFile: folder.file("api.json"), encoding: .utf8)
        let opening = try #require(text.range(of: "StaticString = #\"\"\"\n"))
        let closing = try #require(
            text.range(of: "\n        \"\"\"#", range: opening.upperBound..<text.endIndex))
        // As Swift reads it: the only escape is that of a backslash.
        let parts = text[opening.upperBound..<closing.lowerBound].components(separatedBy: "\\#\\")
        #expect(parts.count == 4)
        #expect(parts.allSatisfy { !$0.contains("\\#") })
        let lines = parts.joined(separator: "\\").components(separatedBy: "\n")
        #expect(lines.map { String($0.dropFirst(8)) }.joined(separator: "\n") + "\n" == document)
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

    @Test func `a folder is all schemas in it and below it, and the root`() throws {
        try FileManager.default.createDirectory(
            atPath: folder.file("deep"), withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
            atPath: folder.file(".hidden"), withIntermediateDirectories: true)
        try write("deep/c.rpc", "package t.v1\nimport \"b.rpc\"\nmessage C { b: Bb = 1 }\n")
        try write(".hidden/d.rpc", "nothing\n")
        let (status, output) = try run("check", folder.path)
        #expect(status == 1)
        #expect(output.hasPrefix("\(folder.path)/deep/c.rpc:3:16: error: there is no type `Bb`"))
        #expect(!output.contains(".hidden"))
        let again = try run(
            "check", folder.path + "/", folder.file("a.rpc"), "--root", folder.path)
        #expect(again == (1, output))
        #expect(throws: Program.Failure.self) { try run("check", folder.file("none")) }
    }

    @Test func `mistakes are JSON for programs`() throws {
        try write("b.rpc", "package t.v1\nimport \"a.rpc\"\nmessage B { a: AA = 1 }\n")
        let (status, output) = try run("check", "--json", folder.path)
        #expect(status == 1)
        struct Mistake: Decodable, Equatable {
            struct Fix: Decodable, Equatable { var replacement: String }
            var rule: String
            var severity: String
            var text: String
            var path: String
            var line: Int
            var column: Int
            var endColumn: Int
            var fix: Fix?
        }
        let mistakes = try JSONDecoder().decode([Mistake].self, from: Data(output.utf8))
        #expect(
            mistakes == [
                Mistake(
                    rule: "IDL029", severity: "error", text: "there is no type `AA`",
                    path: folder.file("b.rpc"), line: 3, column: 16, endColumn: 18, fix: nil)
            ])
        try write("b.rpc", "package t.v1\n")
        #expect(try run("check", "--json", folder.path) == (0, "[]\n"))
    }

    @Test func `format rewrites what is not in form, and says so when it only checks`() throws {
        let good = "package t.v1\n\nmessage A {\n    text: string = 1\n}\n"
        try write("a.rpc", good)
        try write("b.rpc", "package t.v1 message   B{ x:Missing=1 }\n")
        let (status, output) = try run("format", "--check", folder.path)
        #expect(status == 1)
        #expect(output.hasPrefix("\(folder.file("b.rpc")):1:13: warning: "), "\(output)")
        #expect(!output.contains("a.rpc"))
        #expect(try run("format", folder.path) == (0, ""))
        #expect(try String(contentsOfFile: folder.file("a.rpc"), encoding: .utf8) == good)
        #expect(
            try String(contentsOfFile: folder.file("b.rpc"), encoding: .utf8)
                == "package t.v1\n\nmessage B {\n    x: Missing = 1\n}\n")
        #expect(try run("format", "--check", folder.path) == (0, ""))
    }

    @Test func `format leaves a schema alone that it cannot read`() throws {
        let bad = "package t.v1\nmessage  A {\n  x string = 1\n}\n"
        try write("a.rpc", bad)
        let (status, output) = try run("format", folder.file("a.rpc"), folder.file("b.rpc"))
        #expect(status == 1)
        #expect(output.contains("a.rpc:3:5: error: "), "\(output)")
        #expect(try String(contentsOfFile: folder.file("a.rpc"), encoding: .utf8) == bad)
        #expect(
            try String(contentsOfFile: folder.file("b.rpc"), encoding: .utf8)
                .contains("message B {\n    a: A = 1\n}\n"))
    }

    @Test func `lint reports mistakes too, and can be told to keep quiet`() throws {
        #expect(try run("lint", folder.path).output.contains("[LINT004]"))
        let all = LintRule.allCases.map(\.id)
        #expect(try run("lint", "--allow", all.joined(separator: ","), folder.path) == (0, ""))
        #expect(try run("lint", "--allow=lint001,LINT007", folder.path).status == 1)
        try write("b.rpc", "package t.v1\nmessage B { a: A = 1 }\n")
        #expect(try run("lint", folder.path).output.contains(": error: there is no type `A`"))
    }

    @Test func `every rule is explained`() throws {
        let ids = Rule.allCases.map(\.id) + LintRule.allCases.map(\.id)
        #expect(Set(ids).count == ids.count)
        for id in ids {
            let (status, output) = try run("explain", id)
            #expect(status == 0)
            #expect(output.hasPrefix(id))
        }
        #expect(try run("explain", "lint004", "IDL042").output.contains("\n\nIDL042"))
    }

    static let wrongCalls: [([String], String)] = [
        (["chek", "a.rpc"], "did you mean `check`?"),
        (["build", "a.rpc"], "but check, lint, format, explain, lock, emit"),
        (["--emit", "swift"], "there is no command `--emit`"),
        (["emit", "swft", "a.rpc"], "did you mean `swift`?"),
        (["emit", "swift", "--otput", "o"], "did you mean `--output`?"),
        (["check", "--output", "o"], "`check` has no option `--output`"),
        (["check", "--json=yes", "a.rpc"], "--json takes no value"),
        (["emit", "swift", "--output"], "--output needs a value"),
        (["emit"], "say what to emit"),
        (["emit", "proto", "a.rpc"], "say with --output"),
        (["check", "--root", "/"], "name the schemas"),
        (["lint", "--allow", "LINT099", "a.rpc"], "there is no rule `LINT099`"),
        (["explain"], "name the rule"),
        (["explain", "IDL999"], "there is no rule `IDL999`"),
    ]

    @Test(arguments: wrongCalls)
    func `a wrong call is refused with the reason`(
        _ arguments: [String], _ reason: String
    ) throws {
        let error = try #require(throws: Program.Failure.self) { try Arguments(arguments) }
        #expect(error.text.contains(reason), "\(error.text)")
    }

    @Test func `files that are no schemas of the root are refused`() throws {
        for file in ["/etc/passwd", folder.file("../x.rpc"), folder.file("none.rpc")] {
            #expect(throws: Program.Failure.self) {
                try Program.run(Arguments(["check", "--root", folder.path, file]))
            }
        }
        #expect(throws: Program.Failure.self) { try emit("swift", "o", "a.rpc", "b.rpc") }
    }

    @Test func `every command, kind and option is in the help`() throws {
        #expect(try Arguments([]).wantsHelp)
        #expect(try Arguments(["-h"]).wantsHelp)
        let overview = try run("--help")
        #expect(overview.status == 0)
        for command in Arguments.Command.allCases {
            #expect(overview.output.contains("  \(command.rawValue) "))
            let help = try run(command.rawValue, "--help").output
            for option in command.options { #expect(help.contains(option.flag)) }
            #expect(try run(command.rawValue, "-h").output == help)
        }
        let help = try run("emit", "-h").output
        for kind in Arguments.Kind.allCases { #expect(help.contains("\n  \(kind.rawValue) ")) }
    }
}
