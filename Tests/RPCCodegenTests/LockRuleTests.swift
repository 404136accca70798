import Foundation
import TestSupport
import Testing

@testable import RPCCodegen

/// A change of one schema and the rules that it breaks.
struct LockChange: CustomTestStringConvertible {
    let old: String
    let new: String
    let rules: [BreakingRule]
    let text: String

    init(_ old: String, _ new: String, _ rules: BreakingRule..., text: String = "") {
        self.old = old
        self.new = new
        self.rules = rules
        self.text = text
    }

    var testDescription: String { "\(old) → \(new)" }

    static let schema = """
        package t.v1

        enum Mood {
            calm = 0
            loud = 1
            reserved 7...9, "odd"
        }

        enum Taste { calm = 0 }

        message Leaf { text: string = 1 }

        message Twig { text: string = 1 }

        message Key {
            id: string = 1
            flag: bool = 2
        }

        message M {
            name: string = 1 (max 64)
            count: int32 = 2
            share: double = 3 (range 0...1.5)
            mood: Mood = 4
            leaf: Leaf = 5
            tags: list<string (max 8)> = 6 (max 5)
            byKey: map<string (max 8), int32> = 7
            maybe: uint32? = 8 (range 3...9)
            code: string? = 9 (min 2, max 9)
            oneof target {
                place: string = 10
                person: string = 11
            }
            alone: bool? = 12
            note: string = 13 (redact)
            reserved 20...25, "gone"
        }

        service S {
            read(Key) -> Leaf { deadline 5s, safe, get "/v1/keys/{id}", role a, b }
            write(M) -> Leaf { deadline 5s, idempotent by name, post "/v1/m/{name}", role any }
            watch(Key) -> stream Leaf { deadline none, idle 60s, idempotent, role a }
            follow(Key) -> stream Leaf {
                deadline 9s, safe, get "/v1/keys" resume id from text, role a
            }
        }
        """
}

/// Every rule, by changes that break it, and changes that break none.
@Suite struct LockRuleTests {
    static let breaking: [LockChange] = [
        // Fields.
        .init("count: int32 = 2\n", "\n", .fieldRemoved, text: "was `count`, and is gone"),
        .init("count: int32 = 2\n", "reserved \"count\"\n", .fieldRemoved),
        .init("count: int32 = 2\n", "reserved 2\n", .fieldNameFreed),
        .init("count: int32 = 2\n", "reserved 2, \"count\"\n", .fieldGone),
        .init("count: int32 = 2\n", "reserved 40\nreserved 2\n", .fieldNameFreed),
        .init("count: int32 = 2", "count: int32 = 30", .fieldRenumbered, text: "was 2, is 30"),
        .init("count: int32 = 2", "count: int32 = 30\nreserved 2", .fieldNameMoved),
        .init("count: int32 = 2", "size: string = 2", .numberReused),
        .init("count: int32 = 2", "size: int32 = 2", .fieldRenamed, text: "`count`, is `size`"),
        .init(
            "count: int32 = 2", "count: string = 2", .typeChanged,
            text: "field 2 of `M` was `count: int32`, is `count: string (max 4096)`"),
        .init("leaf: Leaf = 5", "leaf: string = 5", .typeChanged),
        .init("share: double = 3", "share: float = 3", .typeChanged),
        .init("count: int32 = 2", "count: int64 = 2", .typeNarrowed),
        .init("note: string = 13", "note: bytes = 13", .typeNarrowed),
        .init("map<string (max 8), int32>", "map<bool, int32>", .typeChanged),
        .init("count: int32 = 2", "count: Mood = 2", .typeInJSON),
        .init(
            "mood: Mood = 4", "mood: Taste = 4", .enumReplaced, .valueRemoved,
            .reservedNumberFreed, .reservedNameFreed),
        .init("leaf: Leaf = 5", "leaf: Twig = 5", .messageReplaced),
        .init("count: int32 = 2", "count: int32? = 2", .presenceChanged),
        .init("count: int32 = 2", "count: list<int32> = 2", .repetitionChanged),
        .init("count: int32 = 2", "size: list<int32> = 2", .numberReused),
        .init("list<string (max 8)>", "map<bool, string (max 8)>", .repetitionChanged),
        .init("alone: bool? = 12\n", "", .fieldRemoved),
        .init(
            "person: string = 11\n    }\n    alone: bool? = 12\n",
            "person: string = 11\n    alone: bool = 12\n    }\n", .oneofChanged,
            text: "field 12 of `M` was in no oneof, is a choice of `target`"),
        .init("oneof target", "oneof aim", .oneofRenamed, .oneofRenamed),
        .init("alone: bool? = 12", "oneof only { alone: bool = 12\n }", .oneofRenamed),
        // Limits.
        .init("name: string = 1 (max 64)", "name: string = 1 (max 63)", .limitTightened),
        .init("(min 2, max 9)", "(min 3, max 20)", .limitTightened, text: "had (min 2, max 9)"),
        .init("range 0...1.5", "range 0...1", .limitTightened),
        .init("count: int32 = 2", "count: int32 = 2 (range -5...5)", .limitTightened),
        .init("= 6 (max 5)", "= 6 (max 4)", .limitTightened, text: "the elements of field 6"),
        .init("map<string (max 8)", "map<string (max 7)", .limitTightened, text: "the keys of"),
        .init("= 8 (range 3...9)", "= 8", .limitRaised, text: "had (range 3...9), has no limit"),
        .init("name: string = 1 (max 64)", "name: string = 1", .limitRaised),
        // Reserved.
        .init("reserved 20...25, ", "reserved 20...22, 24...25, ", .reservedNumberFreed),
        .init("20...25, \"gone\"", "20...25", .reservedNameFreed),
        .init("reserved 7...9, \"odd\"", "", .reservedNumberFreed, .reservedNameFreed),
        // Enums.
        .init("    loud = 1\n", "", .valueRemoved),
        .init("    loud = 1\n", "reserved 1, \"loud\"\n", .valueNameRemoved),
        .init("loud = 1", "loud = 2", .valueRenumbered, text: "value `loud` of `Mood` was 1"),
        .init("loud = 1", "noisy = 1", .valueRenamed),
        // Declarations.
        .init("message Twig { text: string = 1 }", "", .messageRemoved),
        .init("enum Taste { calm = 0 }", "", .enumRemoved),
        .init("service S", "service T", .serviceRemoved),
        .init("package t.v1", "package t.v2", .servicePackage, text: "`t.v1`, is in `t.v2`"),
        // Methods.
        .init("watch(Key)", "look(Key)", .methodRemoved),
        .init(
            "-> stream Leaf { deadline none, idle 60s", "-> Leaf { deadline 24h",
            .methodStreams, .timeShortened),
        .init("(M) -> Leaf", "(M) -> Twig", .methodMessages),
        .init("role a, b", "role b", .roleRemoved, text: "was for the role a, is for b"),
        .init("role any", "role a, b", .roleRemoved),
        .init("idempotent by name, ", "", .idempotencyWeakened),
        .init("idempotent, role", "idempotent by id, role", .idempotencyWeakened),
        .init("idempotent by name", "idempotent by note", .idempotencyWeakened),
        .init("get \"/v1/keys/{id}\", ", "", .routeChanged, text: "has none"),
        .init("get \"/v1/keys/{id}\"", "get \"/v2/keys/{id}\"", .routeChanged),
        .init("\"/v1/m/{name}\"", "\"/v1/m/{note}\"", .routeChanged),
        .init("\"/v1/m/{name}\"", "\"/v1/m/{name}/x\"", .routeChanged),
        .init(" resume id from text", "", .routeChanged, text: "has `get \"/v1/keys\"`"),
        .init("Leaf { deadline 5s, safe", "Leaf { deadline 4s, safe", .timeShortened),
        .init("idle 60s", "idle 59s", .timeShortened),
    ]

    static let allowed: [LockChange] = [
        .init("count: int32 = 2", "count: int32 = 2\nmore: M2 = 99"),
        .init("loud = 1", "loud = 1\nquiet = 2"),
        .init("person: string = 11\n", "person: string = 11\nthing: Leaf = 40\n"),
        .init("note: string = 13 (redact)", "note: string = 13"),
        .init("count: int32 = 2", "/// How many.\ncount: int32 = 2 (deprecated \"no\")"),
        .init("count: int32 = 2", "count: int32 = 2 (range -2147483648...2147483647)"),
        .init("reserved 20...25", "reserved 19...30"),
        .init("role a, b", "role any"),
        .init("role a, b", "role a, b, c"),
        .init("deadline 5s, safe", "deadline 6s, safe"),
        .init("idempotent by name", "safe"),
        .init("idempotent by name", "idempotent"),
        .init("deadline none, idle 60s, idempotent", "deadline none, idle 61s, safe"),
        .init(
            "    name: string = 1 (max 64)\n    count: int32 = 2\n",
            "    count: int32 = 2\n    name: string = 1 (max 64)\n"),
    ]

    private func findings(_ change: LockChange) throws -> [LockFinding] {
        let extra = "\nmessage M2 {}\n"
        let texts = [LockChange.schema, LockChange.schema.replacing(change.old, with: change.new)]
        try #require(texts[0] != texts[1])
        let promises = try texts.map { text in
            let compilation = TestTree(text + extra).compile()
            #expect(compilation.diagnostics.all.map(\.text) == [])
            return Promise([try #require(compilation.schemas["test.rpc"])])
        }
        return LockComparison.findings(from: promises[0], to: promises[1])
    }

    @Test(arguments: breaking) func `a change breaks its rules`(change: LockChange) throws {
        let findings = try findings(change)
        #expect(
            findings.map(\.rule.id).sorted() == change.rules.map(\.id).sorted(), "\(findings)")
        #expect(
            change.text.isEmpty || findings.contains { $0.text.contains(change.text) },
            "\(findings.map(\.text))")
    }

    @Test(arguments: allowed) func `a change breaks nothing`(change: LockChange) throws {
        #expect(try findings(change).map(\.text) == [])
    }

    @Test func `every rule has a change here, but for what needs two schemas`() {
        let covered = Set(Self.breaking.flatMap(\.rules))
        #expect(Set(BreakingRule.allCases).subtracting(covered) == [.typePackage])
    }

    @Test func `types alone that move to another package break sources only`() throws {
        func promise(_ package: String) throws -> Promise {
            let tree = TestTree("package \(package)\nmessage A { a: B = 1 }\nenum B { b = 0 }\n")
            return Promise([try #require(tree.compile().schemas["test.rpc"])])
        }
        let findings = LockComparison.findings(
            from: try promise("t.v1"), to: try promise("t.v2"))
        #expect(findings.map(\.rule) == [.typePackage])
    }

    @Test func `a message in the place of another is compared with it`() throws {
        let before = "package t.v1\nmessage A { a: B = 1 }\nmessage B { x: string = 1 }\n"
        let after = "package t.v1\nmessage A { a: C = 1 }\nmessage C { x: bool = 1 }\n"
        let promises = try [before, after].map {
            Promise([try #require(TestTree($0).compile().schemas["test.rpc"])])
        }
        let findings = LockComparison.findings(from: promises[0], to: promises[1])
        #expect(Set(findings.map(\.rule)) == [.messageRemoved, .messageReplaced, .typeChanged])
        #expect(findings.contains { $0.text.contains("`C`, in the place of `B`, was") })
    }

    @Test func `the page about evolution has every rule, in the same words`() throws {
        let path = "\(repositoryRoot)/docs/EVOLUTION.md"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| LOCK") }
        let expected = BreakingRule.allCases.map { rule in
            "| \(rule.id) | \(rule.level.rawValue) | \(rule.statement) | \(rule.hurts) "
                + "| \(rule.remedy) |"
        }
        #expect(rows.map(String.init) == expected, "\(expected.joined(separator: "\n"))")
    }

    @Test func `ids are found again`() {
        for rule in BreakingRule.allCases {
            #expect(BreakingRule(id: rule.id) == rule)
            #expect(BreakingRule(id: "lock\(rule.rawValue)") == rule)
        }
        #expect(BreakingRule(id: "IDL004") == nil && BreakingRule(id: "LOCK999") == nil)
    }
}
