import Foundation
import TestSupport
import Testing

/// docs/CONFORMANCE.md names the tests that there are, and what they come to.
@Suite struct DocumentTests {
    /// A line of the table.
    private struct Row {
        var name, media, suite, test, result: String

        /// `| case | from | over | suite, or suite: test | result |`, with the code in backticks.
        init?(_ line: Substring) {
            let cells = line.split(separator: "|").map { $0.trimming(" ") }
            guard cells.count == 5 else { return nil }
            let place = cells[3].split(separator: ": ", maxSplits: 1)
            guard let first = place.first, let last = place.last else { return nil }
            (name, media, result) = (cells[0].trimming("`"), cells[2], cells[4])
            suite = first.trimming("`")
            test = place.count == 1 ? name : last.trimming("`")
        }
    }

    private static func rows() throws -> [Row] {
        let text = try String(
            contentsOfFile: "\(repositoryRoot)/docs/CONFORMANCE.md", encoding: .utf8)
        return text.split(separator: "\n").filter { $0.hasPrefix("| `") }.compactMap { Row($0) }
    }

    /// The tests of each suite: what stands between `@Test` and the name.
    private static func tests(_ target: String) throws -> [String: [String: String]] {
        let folder = "\(repositoryRoot)/Tests/\(target)"
        var tests: [String: [String: String]] = [:]
        for file in try FileManager.default.contentsOfDirectory(atPath: folder)
        where file.hasSuffix("Tests.swift") {
            let source = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            for part in source.components(separatedBy: "@Test").dropFirst() {
                let words = part.components(separatedBy: "func `")
                guard words.count > 1, let name = words[1].split(separator: "`").first else {
                    continue
                }
                tests[String(file.dropLast(6)), default: [:]][String(name)] = words[0]
            }
        }
        return tests
    }

    @Test func `each case of the table is a test, and each test a case of the table`() throws {
        let rows = try Self.rows()
        var ours = try Self.tests("ConformanceTests")
        ours["DocumentTests"] = nil
        let others = try Self.tests("TransportTests")
        for row in rows {
            let attributes = ours[row.suite]?[row.test] ?? others[row.suite]?[row.test]
            #expect(attributes != nil, "\(row.name): \(row.suite) has no such test")
        }
        let named = Set(rows.map { "\($0.suite): \($0.test)" })
        for (suite, tests) in ours {
            for test in tests.keys { #expect(named.contains("\(suite): \(test)")) }
        }
        #expect(Set(rows.map(\.name)).count == rows.count)
    }

    @Test func `each case runs over what the table says`() throws {
        let ours = try Self.tests("ConformanceTests")
        for row in try Self.rows() {
            guard let attributes = ours[row.suite]?[row.test] else {
                #expect(row.media == "sockets", "\(row.name)")
                continue
            }
            let media =
                attributes.contains("[Medium.memory]")
                ? "memory" : attributes.contains("[Medium.sockets]") ? "sockets" : "sockets, memory"
            #expect(media != "sockets, memory" || attributes.contains("Medium.allCases"))
            #expect(row.media == media, "\(row.name)")
        }
    }

    /// A case that is named passes: none is turned off, or expected to fail.
    @Test func `each case passes`() throws {
        let rows = try Self.rows()
        #expect(rows.count > 100)
        for row in rows { #expect(row.result == "passes", "\(row.name)") }
        for target in ["ConformanceTests", "TransportTests"] {
            let folder = "\(repositoryRoot)/Tests/\(target)"
            for file in try FileManager.default.contentsOfDirectory(atPath: folder)
            where file.hasSuffix("Tests.swift") && file != "DocumentTests.swift" {
                let source = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
                for word in [".disabled(", ".enabled(", "withKnownIssue", "Test.cancel"] {
                    #expect(!source.contains(word), "\(file): \(word)")
                }
            }
        }
    }

    /// The ids of the list that this suite was distilled from.
    @Test(arguments: [
        "basic/unary", "basic/client-streaming", "basic/server-streaming", "basic/bidi-full",
        "basic/bidi-half", "empty/message", "empty/client-stream", "empty/server-stream",
        "size/equal", "size/plus10", "size/first", "size/subsequent", "size/decompressed",
        "large/271828-314159", "pingpong/lockstep", "meta/echo-head", "meta/echo-trailer-bin",
        "meta/duplicate-order", "meta/63K-header", "meta/limit+1", "status/16 codes × 2",
        "status/unicode", "status/whitespace", "status/after-responses",
        "status/details-unknown-type", "unimpl/method", "unimpl/service", "unimpl/then-reuse",
        "cancel/before-start", "cancel/after-head", "cancel/after-begin",
        "cancel/after-first-response", "cancel/after-close-send", "deadline/1ms",
        "deadline/propagated-two-hops", "deadline/server-sees-remaining", "deadline/clock-skew",
        "deadline/default-applied", "cardinality/0 requests", "cardinality/2 requests",
        "cardinality/0 responses", "cardinality/2 responses", "compress/probe",
        "compress/per-message", "compress/server-choice", "compress/bomb",
        "flow/slow-reader stream", "flow/slow-reader connection", "flow/other stream unaffected",
        "flow/credit leak after cancel", "drain/two-phase", "drain/in-flight completes",
        "drain/new call moves", "reset/after-head", "reset/mid-message", "reset/before-trailers",
        "ping/answered", "ping/ignored", "ping/flood", "streams/limit 1 × 10 calls",
        "streams/raise", "streams/lower", "soak/rpc", "soak/channel", "soak/idle",
        "scale/1000 concurrent large", "scale/10k concurrent deadlines", "tls/no-cert",
        "tls/wrong-ca", "tls/wrong-san", "tls/expired", "tls/rotated mid-connection",
        "tls/overlap", "backoff/540 s schedule", "garbage/every byte flipped",
        "garbage/every truncation", "order/server-speaks-first",
    ])
    func `the table has each id of the list`(id: String) throws {
        #expect(try Self.rows().contains { $0.name == id })
    }
}

extension StringProtocol {
    fileprivate func trimming(_ characters: String) -> String {
        trimmingCharacters(in: CharacterSet(charactersIn: characters))
    }
}
