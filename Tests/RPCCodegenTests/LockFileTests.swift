import Foundation
import TestSupport
import Testing

@testable import RPCCodegen

/// The text of a lock: the same again when it is read, and nothing else is taken.
@Suite struct LockFileTests {
    private let sample: LockFile
    private let text: String

    init() throws {
        let compilation = TestTree(LockChange.schema).compile()
        sample = LockFile(
            level: .source, promise: Promise([try #require(compilation.schemas["test.rpc"])]))
        text = sample.text
    }

    private func mistake(_ text: String) -> LockMistake? {
        do throws(LockMistake) {
            _ = try LockParser.parse(Array(text.utf8))
            return nil
        } catch { return error }
    }

    @Test func `a lock says what matters, a line for each`() {
        let expected = """
            schema.lock 1
            level source

            message t.v1.Key
                1 id: string (max 4096)
                2 flag: bool

            message t.v1.Leaf
                1 text: string (max 4096)

            message t.v1.M
                1 name: string (max 64)
                2 count: int32
                3 share: double (range 0...1.5)
                4 mood: t.v1.Mood
                5 leaf: t.v1.Leaf
                6 tags: list<string (max 8)> (max 5)
                7 byKey: map<string (max 8), int32> (max 1000)
                8 maybe: uint32? (range 3...9)
                9 code: string? (min 2, max 9)
                10 place: string (max 4096) oneof target
                11 person: string (max 4096) oneof target
                12 alone: bool?
                13 note: string (max 4096)
                reserved 20...25
                reserved "gone"

            enum t.v1.Mood
                0 calm
                1 loud
                reserved 7...9
                reserved "odd"

            service t.v1.S
                follow(t.v1.Key) -> stream t.v1.Leaf deadline 9s safe get "/v1/keys" \
            resume id from text role a
                read(t.v1.Key) -> t.v1.Leaf deadline 5s safe get "/v1/keys/{id}" role a, b
                watch(t.v1.Key) -> stream t.v1.Leaf deadline none idle 1m idempotent role a
                write(t.v1.M) -> t.v1.Leaf deadline 5s idempotent by name \
            post "/v1/m/{name}" role any

            enum t.v1.Taste
                0 calm

            message t.v1.Twig
                1 text: string (max 4096)

            """
        #expect(text == expected)
    }

    @Test(arguments: ["Schemas", "Tests/TestSchemas", "Sources/RPCServices"])
    func `the locks of our schemas are read as they were`(_ name: String) throws {
        let tree = Files.tree(root: "\(repositoryRoot)/\(name)")
        var compilation = Compilation(tree: tree)
        for path in tree.list() { compilation.load(path) }
        let lock = LockFile(promise: Promise(Array(compilation.schemas.values)))
        #expect(try LockParser.parse(Array(lock.text.utf8)) == lock)
    }

    @Test func `locks of random schemas are read as they were`() throws {
        for seed: UInt64 in 0..<100 {
            var random = SplitMix(seed: seed)
            let sample = LockSample(&random)
            let compilation = TestTree(sample.text).compile()
            try #require(compilation.diagnostics.all.map(\.text) == [], "seed \(seed)")
            let schema = try #require(compilation.schemas["test.rpc"])
            let lock = LockFile(level: .wire, promise: Promise([schema]))
            #expect(try LockParser.parse(Array(lock.text.utf8)) == lock, "seed \(seed)")
        }
    }

    @Test func `names that are words of the lock are names`() throws {
        let compilation = TestTree(
            """
            package list.v1
            message A {
                list: list<A> = 1
                map: map<string, A> = 2
                message: map<bool, A> = 3
                reserved: E = 4
                oneof oneof { role: bool = 5 }
            }
            enum E { reserved = 0 }
            service S {
                message(A) -> stream A { deadline 1s, role role, oneof }
                reserved(stream A) -> A { deadline 1s, role stream }
            }
            """
        ).compile()
        #expect(compilation.diagnostics.all.map(\.text) == [])
        let lock = LockFile(promise: Promise([try #require(compilation.schemas["test.rpc"])]))
        #expect(mistake(lock.text)?.text == nil)
        #expect(try LockParser.parse(Array(lock.text.utf8)) == lock)
    }

    @Test func `the repository's own lock is up to date`() throws {
        let root = "\(repositoryRoot)/Schemas"
        let text = try String(contentsOfFile: "\(root)/schema.lock", encoding: .utf8)
        let tree = Files.tree(root: root)
        var compilation = Compilation(tree: tree)
        for path in tree.list() { compilation.load(path) }
        let lock = LockFile(promise: Promise(Array(compilation.schemas.values)))
        #expect(text == lock.text, "write it with: swift run RPCCodegen lock --root Schemas")
    }

    // MARK: Hostile

    @Test func `what is wrong has its line and reason`() {
        let wrong: [(String, String, Int, String)] = [
            ("schema.lock 1", "schema.lock 2", 1, "reads version 1, not 2"),
            ("schema.lock 1", "schema", 1, "expected `schema.lock 1`"),
            ("level source", "level advice", 2, "expected `level wire`"),
            ("    2 flag: bool", "    2 flag: boolean", 6, "expected a type, found `boolean`"),
            ("    2 flag: bool", "    2 flag: bool (max 4)", 6, "none of the type's"),
            ("    2 flag: bool", "    1 flag: bool", 6, "field 1 is here twice"),
            ("    2 flag: bool", "    0 flag: bool", 6, "expected a number"),
            ("    2 flag: bool", "    2 flag: bool // no", 6, "expected `    2 flag: bool` here"),
            ("    2 flag: bool", "    2 flag: bool extra", 6, "expected the end of the line"),
            ("    2 flag: bool", "  2 flag: bool", 6, "expected `    2 flag: bool` here"),
            ("    2 flag: bool", "<<<<<<< HEAD", 6, "expected a number"),
            ("    2 flag: bool", "    2 flag: t.v1.None", 6, "no message or enum `t.v1.None`"),
            ("    2 flag: bool", "    2 flag: \"bool", 6, "no closing"),
            ("    2 flag: bool\n", "    2 flag: map<float, bool> (max 3)\n", 6, "key of a map"),
            ("message t.v1.Leaf", "message t.v1.Key", 8, "`t.v1.Key` is here twice"),
            ("message t.v1.Leaf", "message Leaf", 8, "expected the full name"),
            ("reserved 20...25", "reserved 25...20", 25, "expected a range"),
            ("reserved 20...25", "reserved 1\n    reserved 1", 26, "in order"),
            ("range 0...1.5", "range 1...x", 14, "expected a range"),
            ("range 0...1.5", "range 2...1", 14, "is no range"),
            ("    1 loud", "    0 loud", 30, "value 0 is here twice"),
            ("deadline 5s safe", "deadline 5w safe", 36, "expected a time"),
            ("resume id from text", "resume id", 35, "expected how a stream is resumed"),
            ("role a, b", "role b, a", 36, "expected `    read("),
            ("(t.v1.M) -> t.v1.Leaf", "(t.v1.M) -> t.v1.Mood", 38, "expected a message"),
        ]
        for (old, new, line, reason) in wrong {
            let mistake = mistake(text.replacing(old, with: new, maxReplacements: 1))
            #expect(mistake?.line == line, "\(new): \(mistake?.line ?? 0) \(mistake?.text ?? "")")
            #expect(mistake?.text.contains(reason) == true, "\(new): \(mistake?.text ?? "")")
        }
        #expect(mistake("")?.line == 1)
    }

    @Test func `every cut is refused, unless it is between two declarations' lines`() {
        let lines = Set(text.split(separator: "\n", omittingEmptySubsequences: false).indices)
        #expect(lines.count > 40)
        for count in 0..<text.utf8.count {
            let cut = String(decoding: Array(text.utf8)[..<count], as: UTF8.self)
            guard let mistake = mistake(cut) else {
                #expect(cut.hasSuffix("\n"), "\(cut.suffix(40))")
                continue
            }
            #expect(mistake.line <= cut.split(separator: "\n").count + 20)
        }
    }

    @Test func `changed bytes and lines never trap, and are not taken for the same`() {
        var random = SplitMix(seed: 42)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for _ in 0..<500 {
            var bytes = Array(text.utf8)
            let index = Int.random(in: bytes.indices, using: &random)
            bytes[index] =
                Bool.random(using: &random) ? UInt8.random(in: 0...255, using: &random) : 49
            if let lock = try? LockParser.parse(bytes), bytes != Array(text.utf8) {
                #expect(lock != sample)
            }
            var moved = lines
            moved.swapAt(
                Int.random(in: lines.indices, using: &random),
                Int.random(in: lines.indices, using: &random))
            if let lock = try? LockParser.parse(Array(moved.joined(separator: "\n").utf8)),
                moved != lines
            {
                #expect(lock != sample)
            }
        }
    }

    @Test func `a lock as large as a file may be has an end`() {
        let head = "schema.lock 1\nlevel json\n\nmessage t.v1.A\n"
        let lines = (0..<100_000).map { "    reserved \($0 * 2 + 1)\n" }
        #expect(mistake(head + lines.joined()) == nil)
        #expect(mistake(head + lines.reversed().joined())?.text.contains("in order") == true)
        #expect(mistake(String(repeating: "<", count: 1_000_000)) != nil)
    }
}
