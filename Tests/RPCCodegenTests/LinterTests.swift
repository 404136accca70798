import Testing

@testable import RPCCodegen

/// What the linter warns of, where, and what silences it.
@Suite struct LinterTests {
    private func warnings(
        _ files: [String: String], allowed: Set<LintRule> = []
    ) -> [Diagnostic] {
        let compilation = TestTree(files).compile()
        #expect(compilation.diagnostics.all.map(\.text) == [])
        return Linter.warnings(of: "test.rpc", in: compilation, allowed: allowed)
    }

    /// `LINT004:3`, the rule and the line.
    private func places(_ text: String, _ others: [String: String] = [:]) -> [String] {
        let source = SourceText(path: "test.rpc", text)
        return warnings(others.merging(["test.rpc": text]) { _, new in new })
            .map { "\($0.rule.id):\(source.position($0.range.start).line)" }
    }

    private func member(_ lines: String) -> String {
        "package t.v1\n\n/// A.\nmessage A {\n    /// X.\n    \(lines)\n}\n"
    }

    private func method(_ line: String) -> String {
        let types = "/// A.\nmessage A {\n    /// Key.\n    key: string = 1 (max 9)\n}\n"
        return "package t.v1\n\n\(types)\n/// S.\nservice S {\n    /// M.\n    \(line)\n}\n"
    }

    private static let clean = """
        package company.clock.v1

        import "other.rpc"

        /// How loud.
        enum Volume {
            unspecified = 0
            /// Wakes the neighbours.
            loud = 1
        }

        /// An alarm.
        message Alarm {
            /// What it says.
            label: string = 1 (max 64)
            /// Opens the door.
            pin: string = 2 (max 8, redact)
            /// Where a page begins.
            pageToken: string = 3 (max 64)
            reserved 4...6
            /// All of them.
            volumes: list<Volume> = 7 (max 8)
            /// By name.
            others: map<string (max 8), Other> = 8 (max 4)
            /// By yes and no.
            flags: map<bool, bool> = 9
            /// Which one.
            oneof choice {
                /// This.
                this: bytes = 10 (max 4)
                /// Or that.
                that: uuid = 11
            }
        }

        /// Rings.
        service Bell {
            /// Rings once.
            ring(Alarm) -> Alarm { deadline 5s, role any }
            /// All of them.
            listAlarms(Alarm) -> Alarm { deadline 5s, role any, safe }
        }

        """
    private static let other = [
        "other.rpc": "package company.other.v2\nmessage Other {}\nmessage Unused {}\n"
    ]

    @Test func `a careful schema has no warnings`() {
        #expect(places(Self.clean, Self.other) == [])
    }

    @Test(arguments: [
        ("package t\n", "LINT002"), ("package t.v1x\n", "LINT002"), ("package v.t\n", "LINT002"),
        ("package t.v1\n", ""), ("package t.v0\n", ""), ("package t.v2alpha\n", ""),
        ("package t.v2beta13\n", ""), ("package  t.v1\n", "LINT001"),
    ])
    func `a package ends with its version`(_ text: String, _ rule: String) {
        #expect(places(text) == (rule.isEmpty ? [] : ["\(rule):1"]))
    }

    @Test(arguments: [
        ("t.v1", "o.v1", false), ("t.v1", "o.v1alpha1", true), ("t.v1", "o.v0", true),
        ("t.v1beta1", "o.v0", false), ("t.v1", "o", false),
    ])
    func `a stable package imports stable ones`(_ own: String, _ other: String, _ warns: Bool) {
        let text = """
            package \(own)

            import "o.rpc"

            /// A.
            message A {
                /// B.
                b: B? = 1
            }

            """
        let found = places(text, ["o.rpc": "package \(other)\nmessage B {}\n"])
        #expect(found == (warns ? ["LINT011:3"] : []))
    }

    @Test func `an import that nothing uses is found`() {
        let text = "package t.v1\n\nimport \"o.rpc\"\n"
        #expect(places(text, ["o.rpc": "package t.v1\nmessage B {}\n"]) == ["LINT003:3"])
    }

    @Test func `what has no documentation is found`() {
        let text = """
            package t.v1

            message A {
                x: bool = 1
                oneof y {
                    z: bool = 2
                }

                message B {}
            }

            enum E {
                unknown = 0
                one = 1
            }

            service S {
                ///
                m(A) -> A { deadline 5s, role any }
            }

            """
        #expect(
            places(text) == [
                "LINT004:3", "LINT005:4", "LINT005:5", "LINT005:6", "LINT004:9", "LINT004:12",
                "LINT005:14", "LINT004:17", "LINT004:19",
            ])
    }

    @Test(arguments: [
        ("x: bool = 1", ""), ("x: bool = 2", "1"), ("x: bool = 4\n    reserved 2", "1 3"),
        ("x: bool = 9\n    reserved 1...5, \"y\"", "6...8"), ("x: bool = 3\n    reserved 1, 2", ""),
        ("x: bool = 20000\n    reserved 1...18999", ""), ("x: bool = 1\n    reserved 7", ""),
    ])
    func `gaps between numbers are reserved`(_ lines: String, _ gaps: String) {
        let found = warnings(["test.rpc": member(lines)]).filter { $0.rule == .lint(.numberGap) }
        #expect(
            found.map { $0.text.split(separator: " ")[0] } == gaps.split(separator: " "))
    }

    @Test(arguments: [
        ("string = 1", 1), ("string? = 1 (min 1)", 1), ("string = 1 (max 9)", 0),
        ("bytes = 1", 1), ("int32 = 1", 0), ("list<bool> = 1", 1), ("list<bool> = 1 (max 2)", 0),
        ("list<string> = 1", 2), ("list<string (max 9)> = 1 (max 2)", 0),
        ("map<string, bytes> = 1", 3), ("map<bool, bool> = 1", 0), ("uuid = 1", 0),
    ])
    func `what can be long has a limit of its own`(_ type: String, _ count: Int) {
        #expect(places(member("x: \(type)")) == Array(repeating: "LINT007:6", count: count))
    }

    @Test(arguments: [
        "password", "newPassword", "apiKey", "apikey", "token", "bearerTokens", "pin",
        "clientSecret", "keyMaterial", "privateKey", "signingKeys", "credentials",
    ])
    func `a name that sounds like a secret is redacted`(_ name: String) {
        #expect(places(member("\(name): string = 1 (max 9)")) == ["LINT008:6"])
        #expect(places(member("\(name): string = 1 (max 9, redact)")) == [])
        #expect(places(member("\(name): bool = 1")) == [])
    }

    @Test(arguments: [
        "key", "tokenID", "pageToken", "nextPageToken", "pinCount", "spin", "passwordSet",
        "publicKey", "secretary",
    ])
    func `other names are no secrets`(_ name: String) {
        #expect(places(member("\(name): string = 1 (max 9)")) == [])
    }

    @Test(arguments: [
        ("listAs(A) -> A { deadline 5s, role any }", "LINT009"),
        ("check(A) -> A { deadline 5s, role any, idempotent }", "LINT009"),
        ("getA(A) -> A { deadline 5s, role any, idempotent by key }", "LINT009"),
        ("getA(A) -> A { deadline 5s, role any, safe }", ""),
        ("listen(A) -> A { deadline 5s, role any }", ""),
        ("m(A) -> A { deadline 5s, role any, put \"/a\" }", "LINT010"),
        ("m(A) -> A { deadline 5s, role any, delete \"/a\" }", "LINT010"),
        ("m(A) -> A { deadline 5s, role any, delete \"/a\", idempotent }", ""),
        ("m(A) -> A { deadline 5s, role any, put \"/a\", idempotent by key }", ""),
        ("m(A) -> A { deadline 5s, role any, patch \"/a\" }", ""),
        ("m(A) -> A { deadline 5s, role any, patch \"/a\", safe }", "LINT010"),
        ("m(A) -> A { deadline 5s, role any, post \"/a\", safe }", ""),
        ("deleteA(A) -> A { deadline 5s, role any, safe }", "LINT010"),
        ("settle(A) -> A { deadline 5s, role any, safe }", ""),
    ])
    func `a method says of its repetition what its name and route say`(
        _ line: String, _ rule: String
    ) {
        #expect(places(method(line)) == (rule.isEmpty ? [] : ["\(rule):12"]))
    }

    @Test(arguments: [
        ("", "    // lint:allow LINT007\n    ", "", true),
        ("", "    // lint:allow LINT007, LINT001\n    // and more\n    ", "", true),
        ("", "    ", "  // lint:allow lint007", true),
        ("// lint:allow LINT007", "    ", "", false),
        ("", "    // lint:allow LINT008\n    ", "", false),
        ("", "    // allow LINT007\n    ", "", false),
        ("", "    // lint:allow LINT007\n\n    ", "", false),
        ("", "    y: bool = 2 // lint:allow LINT007\n    ", "", false),
    ])
    func `a comment silences a rule for one line`(
        _ first: String, _ before: String, _ behind: String, _ isSilent: Bool
    ) {
        let text = """
            \(first)
            package t.v1

            message A {
            \(before)x: string = 1\(behind)
            }

            """
        let found = warnings(["test.rpc": text]).filter { $0.rule == .lint(.defaultLimit) }
        #expect(found.isEmpty == isSilent)
    }

    @Test func `documentation may stand between a comment and what it silences`() {
        let text = """
            package t.v1

            /// A.
            message A {
                // lint:allow LINT007
                /// Long.
                x: string = 1
            }

            """
        #expect(places(text) == [])
    }

    @Test func `every fix mends what it is for`() throws {
        let texts = [
            "package t\n", "package  t.v1\n", "package t.v1\n\nimport \"o.rpc\"\n\n",
            member("pin: string = 1 (max 9)"), member("pin: int32 = 1"),
            method("getA(A) -> A { deadline 5s, role any, idempotent }"),
            method("getA(A) -> A { deadline 5s, role x, y }"),
            method("m(A) -> A { deadline 5s, role any, put \"/a\" }"),
        ]
        for text in texts {
            let other = "package o.v1\n"
            let warning = try #require(warnings(["test.rpc": text, "o.rpc": other]).first)
            let fix = try #require(warning.fix)
            var bytes = Array(text.utf8)
            bytes.replaceSubrange(fix.range.start..<fix.range.end, with: fix.replacement.utf8)
            let mended = String(decoding: bytes, as: UTF8.self)
            let left = warnings(["test.rpc": mended, "o.rpc": other])
            #expect(!left.contains { $0.rule == warning.rule }, "\(mended)")
        }
    }

    @Test func `a schema with mistakes, or that imports one, is not looked at`() {
        let files = [
            "test.rpc": "package t\nimport \"o.rpc\"\nmessage A {}\n",
            "o.rpc": "package o\nmessage B { x: Missing = 1 }\n",
        ]
        let compilation = TestTree(files).compile()
        #expect(Linter.warnings(of: "test.rpc", in: compilation) == [])
        #expect(Linter.warnings(of: "o.rpc", in: compilation) == [])
    }
}
