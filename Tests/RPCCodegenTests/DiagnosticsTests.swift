import Testing

@testable import RPCCodegen

/// docs/IDL.md, part 10: what each mistake is called and where it is said to be.
@Suite struct DiagnosticsTests {
    /// The body of a message, and the mistakes of the schema with columns in that line.
    static let fields: [(String, [String])] = [
        ("a: string = 1", []),
        ("a: strng = 1", ["8: there is no type `strng`; did you mean `string`?"]),
        ("a: Strin = 1", ["8: there is no type `Strin`; did you mean `string`?"]),
        ("a: string = 0", ["17: field numbers are 1 to 536870911"]),
        ("a: string = -1", ["17: field numbers are 1 to 536870911"]),
        ("a: string = 536870912", ["17: field numbers are 1 to 536870911"]),
        (
            "a: string = 19000",
            ["17: the numbers 19000 to 19999 belong to protobuf itself"]
        ),
        ("a: string = 99999999999999999999", ["17: `99999999999999999999` is not a field number"]),
        ("a: string = x", ["17: expected a field number, found `x`"]),
        ("a: string", ["14: expected `=` and the field's number before the end of the line"]),
        ("a string = 1", ["7: expected `:` and a type behind the field's name, found `string`"]),
        ("a: = 1", ["8: expected a type, found `=`"]),
        ("a: string = 1 b: string = 2", ["19: expected a new line, found `b`"]),
        (
            "A: string = 1",
            [
                "5: `A` is not written like a member: a small letter first, "
                    + "no underscores"
            ]
        ),
        (
            "a_b: string = 1",
            [
                "5: `a_b` is not written like a member: a small letter first, "
                    + "no underscores"
            ]
        ),
        ("hashValue: string = 1", ["5: every message has a member `hashValue` already"]),
        ("unknownFields: bytes = 1", ["5: every message has a member `unknownFields` already"]),
        (
            "description: string = 1 (redact)",
            ["5: `description` is what a message says of itself in logs: it cannot be redacted"]
        ),
        ("description: string = 1", []),
        ("a: string = 1 (max 0)", ["24: a limit is 1 to 2147483647"]),
        ("a: string = 1 (max 2147483648)", ["24: a limit is 1 to 2147483647"]),
        (
            "a: int32 = 1 (max 5)",
            [
                "23: `max` and `min` limit strings, bytes and, `max` alone, lists and maps; "
                    + "numbers have `range`"
            ]
        ),
        (
            "a: list<int32 (max 5)> = 1",
            [
                "24: `max` and `min` limit strings, bytes and, `max` alone, lists and maps; "
                    + "numbers have `range`"
            ]
        ),
        (
            "a: string = 1 (min 5)",
            [
                "24: a plain field is empty until it is set, which is shorter than 5: "
                    + "write `?` behind its type"
            ]
        ),
        (
            "a: string = 1 (mx 5)",
            [
                "20: `mx` is no option; there are `max`, `min`, `range`, `redact` and "
                    + "`deprecated`, as in `(max 64)`"
            ]
        ),
        ("a: string = 1 (max 5", ["25: expected `)` behind the limit before the end of the line"]),
        (
            "a: list<string>? = 1",
            ["8: a list or map is never absent, only empty: leave the `?` out"]
        ),
        (
            "a: list<list<string>> = 1",
            ["13: lists and maps hold no lists and maps; put the inner one in a message"]
        ),
        ("a: list<string = 1", ["20: expected `>` behind the type of the elements, found `=`"]),
        ("a: M = 1", ["5: `M` would contain itself through `a`; make it `list<M>`"]),
        ("a: M? = 1", ["5: `M` would contain itself through `a`; make it `list<M>`"]),
        ("a: S = 1", ["8: `S` is a service, not a type"]),
        ("a: string @ 1", ["15: `@` has no meaning here"]),
        (
            "a: string = 1 /* text */",
            ["19: `/` begins nothing; comments are `//` and, for documentation, `///`"]
        ),
        ("reserved 1, x", ["17: expected a number or a name in quotes, found `x`"]),
        ("reserved 5...2", ["14: the range ends before it begins"]),
        ("reserved 0", ["14: field numbers are 1 to 536870911"]),
        ("reserved \"x", ["14: the string has no closing `\"` on its line"]),
    ]

    @Test(arguments: fields)
    func `a mistake in a field is reported at its place`(_ line: String, _ expected: [String]) {
        let tree = TestTree("package a.v1\nmessage M {\n    \(line)\n}\nservice S {}\n")
        #expect(tree.headlines() == expected.map { head(3, $0) })
    }

    /// `7: text` → `test.rpc:LINE:7: error: text`.
    private func head(_ line: Int, _ text: String) -> String {
        let parts = text.split(separator: ": ", maxSplits: 1)
        return "test.rpc:\(line):\(parts[0]): error: \(parts[1])"
    }

    static let methods: [(String, [String])] = [
        ("m(M) -> M { deadline 5s, role ctl }", []),
        ("m(M) -> M { role ctl, gateway, deadline 100ms }", []),
        ("m(M) -> stream M { deadline none, role ctl, }", []),
        (
            "m(M) -> M { deadline 5s }",
            [
                "5: `m` has no role, so nobody could call it; "
                    + "say who may: `{ …, role ctl, gateway }`"
            ]
        ),
        ("m(M) -> M { role ctl }", ["5: `m` has no deadline; write one, such as `deadline 5s`"]),
        (
            "m(M) -> stream M { role ctl }",
            [
                "5: `m` has no deadline; write one, such as `deadline 5s` or, for an open-ended "
                    + "stream, `deadline none`"
            ]
        ),
        (
            "m(M) -> M",
            [
                "5: `m` has no deadline; write one, such as `deadline 5s`",
                "5: `m` has no role, so nobody could call it; "
                    + "say who may: `{ …, role ctl, gateway }`",
            ]
        ),
        (
            "m(M) -> M { deadline none, role ctl }",
            ["26: a call without a stream has a deadline; `none` is for streams"]
        ),
        (
            "m(M) -> M { deadlin 5s, role ctl }",
            [
                "17: `deadlin` is no annotation; there are `deadline`, `idle`, `role`, "
                    + "`safe`, `idempotent`, `get`, `post`, `put`, `patch`, `delete` and "
                    + "`deprecated`; did you mean `deadline`?"
            ]
        ),
        (
            "m(M) -> M { role ctl, dedline 5s }",
            [
                "27: `dedline` is no annotation; there are `deadline`, `idle`, `role`, "
                    + "`safe`, `idempotent`, `get`, `post`, `put`, `patch`, `delete` and "
                    + "`deprecated`; did you mean `deadline`?"
            ]
        ),
        (
            "m(M) -> M { deadline 5, role ctl }",
            ["26: `5` has no unit; write `ms`, `s`, `m` or `h`"]
        ),
        ("m(M) -> M { deadline 0s, role ctl }", ["26: `0s` is not between 1ms and 24h"]),
        ("m(M) -> M { deadline 25h, role ctl }", ["26: `25h` is not between 1ms and 24h"]),
        (
            "m(M) -> M { deadline soon, role ctl }",
            ["26: expected a time such as `5s`, or `none`, found `soon`"]
        ),
        (
            "m(M) -> M { deadline 5s, deadline 6s, role ctl }",
            ["30: the method has two deadlines"]
        ),
        (
            "m(M) -> M { deadline 5s, role ctl, gateway, ctl }",
            ["49: the role `ctl` is named twice"]
        ),
        ("m(stream M) -> M { deadline none, idle 500ms, role any }", []),
        ("m(stream M) -> stream M { idle 24h, deadline none, role a, b }", []),
        ("m(stream M) -> M { role a, idle 5m, deadline none }", []),
        (
            "m(stream M) -> M { role ctl }",
            [
                "5: `m` has no deadline; write one, such as `deadline 5s` or, for an open-ended "
                    + "stream, `deadline none`"
            ]
        ),
        (
            "m(M) -> stream M { deadline 5s, idle 1m, role ctl }",
            ["42: `idle` goes with `deadline none`; other calls end by their deadline"]
        ),
        (
            "m(M) -> stream M { deadline none, idle none, role ctl }",
            ["44: expected a time such as `60s`, found `none`"]
        ),
        (
            "m(M) -> stream M { deadline none, idle 25h, role ctl }",
            ["44: `25h` is not between 1ms and 24h"]
        ),
        (
            "m(M) -> stream M { deadline none, idle 1s, idle 2s, role ctl }",
            ["48: the method has two idle limits"]
        ),
        (
            "m(M) -> M { deadline 5s, role ctl, any }",
            ["40: `any` is every role; name it alone or leave it out"]
        ),
        ("m(stream) -> M { deadline 5s, role ctl }", ["7: there is no type `stream`"]),
        ("m(X) -> M { deadline 5s, role ctl }", ["7: there is no type `X`"]),
        (
            "m(string) -> M { deadline 5s, role ctl }",
            ["7: `string` is not a message; methods take and give messages"]
        ),
        (
            "m(M) -> stream E { deadline 5s, role ctl }",
            ["20: `E` is not a message; methods take and give messages"]
        ),
        (
            "handlers(M) -> M { deadline 5s, role ctl }",
            [
                "5: every service has a member `handlers` already"
            ]
        ),
        (
            "m(M) M { deadline 5s, role ctl }",
            [
                "10: expected `->` and the response's type, found `M`"
            ]
        ),
        (
            "m(M -> M { deadline 5s, role ctl }",
            [
                "9: expected `)` behind the request's type, found `->`"
            ]
        ),
        ("m() -> M { deadline 5s, role ctl }", ["7: expected the request's type, found `)`"]),
    ]

    @Test(arguments: methods)
    func `a mistake in a method is reported at its place`(_ line: String, _ expected: [String]) {
        let tree = TestTree(
            "package a.v1\nmessage M {}\nenum E { z = 0 }\nservice S {\n    \(line)\n}\n")
        #expect(tree.headlines() == expected.map { head(5, $0) })
    }

    static let enums: [(String, [String])] = [
        ("z = 0", []),
        ("z = -1", ["1: `E` has no value 0, which a field has until it is set"]),
        ("z = 0\nx = 2147483648", ["5: the numbers of values are -2147483648 to 2147483647"]),
        (
            "z = 0\nnone = 1",
            [
                "1: `none` would be mistaken for Swift's Optional; "
                    + "call it `unspecified` or what it means"
            ]
        ),
        ("z = 0\nunrecognized = 1", ["1: every enum has a member `unrecognized` already"]),
        ("z: 0", ["2: expected `=` and the value's number, found `:`"]),
    ]

    @Test(arguments: enums)
    func `a mistake in an enum is reported`(_ body: String, _ expected: [String]) {
        let found = TestTree("package a.v1\nenum\nE\n{\n\(body)\n}\n").headlines()
        let texts = found.map { $0.split(separator: ":", maxSplits: 2)[2] }
        #expect(
            texts == expected.map { $0.replacing(": ", with: ": error: ", maxReplacements: 1)[...] }
        )
    }

    @Test func `all mistakes of a file come in one run, with line, caret and the other place`() {
        let tree = TestTree(
            """
            package a.v1

            message Punch {
            \tname: strng = 1
                device: string = 2
                device: string = 2 (max 0)
                old: string = 9
                reserved 9, "old"
            }
            mesage Other {}
            enum Mood { happy = 1 }
            enum Punch { z = 0 }

            """)
        #expect(
            tree.mistakes() == """
                test.rpc:4:8: error: there is no type `strng`; did you mean `string`? [IDL029]
                \tname: strng = 1
                \t      ^~~~~
                test.rpc:6:5: error: `device` is a field already [IDL025]
                    device: string = 2 (max 0)
                    ^~~~~~
                test.rpc:5:5: note: the first is here
                    device: string = 2
                    ^~~~~~
                test.rpc:6:22: error: the number 2 belongs to `device`; 3 is free [IDL042]
                    device: string = 2 (max 0)
                                     ^
                test.rpc:5:22: note: the first is here
                    device: string = 2
                                     ^
                test.rpc:6:29: error: a limit is 1 to 2147483647 [IDL063]
                    device: string = 2 (max 0)
                                            ^
                test.rpc:7:5: error: the name `old` is reserved [IDL044]
                    old: string = 9
                    ^~~
                test.rpc:8:17: note: here
                    reserved 9, "old"
                                ^~~~~
                test.rpc:7:19: error: the number 9 is reserved [IDL043]
                    old: string = 9
                                  ^
                test.rpc:8:14: note: here
                    reserved 9, "old"
                             ^
                test.rpc:10:1: error: expected `message`, `enum` or `service`, found `mesage`; \
                did you mean `message`? [IDL005]
                mesage Other {}
                ^~~~~~
                test.rpc:11:6: error: `Mood` has no value 0, which a field has until it is set [IDL070]
                enum Mood { happy = 1 }
                     ^~~~
                test.rpc:12:6: error: `Punch` is declared twice [IDL023]
                enum Punch { z = 0 }
                     ^~~~~
                test.rpc:3:9: note: the first is here
                message Punch {
                        ^~~~~
                """)
    }

    @Test func `names that would be one in Swift or in a .proto are refused`() {
        #expect(
            TestTree("package a.v1\nmessage M {\nlogID: bytes = 1\nlogId: bytes = 2\n}\n")
                .headlines() == [
                    "test.rpc:4:1: error: `logId` and `logID` are both `log_id` in a .proto"
                ])
        #expect(
            TestTree("package a.v1\nmessage Timestamp {}\nmessage lower {}\nenum A_B { z = 0 }\n")
                .headlines() == [
                    "test.rpc:2:9: error: `Timestamp` is a name that generated code needs itself",
                    "test.rpc:3:9: error: `lower` is not written like a type: a capital first, "
                        + "no underscores",
                    "test.rpc:4:6: error: `A_B` is not written like a type: a capital first, "
                        + "no underscores",
                ])
        #expect(
            TestTree("package a.v1\nenum Ab { c = 0\nd = 1 }\nenum A { bC = 0\nbD = 1 }\n")
                .headlines() == [])
        #expect(
            TestTree("package a.v1\nenum AbC { d = 0 }\nenum Ab { z = 0\ncD = 1 }\n")
                .headlines() == [
                    "test.rpc:4:1: error: this value and another are both `AB_C_D` in a .proto"
                ])
    }

    @Test func `a message that contains itself over others is refused`() {
        let tree = TestTree(
            """
            package a.v1
            message A { b: B = 1 }
            message B { c: C? = 1 }
            message C { a: a.v1.A = 1 }
            message D { a: A = 1 }
            message E { e: list<E> = 1 }
            """)
        #expect(
            tree.headlines() == [
                "test.rpc:2:13: error: `A` would contain itself through `b`; make it `list<B>`",
                "test.rpc:3:13: error: `B` would contain itself through `c`; make it `list<C>`",
                "test.rpc:4:13: error: `C` would contain itself through `a`; make it `list<A>`",
            ])
    }

    @Test func `a brace that is missing or too many is reported`() {
        let open = "package a.v1\nmessage M {}\nservice S {\nm(M) -> M { deadline 5s, role ctl\n}\n"
        #expect(TestTree(open).headlines() == ["test.rpc:6:1: error: expected `}` of `S`"])
        #expect(
            TestTree("package a.v1\nmessage M {}}\nmessage N {}\n").headlines() == [
                "test.rpc:2:13: error: expected `message`, `enum` or `service`, found `}`"
            ])
    }

    @Test func `the head of a file is checked`() {
        #expect(
            TestTree("message M {}\n").headlines() == [
                "test.rpc:1:1: error: the schema has no package; begin with one, "
                    + "such as `package company.subject.v1`"
            ])
        #expect(TestTree("").headlines().count == 1)
        #expect(
            TestTree("package A.v1\npackage b.v1\n").headlines() == [
                "test.rpc:1:9: error: a package is in lower case, such as `company.subject.v1`",
                "test.rpc:2:1: error: a file has one `package`",
            ])
        #expect(
            TestTree("message M {}\npackage a.v1\n").headlines().last
                == "test.rpc:2:1: error: `package` comes first in the file")
        #expect(
            TestTree("package a.v1\nmessage M {\n").headlines() == [
                "test.rpc:3:1: error: expected `}` of `M`"
            ])
    }

    @Test func `control characters cannot reach what is generated`() {
        let schema =
            "package a.v1\r\n/// One\rlet injected = 1\r\nmessage M (deprecated \"a\r\u{1}b\") {}\r\n"
        func text(_ code: Int) -> String {
            "error: a control character (\(code)) has no meaning in comments and in quotes"
        }
        #expect(
            TestTree(schema).headlines() == [
                "test.rpc:2:8: \(text(13))", "test.rpc:3:25: \(text(13))",
                "test.rpc:3:26: \(text(1))",
            ])
        #expect(TestTree("package a.v1\r\n/// One\ttwo\r\nmessage M {}\r\n").headlines() == [])
    }

    @Test func `bytes that are no text are reported and read on`() {
        let bytes = Array("package a.v1\nmessage M { ".utf8) + [0xFF, 0xFE, 0x0A, 0x7D]
        var compilation = Compilation(
            tree: SourceTree(read: { _ in bytes }, list: { [] }, displayed: { $0 }))
        compilation.load("test.rpc")
        #expect(compilation.diagnostics.all.contains { $0.text == "the file is not UTF-8" })
    }
}
