import Foundation
import TestSupport

@testable import RPCCodegen

/// A change of a schema, and what the checker says of it.
struct LockCase: Sendable {
    let seed: UInt64
    let mutation: LockMutation
    let old: String
    let new: String
    let findings: [LockFinding]
    /// For `scripts/oracle/evolution.py`.
    let json: String

    /// The rules that fail a build of a level.
    func rules(_ level: BreakingLevel) -> Set<BreakingRule> {
        Set(findings.map(\.rule).filter { level.fails($0.level) })
    }

    /// Nil when the change gives no schema, or the same.
    init?(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var sample = LockSample(&random)
        let before = sample
        let mutation = LockMutation.allCases.random(&random)
        mutation.apply(to: &sample, &random)
        let compilations = [before, sample].map { TestTree($0.text).compile() }
        guard before.text != sample.text, compilations.allSatisfy(\.diagnostics.all.isEmpty),
            let old = Side(compilations[0]), let new = Side(compilations[1]),
            let locked = try? LockParser.parse(Array(LockFile(promise: old.promise).text.utf8))
        else { return nil }
        self.seed = seed
        self.mutation = mutation
        self.old = before.text
        self.new = sample.text
        findings = LockComparison.findings(from: locked.promise, to: new.promise)
        json = Self.json(old, new, findings)
    }

    private struct Side {
        let set: String
        let promise: Promise

        init?(_ compilation: Compilation) {
            guard let schema = compilation.schemas["test.rpc"] else { return nil }
            set = Data(DescriptorEmitter(compilation: compilation).set([schema]))
                .base64EncodedString()
            promise = Promise([schema])
        }

        var json: String { "{\"set\":\"\(set)\",\"limits\":\(limits)}" }

        private var limits: String {
            let messages = promise.messages.map { name, message in
                let fields = message.fields.values.map { "\"\($0.number)\":\($0.limitsJSON)" }
                return "\"\(name)\":{\(fields.joined(separator: ","))}"
            }
            return "{\(messages.joined(separator: ","))}"
        }
    }

    private static func json(_ old: Side, _ new: Side, _ findings: [LockFinding]) -> String {
        var pairs: Set<[String]> = []
        for name in old.promise.messages.keys {
            let now = new.promise.messages.keys.first { $0.name == name.name }
            if let now { pairs.insert(["\(name)", "\(now)"]) }
        }
        let methods = new.promise.services.values.first?.methods ?? [:]
        for (name, method) in old.promise.services.values.first?.methods ?? [:] {
            guard let now = methods[name] else { continue }
            pairs.insert(["\(method.request)", "\(now.request)"])
            pairs.insert(["\(method.response)", "\(now.response)"])
        }
        let list = pairs.sorted { $0.joined() < $1.joined() }
            .map { "[\"\($0.joined(separator: "\",\""))\"]" }.joined(separator: ",")
        return "{\"old\":\(old.json),\"new\":\(new.json),\"pairs\":[\(list)],"
            + "\"wire\":\(tries(.wire, findings)),\"json\":\(tries(.json, findings))}"
    }

    /// What is allowed should pass at once; what is not may need luck to be seen.
    private static func tries(_ level: BreakingLevel, _ findings: [LockFinding]) -> Int {
        let broken = findings.filter { level.fails($0.level) }
        if broken.isEmpty { return 5 }
        return broken.contains { visible.contains($0.rule) } ? 30 : 0
    }

    /// Rules whose loss values can show.
    ///
    /// Of the others some are about calls, and some about a later field that takes what is free.
    static let visible: Set<BreakingRule> = [
        .fieldRenumbered, .numberReused, .typeChanged, .typeNarrowed, .presenceChanged,
        .repetitionChanged, .oneofChanged, .limitTightened, .valueRenumbered, .fieldRenamed,
        .typeInJSON, .enumReplaced, .valueRenamed, .valueNameRemoved,
    ]
}

extension FieldPromise {
    fileprivate var limitsJSON: String {
        var parts = limit.json
        if type == .scalar(.uuid) { parts.append("\"uuid\":true") }
        if let countMax { parts.append("\"count\":\(countMax)") }
        if case .map(_, let keys) = cardinality {
            parts.append("\"key\":{\(keys.json.joined(separator: ","))}")
        }
        return "{\(parts.joined(separator: ","))}"
    }
}

extension ValueLimit {
    fileprivate var json: [String] {
        switch self {
        case .none: []
        case .length(let range): ["\"min\":\(range.lowerBound)", "\"max\":\(range.upperBound)"]
        case .range(let low, let high): ["\"low\":\(low)", "\"high\":\(high)"]
        }
    }
}
