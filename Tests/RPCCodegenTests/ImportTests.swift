import Testing

@testable import RPCCodegen

@Suite struct ImportTests {
    static let punch = "package a.v1\nmessage Punch { id: string = 1 }\nenum Kind { z = 0 }\n"

    @Test func `a schema sees what it imports, by short and by full name`() {
        let tree = TestTree([
            "punch.rpc": Self.punch,
            "test.rpc": """
            package b.v1
            import "punch.rpc"
            message M {
                a: Punch = 1
                b: a.v1.Kind = 2
            }
            """,
        ])
        #expect(tree.mistakes() == "")
    }

    @Test func `what an import imports is not seen, and the hint names the import`() {
        let tree = TestTree([
            "punch.rpc": Self.punch,
            "middle.rpc": "package a.v1\nimport \"punch.rpc\"\nmessage N { p: Punch = 1 }\n",
            "far.rpc": "package a.v1\nmessage Far {}\n",
            "test.rpc": """
            package a.v1
            import "middle.rpc"
            message M {
                a: Punch = 1
                b: Far = 2
            }
            """,
        ])
        #expect(
            tree.headlines() == [
                "test.rpc:4:8: error: there is no type `Punch`; `punch.rpc` declares it: "
                    + "add `import \"punch.rpc\"`",
                "test.rpc:5:8: error: there is no type `Far`; `far.rpc` declares it: "
                    + "add `import \"far.rpc\"`",
            ])
    }

    @Test func `a wrong import is reported at its place`() {
        let tree = TestTree([
            "punch.rpc": Self.punch,
            "test.rpc": """
            package a.v1
            import "puch.rpc"
            import "/etc/passwd.rpc"
            import "../punch.rpc"
            import "punch"
            import "punch.rpc"
            import "punch.rpc"
            """,
        ])
        let wrong =
            "is not the path of a schema; write it from the root of the schemas, "
            + "such as \"punch.rpc\" or \"common/time.rpc\""
        #expect(
            tree.headlines() == [
                "test.rpc:2:8: error: there is no schema `puch.rpc`; did you mean `punch.rpc`?",
                "test.rpc:3:8: error: `/etc/passwd.rpc` \(wrong)",
                "test.rpc:4:8: error: `../punch.rpc` \(wrong)",
                "test.rpc:5:8: error: `punch` \(wrong)",
                "test.rpc:7:8: error: `punch.rpc` is imported twice",
            ])
    }

    @Test func `a cycle of imports is reported once, with its way`() {
        let tree = TestTree([
            "test.rpc": "package a.v1\nimport \"b.rpc\"\n",
            "b.rpc": "package a.v1\nimport \"c.rpc\"\n",
            "c.rpc": "package a.v1\nimport \"test.rpc\"\n",
        ])
        #expect(
            tree.headlines() == [
                "c.rpc:2:8: error: the imports form a cycle: "
                    + "test.rpc → b.rpc → c.rpc → test.rpc"
            ])
        #expect(
            TestTree("package a.v1\nimport \"test.rpc\"\n").headlines() == [
                "test.rpc:2:8: error: the imports form a cycle: test.rpc → test.rpc"
            ])
    }

    @Test func `a name that an import declares too is refused`() {
        let tree = TestTree([
            "punch.rpc": Self.punch,
            "test.rpc": "package b.v1\nimport \"punch.rpc\"\nservice Punch {}\n",
        ])
        #expect(
            tree.mistakes() == """
                test.rpc:3:9: error: `Punch` is declared by an import too [IDL023]
                service Punch {}
                        ^~~~~
                punch.rpc:2:9: note: here
                message Punch { id: string = 1 }
                        ^~~~~
                """)
    }

    @Test func `enum values that two schemas would export under one name are refused`() {
        let tree = TestTree([
            "a.rpc": "package a.v1\nenum AbC { d = 0 }\n",
            "b.rpc": "package a.v1\nenum Ab { z = 0\ncD = 1 }\n",
            "c.rpc": "package other.v1\nenum Abc { z = 0 }\nenum AB { cD = 0 }\n",
        ])
        var compilation = tree.compile("a.rpc")
        compilation.load("b.rpc")
        compilation.load("c.rpc")
        compilation.checkModule(["a.rpc", "b.rpc", "c.rpc"])
        #expect(
            compilation.moduleMistakes.map { "\($0.path) \($0.text)" } == [
                "b.rpc this value and another of the package are both `AB_C_D` in a .proto"
            ])
    }

    @Test func `a name that two schemas of a module declare is refused`() {
        let tree = TestTree([
            "a.rpc": "package a.v1\nservice Echo {}\n", "b.rpc": "package b.v1\nservice Echo {}\n",
        ])
        var compilation = tree.compile("a.rpc")
        compilation.load("b.rpc")
        #expect(compilation.diagnostics.all.isEmpty)
        compilation.checkModule(["a.rpc", "b.rpc"])
        #expect(
            compilation.moduleMistakes.map(\.text) == [
                "`Echo` is declared twice in one module, where Swift has one name"
            ])
    }

    @Test func `a chain of thousands of imports is compiled`() throws {
        let count = 3000
        var files = ["s\(count).rpc": "package chain.v1\nmessage M\(count) {}\n"]
        for index in 0..<count {
            files["s\(index).rpc"] =
                "package chain.v1\nimport \"s\(index + 1).rpc\"\n"
                + "message M\(index) { m: M\(index + 1)? = 1 }\n"
        }
        let compilation = TestTree(files).compile("s0.rpc")
        #expect(compilation.diagnostics.all.map(\.text) == [])
        #expect(compilation.schemas.count == count + 1)
        #expect(!compilation.isBroken("s0.rpc"))
        let schema = try #require(compilation.schemas["s0.rpc"])
        let set = DescriptorEmitter(compilation: compilation).set([schema])
        #expect(set.count > 50 * count)
    }

    @Test func `layers of imports that meet again are walked once`() {
        // The ways from the top to the bottom are 2 to the power of the layers.
        let layers = 60
        var files = [
            "a\(layers).rpc": "package d.v1\nmessage Wrong { x: strin = 1 }\n",
            "b\(layers).rpc": "package d.v1\n",
        ]
        for layer in 0..<layers {
            for side in ["a", "b"] {
                files["\(side)\(layer).rpc"] =
                    "package d.v1\nimport \"b\(layer + 1).rpc\"\nimport \"a\(layer + 1).rpc\"\n"
            }
        }
        let compilation = TestTree(files).compile("a0.rpc")
        #expect(compilation.diagnostics.all.count == 1)
        #expect(compilation.isBroken("a0.rpc"))
        #expect(!compilation.isBroken("b\(layers).rpc"))
    }
}
