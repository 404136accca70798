import Testing

@testable import RPCCodegen

/// One mistake is one report: what follows from it is not reported too.
@Suite struct RecoveryTests {
    private static let clock = """
        package clock.v1

        message Alarm {
            label: string = 1 (max 64)
            oneof target {
                room: uint32 = 2
            }
            key: uuid = 3
        }

        enum Volume {
            quiet = 0
        }

        service Bell {
            ring(Alarm) -> Alarm { deadline 5s, role ctl, idempotent by key }
            watch(Alarm) -> stream Alarm {
                deadline none,
                role ctl, gateway
            }
        }

        """

    /// What is replaced in the schema above, and the mistakes.
    static let changes: [(old: String, new: String, expected: [String])] = [
        ("    }\n    key", "    key", ["6:25: expected `}` of `target`"]),
        ("3\n}\n", "3\n", ["8:18: expected `}` of `Alarm`"]),
        ("    key", "    }\n    key", ["8:5: this `}` closes nothing; `Alarm` goes on"]),
        (
            "message Alarm {", "message Alarm",
            ["3:14: expected `{` of `Alarm` before the end of the line"]
        ),
        (
            "oneof target {", "oneof target",
            ["5:17: expected `{` of `target` before the end of the line"]
        ),
        (
            "message Alarm", "mesage Alarm",
            [
                "3:1: expected `message`, `enum` or `service`, found `mesage`; "
                    + "did you mean `message`?"
            ]
        ),
        (
            "message Alarm", "Alarm",
            ["3:1: expected `message`, `enum` or `service`, found `Alarm`"]
        ),
        (
            "key: uuid", "key uuid",
            ["8:9: expected `:` and a type behind the field's name, found `uuid`"]
        ),
        ("key: uuid", "key: uid", ["8:10: there is no type `uid`; did you mean `uuid`?"]),
        (
            "room: uint32 = 2", "room = 2",
            ["6:14: expected `:` and a type behind the field's name, found `=`"]
        ),
        ("quiet = 0", "quiet 0", ["12:11: expected `=` and the value's number, found `0`"]),
        ("quiet = 0", "quiet = zero", ["12:13: expected a number, found `zero`"]),
        (
            "Alarm { deadline", "Alarm deadline",
            ["16:26: expected `{` before the annotations, found `deadline`"]
        ),
        ("5s, role", "5s role", ["16:40: expected `,` between two annotations, found `role`"]),
        (
            "by key }", "by key",
            ["16:68: expected `}` behind the annotations before the end of the line"]
        ),
        (
            "    watch(Alarm) -> stream", "    watch(Alarm) stream",
            ["17:18: expected `->` and the response's type, found `stream`"]
        ),
        (
            "watch(Alarm) -> stream Alarm", "watch(Alarm) -> stream",
            ["17:21: there is no type `stream`"]
        ),
        (
            "package", "pakage",
            [
                "1:1: expected `message`, `enum` or `service`, found `pakage`; did you mean `package`?"
            ]
        ),
        ("package clock", "clock", ["1:1: expected `message`, `enum` or `service`, found `clock`"]),
        (
            "(max 64)", "(max 64",
            ["4:30: expected `)` behind the limit before the end of the line"]
        ),
        ("(max 64)", "max 64)", ["4:23: expected `(` before the options, found `max`"]),
        ("key: uuid", "= uuid", ["8:5: expected the name of a field, found `=`"]),
    ]

    @Test(arguments: changes)
    func `a mistake is reported once`(
        _ change: (old: String, new: String, expected: [String])
    ) throws {
        let text = Self.clock.replacing(change.old, with: change.new, maxReplacements: 1)
        #expect(text != Self.clock)
        let found = TestTree(text).headlines()
        #expect(
            found
                == change.expected.map { expected in
                    let parts = expected.split(separator: ": ", maxSplits: 1)
                    return "test.rpc:\(parts[0]): error: \(parts[1])"
                })
    }

    @Test func `the block whose brace is missing is shown`() {
        let text = Self.clock.replacing("    }\n    key", with: "    key")
        let mistake = TestTree(text).compile().diagnostics.sorted.first
        #expect(mistake?.related?.text == "`target` begins here")
    }

    @Test func `indentation means nothing where the braces are right`() {
        let flat = Self.clock.split(separator: "\n")
            .map { $0.drop { $0 == " " } }.joined(separator: "\n  ")
        #expect(TestTree(flat).mistakes() == "")
    }

    @Test func `types of an import that cannot be read are not reported`() {
        let tree = TestTree([
            "a.rpc": "package a.v1\nmessage A {}\nmesage {\n}\n",
            "test.rpc":
                "package a.v1\nimport \"b.rpc\"\nmessage M {\nc: Clock = 1\ns: strng = 2\n}\n",
        ])
        #expect(
            tree.headlines() == [
                "test.rpc:2:8: error: there is no schema `b.rpc`; did you mean `a.rpc`?",
                "test.rpc:5:4: error: there is no type `strng`; did you mean `string`?",
            ])
    }

    @Test func `messages too deep in each other are refused at once`() {
        let depth = 60_000
        let text = "package a.v1\n" + String(repeating: "message A {\n", count: depth)
        #expect(TestTree(text).compile().diagnostics.all.count == Diagnostics.countMax)
    }

    @Test func `a name that another package has is found there`() throws {
        let tree = TestTree([
            "a.rpc": "package a.v2\nmessage A {}\n",
            "test.rpc": "package t.v1\nimport \"a.rpc\"\nmessage M { a: a.v1.A = 1 }\n",
        ])
        let mistake = try #require(tree.compile().diagnostics.sorted.first)
        #expect(mistake.text == "there is no type `a.v1.A`; `A` is in the package `a.v2`")
        #expect(mistake.related?.path == "a.rpc")
    }
}
