import Foundation
import Testing

@testable import RPCCodegen

/// Mistakes as JSON, for editors and other programs.
@Suite struct DiagnosticsJSONTests {
    private func objects(_ schema: String) throws -> [[String: Any]] {
        let compilation = TestTree(schema).compile()
        let text = Diagnostics.json(compilation.diagnostics.sorted) {
            compilation.source(displayed: $0)
        }
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return try #require(value as? [[String: Any]])
    }

    @Test func `a mistake has its rule, places, the other place and the fix`() throws {
        let found = try objects(
            "package a.v1\nmessage M {\n    a: string = 1\n    \"é\n    b: string = 1\n}\n")
        #expect(found.map { $0["id"] as? String } == ["IDL003", "IDL042"])
        let twice = try #require(found.last)
        #expect(twice["severity"] as? String == "error")
        #expect(twice["path"] as? String == "test.rpc")
        #expect(twice["message"] as? String == "the number 1 belongs to `a`; 2 is free")
        #expect(twice["help"] as? String == "RPCCodegen explain IDL042")
        #expect(twice["start"] as? [String: Int] == ["line": 5, "column": 17, "offset": 67])
        #expect(twice["end"] as? [String: Int] == ["line": 5, "column": 18, "offset": 68])
        let related = try #require(twice["related"] as? [String: Any])
        #expect(related["path"] as? String == "test.rpc")
        #expect(related["message"] as? String == "the first is here")
        #expect(related["start"] as? [String: Int] == ["line": 3, "column": 17, "offset": 41])
        let fix = try #require(twice["fix"] as? [String: Any])
        #expect(fix["replacement"] as? String == "2")
        #expect(fix["start"] as? [String: Int] == ["line": 5, "column": 17, "offset": 67])
    }

    @Test func `without mistakes the array is empty`() throws {
        #expect(try objects("package a.v1\n").isEmpty)
    }

    @Test func `without a source there are no lines`() throws {
        let compilation = TestTree("message M {}\n").compile()
        let text = Diagnostics.json(compilation.diagnostics.sorted) { _ in nil }
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        let found = try #require((value as? [[String: Any]])?.first)
        #expect(found["start"] as? [String: Int] == ["offset": 0])
        #expect(found["related"] == nil)
    }
}
