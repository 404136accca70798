/// Compares schemas with their lock and says what a build should say of it.
struct LockCheck {
    let lock: LockFile
    let current: Promise
    /// Whether by the lock's level or not.
    let findings: [LockFinding]
    /// The path of the lock as messages show it.
    private let path: String
    private let places: LockPlaces
    /// The lock, line by line, and where it has what.
    private let lines: [String]
    private let lineOf: [LockSubject: Int]

    init(_ lock: LockFile, _ compilation: Compilation, _ paths: [String]) {
        self.lock = lock
        path = compilation.tree.displayed(LockFile.name)
        current = Promise(paths.compactMap { compilation.schemas[$0] })
        findings = LockComparison.findings(from: lock.promise, to: current)
        places = LockPlaces(paths.compactMap { compilation.syntax[$0] })
        let written = lock.lines
        lines = written.map(\.text)
        lineOf = Dictionary(
            written.enumerated().compactMap { index, line in line.subject.map { ($0, index) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// What fails a build, in the order of files and places.
    var failures: [LockFinding] { sorted { lock.level.fails($0.level) } }
    /// What is worth a look, and fails nothing.
    var advice: [LockFinding] { sorted { !$0.level.isFailing } }

    private func sorted(_ isWanted: (LockFinding) -> Bool) -> [LockFinding] {
        func key(_ finding: LockFinding) -> (String, Int, Int, String) {
            let place = places.find(finding.place)
            return (
                place?.source.path ?? "", place?.range.start ?? 0, finding.rule.rawValue,
                finding.text
            )
        }
        return findings.filter(isWanted).sorted { key($0) < key($1) }
    }

    /// How many lines of the lock are not what the schemas have now, or are missing.
    var linesBehind: Int {
        var counts: [String: Int] = [:]
        for line in LockFile(level: lock.level, promise: current).lines {
            counts[line.text, default: 0] += 1
        }
        for line in lines { counts[line, default: 0] -= 1 }
        return counts.reduce(0) { $1.key.isEmpty ? $0 : $0 + abs($1.value) }
    }

    // MARK: Messages

    /// The messages of a build; it fails when there are ``failures``.
    func messages() -> [String] {
        let failures = failures
        var messages = failures.map { render($0, "error") }
        messages += advice.map { render($0, "warning") }
        if failures.isEmpty, lock.promise != current {
            let count = linesBehind == 1 ? "1 line" : "\(linesBehind) lines"
            messages.append(
                "\(path):1:1: warning: the lock is behind the schemas by \(count), which it does "
                    + "not guard; bring it up to date with `RPCCodegen lock`")
        }
        return messages
    }

    /// `path:line:column: error: text [LOCK004]`, whom it hurts, and the line of the lock.
    func render(_ finding: LockFinding, _ kind: String) -> String {
        let text = "\(finding.text) [\(finding.rule.id)]"
        let place = places.find(finding.place)
        let source = place?.source
        var message = Diagnostic.render(
            source, source?.path ?? path, place?.range ?? SourceRange(start: 0, end: 0), kind, text)
        if let source, let range = place?.range {
            let (line, column) = source.position(range.start)
            message.append(
                "\(source.path):\(line):\(column): note: \(finding.level.rawValue): "
                    + "\(finding.rule.hurts); \(finding.remedy)")
        }
        if let index = lineOf[finding.promised] {
            message.append("\(path):\(index + 1):1: note: promised here")
            message.append(lines[index])
        }
        return message.joined(separator: "\n")
    }
}
