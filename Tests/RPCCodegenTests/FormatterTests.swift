import Foundation
import TestSupport
import Testing

@testable import RPCCodegen

/// The one form of schemas: what it looks like, and that a schema means the same in it.
@Suite struct FormatterTests {
    private func formatted(_ text: String) -> String? {
        RPCCodegen.Formatter.formatted(SourceText(path: "test.rpc", text)).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    // MARK: The form

    /// An element of a message, and how it is written.
    static let elements: [(String, String)] = [
        ("a:int32=1", "a: int32 = 1"),
        ("a :\tint32 ?  =  1", "a: int32? = 1"),
        ("a: string = 1(max 64,redact)", "a: string = 1 (max 64, redact)"),
        ("a: string = 1 ( deprecated \"a  b\" )", "a: string = 1 (deprecated \"a  b\")"),
        ("a: list < string(max 8) > = 1", "a: list<string (max 8)> = 1"),
        ("a: map<string(max 8),V>=1", "a: map<string (max 8), V> = 1"),
        ("a: b . c . V = 1", "a: b.c.V = 1"),
        ("reserved 4,7 ... 9,\"old\"", "reserved 4, 7...9, \"old\""),
        ("reserved - 4 ... - 2", "reserved -4...-2"),
        ("a: list< - > = - 1", "a: list<- > = -1"),
        ("a: b . . . c", "a: b. . .c"),
        ("a = - 1(deprecated \"x\")", "a = -1 (deprecated \"x\")"),
        ("a:\n  int32\n=\n1\n(\nmax 8\n)", "a: int32 = 1 (max 8)"),
        ("reserved\n4\n,\n5", "reserved 4, 5"),
        ("message: V = 1\noneof: V = 2", "message: V = 1\n    oneof: V = 2"),
        ("message\nB\n{\n}", "message B {}"),
        ("oneof b{c:C=1}", "oneof b {\n        c: C = 1\n    }"),
        ("a: B = 1\n\n\n\n\nb: B = 2", "a: B = 1\n\n    b: B = 2"),
        ("a: B = 1\r\n\r\nb: B = 2\r", "a: B = 1\n\n    b: B = 2"),
        (
            "a: B = 1//b \t\n    //c\n  /// d\nb: B = 2",
            "a: B = 1 //b\n    //c\n    /// d\n    b: B = 2"
        ),
        ("\n// only", "// only"),
        ("a: B = 1\n\n// last\n", "a: B = 1\n\n    // last"),
        ("a: // why\nB\n// what\n= 1", "a: // why\n        B\n        // what\n        = 1"),
        ("m(A)->B{deadline 5s,role ctl}", "m(A) -> B { deadline 5s, role ctl }"),
        ("m ( stream a . A ) -> stream\nB {}", "m(stream a.A) -> stream B {}"),
        ("m(A) -> B {\n    deadline 5s,\n    role a,\n}", "m(A) -> B { deadline 5s, role a, }"),
        ("m(A) -> B\n{}", "m(A) -> B\n    {}"),
        (
            "m(A) -> B { // open\nrole a, // first\nb, deadline 5s\n\n// end\n}",
            "m(A) -> B { // open\n        role a, // first\n            b,\n"
                + "        deadline 5s\n        // end\n    }"
        ),
    ]

    @Test(arguments: elements)
    func `an element has one form`(_ before: String, _ after: String) {
        #expect(formatted("message M{\(before)\n}") == "message M {\n    \(after)\n}\n")
    }

    /// A schema, and how it is written.
    static let schemas: [(String, String)] = [
        ("", ""),
        (" \n\t\r\n", ""),
        ("\n\n// a\n\n\n// b", "// a\n\n// b\n"),
        ("package a . b.v1", "package a.b.v1\n"),
        (
            "package a import \"b.rpc\" import\n\"c.rpc\" enum E{} service S{}",
            "package a\n\nimport \"b.rpc\"\nimport \"c.rpc\"\n\nenum E {}\n\nservice S {}\n"
        ),
        (
            "import \"b\"\n\n\nimport \"c\" // c\n// M\nmessage M {}// m\n/// N\n\n// n\n"
                + "message N {}",
            "import \"b\"\n\nimport \"c\" // c\n\n// M\nmessage M {} // m\n\n/// N\n\n// n\n"
                + "message N {}\n"
        ),
        (
            "message Old(deprecated \"why\"){ // o\n\n// a\n\n}",
            "message Old (deprecated \"why\") { // o\n    // a\n}\n"
        ),
        ("enum E // e\n{ a = 0 }", "enum E // e\n{\n    a = 0\n}\n"),
        (
            "message A { message B { enum C { c = 0 }\n\n} // b\nb: B = 1 }",
            "message A {\n    message B {\n        enum C {\n            c = 0\n        }\n"
                + "    } // b\n    b: B = 1\n}\n"
        ),
    ]

    @Test(arguments: schemas)
    func `a schema has one form`(_ before: String, _ after: String) {
        #expect(formatted(before) == after)
    }

    @Test func `annotations are on one line while that has a hundred columns`() {
        func method(_ name: String) -> String {
            "\(name)(A) -> B { deadline 5s, role a, b, get \"/é/{id}\", idempotent by k, role }"
        }
        let name = String(repeating: "m", count: 96 - method("").count)
        let short = "service S {\n    \(method(name))\n}\n"
        #expect(formatted(short) == short)
        let long = """
            service S {
                m\(name)(A) -> B {
                    deadline 5s,
                    role a, b,
                    get "/é/{id}",
                    idempotent by k,
                    role
                }
            }

            """
        #expect(formatted("service S {\n    \(method("m" + name))\n}\n") == long)
        #expect(formatted(long) == long)
    }

    @Test(arguments: [
        "package a.v1\nimport \"x", "message M { a: string @ 1 }", "message M {", "message M {}}",
        "message M { a: list<string = 1 }", "message M { a: B = 1 (max 5 }", "m({})", "a / b",
        "message É {}", "\u{FEFF}package a.v1", "/* a */",
        String(repeating: "message M {\n", count: 33) + String(repeating: "}\n", count: 33),
    ])
    func `a schema with words or brackets that cannot be is left alone`(_ text: String) {
        #expect(formatted(text) == nil)
    }

    @Test func `a file that is not UTF-8 is left alone`() {
        let source = SourceText(path: "test.rpc", bytes: Array("// ".utf8) + [0xFF])
        #expect(RPCCodegen.Formatter.formatted(source) == nil)
    }

    // MARK: Any schema

    /// Words and comments are the same before and after, and the form is its own form.
    private func checkForm(of text: String, _ context: Comment) throws {
        let result = try #require(formatted(text), context)
        #expect(formatted(result) == result, context)
        #expect(FormatterSamples.words(of: result) == FormatterSamples.words(of: text), context)
        let comments = FormatterSamples.comments(of: result)
        #expect(comments == FormatterSamples.comments(of: text), context)
        #expect(!result.contains("\r\n") && !result.contains(" \n"), context)
        #expect(!result.contains("\n\n\n") && !result.hasPrefix("\n"), context)
    }

    @Test func `the schemas of this repository have the form`() throws {
        let samples = try FormatterSamples.schemas()
        #expect(samples.count >= 12)
        for sample in samples {
            #expect(formatted(sample.text) == sample.text, "\(sample.path)")
        }
    }

    @Test func `spaces and line breaks inside elements change nothing`() throws {
        var random = SplitMix(seed: 42)
        for sample in try FormatterSamples.schemas() {
            for round in 0..<8 {
                let changed = FormatterSamples.respaced(sample.text, &random)
                #expect(formatted(changed) == sample.text, "\(sample.path), round \(round)")
            }
        }
    }

    @Test func `words, documentation and comments stay as they are`() throws {
        var random = SplitMix(seed: 42)
        for sample in try FormatterSamples.schemas() {
            for round in 0..<8 {
                let changed = FormatterSamples.respaced(sample.text, &random, comments: true)
                try checkForm(of: changed, "\(sample.path), round \(round)")
                for text in [changed, try #require(formatted(changed))] {
                    var diagnostics = Diagnostics()
                    _ = Parser.parse(SourceText(path: "test.rpc", text), &diagnostics)
                    #expect(diagnostics.all.isEmpty, "\(sample.path), round \(round)")
                }
            }
        }
    }

    @Test func `random words keep their order and never trap`() throws {
        let words = [
            "message", "oneof", "service", "package", "import", "reserved", "list", "map", "role",
            "deadline", "stream", "a", "M", "5s", "0", "\"x\"", "{", "{", "}", "}", "{}", "(", ")",
            "(max 1)", "<", ">", "<A>", "(A) -> B {", "}", ":", "=", "?", ",", ".", "...", "-",
            "->", "\n", "\n", "\n\n", "/// d\n", "// c\n", "\r\n", "\t", "", "",
        ]
        var random = SplitMix(seed: 42)
        var count = 0
        for round in 0..<20_000 {
            let text = (0..<Int.random(in: 0..<24, using: &random))
                .map { _ in words.randomElement(using: &random) ?? "" }.joined(separator: " ")
            guard formatted(text) != nil else { continue }
            count += 1
            try checkForm(of: text, "round \(round): \(text)")
        }
        #expect(count > 1000)
    }

    @Test func `random bytes never trap`() throws {
        let sample = try #require(try FormatterSamples.schemas().first).text
        let interesting = Array("{}()<>:=?,.-\"/ \n\r\t0a".utf8) + [0, 0x7F, 0x80, 0xC3, 0xFF]
        var random = SplitMix(seed: 42)
        for round in 0..<400 {
            var bytes = Array(sample.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                bytes[index] = interesting.randomElement(using: &random) ?? 0
            }
            guard
                RPCCodegen.Formatter.formatted(SourceText(path: "test.rpc", bytes: bytes)) != nil
            else { continue }
            try checkForm(of: String(decoding: bytes, as: UTF8.self), "round \(round)")
        }
    }

    @Test func `brackets nested deeply do not run away`() {
        let count = 100_000
        let text =
            "message M {\n    a: " + String(repeating: "list<", count: count)
            + String(repeating: ">", count: count) + " = 1\n}\n"
        #expect(formatted(text) == text)
        #expect(formatted(String(repeating: "a {", count: count)) == nil)
    }
}
