import Foundation
import TestSupport
import Testing

@testable import RPCCodegen

/// `RPCCodegen lock`, and what a build says of a lock.
@Suite struct LockCommandTests {
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
        try write("a.rpc", "package t.v1\nmessage A { text: string = 1 (max 9) }\n")
        try write("deep/b.rpc", "package t.v1\nimport \"a.rpc\"\nmessage B { a: A = 1 }\n")
    }

    private func write(_ name: String, _ text: String) throws {
        let url = URL(fileURLWithPath: folder.file(name))
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: true, encoding: .utf8)
    }

    private var lock: String? {
        try? String(contentsOfFile: folder.file("schema.lock"), encoding: .utf8)
    }

    private func lock(_ arguments: String...) throws -> (status: Int32, text: String) {
        var lines: [String] = []
        let status = try Program.run(
            Arguments(["lock", "--root", folder.path] + arguments), print: { lines.append($0) })
        return (status, lines.joined(separator: "\n"))
    }

    private func emit(
        _ kind: String, _ schemas: String...
    ) throws -> (status: Int32, text: String) {
        var lines: [String] = []
        let status = try Program.run(
            Arguments(
                (kind == "check" ? [kind] : ["emit", kind, "--output", folder.file("Out.swift")])
                    + ["--root", folder.path] + schemas.map { folder.file($0) }),
            print: { lines.append($0) })
        return (status, lines.joined(separator: "\n"))
    }

    @Test func `a lock is made from all schemas, and only when it is asked for`() throws {
        #expect(try emit("catalog", "a.rpc", "deep/b.rpc").status == 0)
        #expect(lock == nil)
        #expect(try lock().status == 0)
        #expect(lock?.contains("level json\n\nmessage t.v1.A\n    1 text: string (max 9)") == true)
        #expect(lock?.contains("message t.v1.B\n    1 a: t.v1.A\n") == true)
        let (status, text) = try emit("catalog", "a.rpc", "deep/b.rpc")
        #expect(status == 0 && text.isEmpty, "\(text)")
    }

    @Test func `what breaks fails the build, where it was changed`() throws {
        #expect(try lock().status == 0)
        try write("a.rpc", "package t.v1\nmessage A { text: int64 = 1 }\n")
        for kind in ["catalog", "check"] {
            let (status, text) = try emit(kind, "a.rpc", "deep/b.rpc")
            #expect(status == 1)
            let path = folder.file("a.rpc")
            #expect(
                text == """
                    \(path):2:19: error: field 1 of `A` was `text: string (max 9)`, \
                    is `text: int64` [LOCK010]
                    message A { text: int64 = 1 }
                                      ^~~~~
                    \(path):2:19: note: wire: \(BreakingRule.typeChanged.hurts); \
                    \(BreakingRule.typeChanged.remedy)
                    \(folder.file("schema.lock")):5:1: note: promised here
                        1 text: string (max 9)
                    """, "\(text)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("Out.swift")))
        // What is not all there cannot be compared.
        #expect(try emit("check", "a.rpc").status == 0)
    }

    @Test func `what is gone is reported where it was, or at the package`() throws {
        #expect(try lock("--level", "source").status == 0)
        try write("a.rpc", "package t.v1\nmessage A {\n    reserved 1, \"text\"\n}\n")
        let (status, text) = try emit("catalog", "a.rpc", "deep/b.rpc")
        #expect(status == 1)
        #expect(text.contains("a.rpc:2:9: error: field 1 of `A` was `text`, and is gone [LOCK003]"))
        try write("a.rpc", "package t.v1\n")
        try write("deep/b.rpc", "package t.v1\n")
        let gone = try emit("catalog", "a.rpc", "deep/b.rpc").text
        #expect(
            gone.contains("a.rpc:1:9: error: the message `t.v1.A` was here, and is gone [LOCK040]"),
            "\(gone)")
        #expect(gone.contains("schema.lock:4:1: note: promised here\nmessage t.v1.A"))
    }

    @Test func `an addition warns once that the lock is behind`() throws {
        #expect(try lock().status == 0)
        try write("a.rpc", "package t.v1\nmessage A { text: string = 1 (max 9)\nmore: bool = 2 }\n")
        let (status, text) = try emit("catalog", "a.rpc", "deep/b.rpc")
        #expect(status == 0)
        #expect(text.hasPrefix("\(folder.file("schema.lock")):1:1: warning: the lock is behind"))
        #expect(text.contains("by 1 line,"))
        #expect(try lock().status == 0)
        #expect(try emit("catalog", "a.rpc", "deep/b.rpc").text.isEmpty)
    }

    @Test func `advice warns and fails nothing`() throws {
        #expect(try lock().status == 0)
        try write("a.rpc", "package t.v1\nmessage A { text: string = 1 (max 10) }\n")
        let (status, text) = try emit("catalog", "a.rpc", "deep/b.rpc")
        #expect(status == 0)
        #expect(text.contains("a.rpc:2:31: warning: field 1 of `A` had (max 9), has (max 10)"))
    }

    @Test func `a break is approved in the lock, or not at all`() throws {
        #expect(try lock().status == 0)
        let before = lock
        try write("a.rpc", "package t.v1\nmessage A { text: int64 = 1 }\n")
        let refused = try lock()
        #expect(refused.status == 1)
        #expect(refused.text.contains("[LOCK010]") && refused.text.contains("--approve-breaking"))
        #expect(lock == before)
        #expect(try lock("--approve-breaking").status == 0)
        #expect(lock?.contains("    1 text: int64\n") == true)
        #expect(try emit("catalog", "a.rpc", "deep/b.rpc").text.isEmpty)
    }

    @Test func `the level decides what fails, and stays`() throws {
        #expect(try lock("--level", "wire").status == 0)
        try write("a.rpc", "package t.v1\nmessage A { name: string = 1 (max 9) }\n")
        #expect(try emit("catalog", "a.rpc", "deep/b.rpc").status == 0)
        #expect(try lock("--level", "json").status == 1)
        #expect(try lock().status == 0)
        #expect(lock?.hasPrefix("schema.lock 1\nlevel wire\n") == true)
    }

    @Test func `a lock that cannot be read fails the build, and is not written over`() throws {
        try write("schema.lock", "schema.lock 1\nlevel json\n\nmessage t.v1.A\n    x\n")
        let (status, text) = try emit("catalog", "a.rpc", "deep/b.rpc")
        #expect(status == 1)
        #expect(text.contains("schema.lock:5:1: error: expected a number"), "\(text)")
        #expect(try lock("--approve-breaking").status == 1)
        #expect(lock?.hasSuffix("    x\n") == true)
        try write("schema.lock", String(repeating: "x", count: Files.sizeMax + 1))
        #expect(throws: Program.Failure.self) { try emit("catalog", "a.rpc", "deep/b.rpc") }
    }

    @Test func `mistakes come first`() throws {
        #expect(try lock().status == 0)
        try write("a.rpc", "package t.v1\nmessage A { text: sting = 1 }\n")
        let (status, text) = try lock()
        #expect(status == 1 && text.contains("there is no type `sting`"))
        #expect(try emit("check", "a.rpc", "deep/b.rpc").text.contains("LOCK") == false)
    }

    @Test func `a wrong call is refused with the reason`() throws {
        let wrong: [([String], String)] = [
            (["--aprove-breaking"], "did you mean `--approve-breaking`?"),
            (["--level"], "--level needs a value"),
            (["--level", "advice"], "--level takes wire, json or source, not `advice`"),
        ]
        for (arguments, reason) in wrong {
            let error = try #require(throws: Program.Failure.self) {
                try Arguments(["lock"] + arguments)
            }
            #expect(error.text.contains(reason), "\(error.text)")
        }
        #expect(throws: Program.Failure.self) {
            try Program.run(Arguments(["lock", "--root", folder.file("none")]), print: { _ in })
        }
        #expect(try lock("--help").text == Arguments.help(.lock))
    }
}
