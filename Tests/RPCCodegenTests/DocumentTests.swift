import Foundation
import TestSupport
import Testing

@testable import RPCCodegen

/// What docs/IDL.md shows is what the compiler does.
@Suite struct DocumentTests {
    private let blocks: [String]

    init() throws {
        let text = try String(contentsOfFile: "\(repositoryRoot)/docs/IDL.md", encoding: .utf8)
        let parts = text.components(separatedBy: "```\n")
        blocks = stride(from: 1, to: parts.count, by: 2).map { parts[$0] }
    }

    @Test func `the example compiles`() throws {
        let example = try #require(blocks.first)
        let tree = TestTree([
            "test.rpc": example, "volume.rpc": "package a.v1\nenum Volume { quiet = 0 }\n",
        ])
        #expect(tree.mistakes() == "")
    }

    @Test func `the mistake is reported as shown`() throws {
        let shown = try #require(blocks.first { $0.contains(": error: ") })
        let schema = """
            package a.v1

            message Punch {
                other: string = 1
                serial: string = 2
                device: string = 2
            }
            """
        let found = TestTree(["Schemas/punch.rpc": schema]).mistakes("Schemas/punch.rpc")
        #expect(found + "\n" == shown)
    }

    @Test func `every type is in the table`() throws {
        let text = try String(contentsOfFile: "\(repositoryRoot)/docs/IDL.md", encoding: .utf8)
        for type in ScalarType.allCases { #expect(text.contains("`\(type.rawValue)`")) }
    }
}
