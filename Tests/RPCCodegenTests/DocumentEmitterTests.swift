import Foundation
import Testing

@testable import RPCCodegen

/// The page in Markdown and the OpenAPI document of a schema with everything in it.
@Suite struct DocumentEmitterTests {
    /// A schema, and what becomes of it, each behind a line of dashes.
    private let golden: Golden

    init() throws { golden = try Golden("places") }

    private func compiled() throws -> (Compilation, Schema) {
        let compilation = TestTree(["places.rpc": golden.parts[0]]).compile("places.rpc")
        #expect(compilation.diagnostics.all.isEmpty)
        return (compilation, try #require(compilation.schemas["places.rpc"]))
    }

    @Test func `the page tells all of the schema`() throws {
        let (compilation, schema) = try compiled()
        let page = MarkdownEmitter(compilation: compilation).page([schema], label: "Places & more")
        try golden.check(1, page)
        let targets = Set(page.matches(of: /\(#([^)]+)\)/).map { String($0.output.1) })
        let anchors = Set(page.matches(of: /<a id="([^"]+)">/).map { String($0.output.1) })
        #expect(targets.isSubset(of: anchors))
    }

    @Test func `the OpenAPI document has the methods with routes`() throws {
        let (compilation, schema) = try compiled()
        let text = OpenAPIEmitter(compilation: compilation).document([schema], label: nil).text
        try golden.check(2, text)
    }

    @Test func `every reference of the document leads somewhere`() throws {
        let (compilation, schema) = try compiled()
        let document = OpenAPIEmitter(compilation: compilation).document([schema], label: nil)
        var references: Set<String> = []
        func collect(_ value: JSON) {
            switch value {
            case .string, .number, .bool: break
            case .array(let values): for value in values { collect(value) }
            case .object(let members):
                for member in members {
                    if member.name == "$ref", case .string(let text) = member.value {
                        references.insert(text)
                    }
                    collect(member.value)
                }
            }
        }
        collect(document)
        #expect(references.count > 5)
        for reference in references {
            var value = document
            for part in reference.split(separator: "/").dropFirst() {
                guard case .object(let members) = value,
                    let member = members.first(where: { $0.name == part })
                else {
                    Issue.record("\(reference) leads nowhere")
                    break
                }
                value = member.value
            }
        }
        // Foundation reads it too.
        #expect(throws: Never.self) {
            try JSONSerialization.jsonObject(with: Data(document.text.utf8))
        }
    }

    @Test func `paths that differ in names of variables only are one`() throws {
        let tree = TestTree(
            """
            package t.v1
            message A { id: string = 1 }
            message B { name: string = 1 }
            service S {
                one(A) -> A { deadline 5s, role any, safe, get "/a/{id}" }
                two(B) -> A { deadline 5s, role any, put "/a/{name}" }
            }
            """)
        let compilation = tree.compile()
        let schema = try #require(compilation.schemas["test.rpc"])
        let text = OpenAPIEmitter(compilation: compilation).document([schema], label: nil).text
        #expect(text.contains("\"/a/{id}\": {"))
        #expect(!text.contains("{name}"))
        #expect(text.matches(of: /"name": "id",\s*"in": "path"/).count == 2)
    }

    @Test func `a route that two schemas have is reported`() throws {
        let service = "{ m(A) -> A { deadline 5s, role any, safe, get \"/a\" } }\n"
        let tree = TestTree([
            "a.rpc": "package t.v1\nmessage A {}\nservice S \(service)",
            "b.rpc": "package t.v1\nimport \"a.rpc\"\nservice T \(service)",
        ])
        let compilation = tree.compile("b.rpc")
        #expect(compilation.diagnostics.all.isEmpty)
        let schemas = ["a.rpc", "b.rpc"].compactMap { compilation.schemas[$0] }
        let found = OpenAPIEmitter(compilation: compilation).clashes(schemas)
        #expect(found.map(\.path) == ["b.rpc"])
        #expect(found.first?.related?.path == "a.rpc")
    }

    @Test func `text is escaped in JSON`() {
        let json = JSON.object([.init("a\"\\", .string("\n\t\r\u{1}é"))])
        #expect(json.text == "{\n  \"a\\\"\\\\\": \"\\n\\t\\r\\u0001é\"\n}\n")
        #expect(JSON.array([.array([]), .object([])]).text == "[\n  [],\n  {}\n]\n")
    }

    static let numbers: [(String, String)] = [
        ("-7...007", "\"minimum\": -7,\"maximum\": 7"), ("0...0", "\"minimum\": 0,\"maximum\": 0"),
    ]

    @Test(arguments: numbers)
    func `limits of numbers are numbers of JSON`(_ range: String, _ expected: String) throws {
        let text = """
            package t.v1
            message A { x: int32 = 1 (range \(range)) }
            service S { m(A) -> A { deadline 5s, role any, post "/a" } }
            """
        let compilation = TestTree(text).compile()
        #expect(compilation.diagnostics.all.isEmpty)
        let schema = try #require(compilation.schemas["test.rpc"])
        let found = OpenAPIEmitter(compilation: compilation).document([schema], label: nil).text
        let flat = found.replacing(/\n\s*/, with: "")
        #expect(flat.contains(expected), "\(flat)")
    }
}
