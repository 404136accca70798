import Foundation
import TestSupport
import Testing

@testable import RPCCodegen

/// What the checker allows loses nothing, and what it refuses can.
///
/// Random schemas are changed at random; Google's protobuf plays a program built from the schema
/// before the change and one built from it after: `scripts/oracle/evolution.py`.
@Suite struct LockMutationTests {
    static let count = 300

    private struct Answer: Decodable {
        var wire: String?
        var json: String?
    }

    @Test func `what is allowed loses nothing, and what is refused can lose`() async throws {
        var cases: [LockCase] = []
        var seed: UInt64 = 1
        while cases.count < Self.count, seed < 10_000 {
            if let next = LockCase(seed: seed) { cases.append(next) }
            seed += 1
        }
        try #require(cases.count == Self.count)
        let answers = try await answers(to: cases)
        try #require(answers.count == cases.count)
        var shown: Set<BreakingRule> = []
        for (item, answer) in zip(cases, answers) {
            for (level, loss) in [(BreakingLevel.wire, answer.wire), (.json, answer.json)] {
                let rules = item.rules(level)
                if rules.isEmpty {
                    #expect(loss == nil, "\(level): \(item)")
                } else if loss != nil, rules.count == 1 {
                    shown.formUnion(rules)
                }
            }
        }
        let unseen = LockCase.visible.subtracting(shown).map(\.id)
        #expect(unseen.isEmpty, "nothing was lost where only these were broken: \(unseen)")
    }

    private func answers(to cases: [LockCase]) async throws -> [Answer] {
        let folder = try TemporaryDirectory()
        try cases.map { $0.json + "\n" }.joined()
            .write(toFile: folder.file("cases"), atomically: true, encoding: .utf8)
        let result = try await run(
            OracleTests.python,
            [
                "\(repositoryRoot)/scripts/oracle/evolution.py", folder.file("cases"),
                folder.file("answers"),
            ])
        try #require(result.status == 0, "\(result.standardOutput)\(result.standardError)")
        let decoder = JSONDecoder()
        return try String(contentsOfFile: folder.file("answers"), encoding: .utf8)
            .split(separator: "\n").map { try decoder.decode(Answer.self, from: Data($0.utf8)) }
    }
}

extension LockCase: CustomStringConvertible {
    var description: String {
        let rules = findings.map { "\($0.rule.id) \($0.text)" }.joined(separator: "\n")
        return "seed \(seed), \(mutation):\n\(rules)\n\(old)\n--- then ---\n\(new)"
    }
}
