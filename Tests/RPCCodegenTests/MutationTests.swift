import Foundation
import TestSupport
import Testing

@testable import RPCCodegen

/// Every change that makes a schema wrong is reported where it was made.
@Suite struct MutationTests {
    private static let countPerSchema = 280
    private static let seed: UInt64 = 2026

    /// A valid schema and what it imports.
    struct Sample: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var beside: [String: String]
        var testDescription: String { name }
    }

    static let samples: [Sample] =
        [
            Sample(name: "small", text: MutationSamples.small, beside: [:]),
            Sample(name: "rich", text: MutationSamples.rich, beside: MutationSamples.beside),
            Sample(name: "routes", text: MutationSamples.routes, beside: MutationSamples.beside),
        ] + files("Schemas") + files("Tests/TestSchemas")

    private static func files(_ folder: String) -> [Sample] {
        let root = "\(repositoryRoot)/\(folder)"
        var files: [String: String] = [:]
        for path in FileManager.default.subpaths(atPath: root) ?? [] where path.hasSuffix(".rpc") {
            files[path] = try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
        }
        return files.sorted { $0.key < $1.key }.map { path, text in
            Sample(
                name: "\(folder)/\(path)", text: text, beside: files.filter { $0.key != path })
        }
    }

    /// What is allowed for one change: the uses of a name that is gone are reported each.
    private func countMax(_ mutation: Mutation) -> Int {
        let words = mutation.text.split { !$0.isLetter && !$0.isNumber }.map(String.init)
        return 8 + words.count { mutation.names.contains($0) }
    }

    @Test(arguments: samples)
    func `a change is reported where it was made, first and with few others`(
        _ sample: Sample
    ) throws {
        let files = sample.beside.merging(["test.rpc": sample.text]) { $1 }
        try #require(TestTree(files).mistakes() == "")
        let mutator = Mutator(sample.text)
        var random = SplitMix(seed: Self.seed)
        var (rejected, later, excused, count) = (0, 0, 0, 0)
        for round in 0..<Self.countPerSchema {
            let kind = Mutation.Kind.allCases[round % Mutation.Kind.allCases.count]
            guard let mutation = mutator.mutate(kind, &random) else { continue }
            let outcome = MutationOutcome(mutation, beside: sample.beside)
            if outcome.diagnostics.isEmpty { continue }
            rejected += 1
            count += outcome.diagnostics.count
            if !outcome.isFirst { later += 1 }
            if outcome.isExcused { excused += 1 }
            let trace = "seed \(Self.seed), round \(round) of \(sample.name): \(outcome.text)"
            #expect(outcome.isFound, "not where it was made: \(trace)")
            #expect(
                outcome.diagnostics.count <= countMax(mutation), "too much is reported: \(trace)")
            if round % 8 == 0 {
                #expect(outcome.isMended(beside: sample.beside), "not mended by its fix: \(trace)")
            }
        }
        #expect(rejected >= Self.countPerSchema / 2, "the changes are no mistakes any more")
        #expect(count < 2 * rejected, "\(count) diagnostics for \(rejected) changes")
        #expect(later * 100 <= rejected, "\(later) of \(rejected) are not reported first")
        #expect(excused * 10 <= rejected, "\(excused) of \(rejected) are far from their change")
    }

    @Test func `there are enough changes`() {
        #expect(Self.samples.count * Self.countPerSchema >= 3000)
    }
}
