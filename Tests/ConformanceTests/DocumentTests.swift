import Foundation
import TestSupport
import Testing

/// docs/CONFORMANCE.md names the tests that there are.
@Suite struct DocumentTests {
    @Test func `each case of the table is a test, and each test a case of the table`() throws {
        let text = try String(
            contentsOfFile: "\(repositoryRoot)/docs/CONFORMANCE.md", encoding: .utf8)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") }
        let folder = "\(repositoryRoot)/Tests/ConformanceTests"
        var found = 0
        for row in rows {
            let words = row.split(separator: "`")
            let (name, suite) = (words[1], words[words.count - 2])
            let source = try String(contentsOfFile: "\(folder)/\(suite).swift", encoding: .utf8)
            #expect(source.contains("func `\(name)`("), "\(name)")
        }
        for file in try FileManager.default.contentsOfDirectory(atPath: folder)
        where file.hasSuffix("Tests.swift") && file != "DocumentTests.swift" {
            let source = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            found += source.components(separatedBy: "    func `").count - 1
            found += source.components(separatedBy: "@Test func `").count - 1
        }
        #expect(!rows.isEmpty && rows.count == found)
    }
}
