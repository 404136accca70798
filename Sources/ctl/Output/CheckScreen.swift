import MeshAPI

/// Shows the findings of a check as they come.
struct CheckScreen {
    private let output: Output
    private var listing: Listing<Finding>
    private var counts: [String: Int] = [:]
    private let times = Times(isUTC: true)

    init(_ output: Output) {
        self.output = output
        listing = Listing(output)
    }

    func count(_ level: CheckLevel) -> Int { counts[level.word] ?? 0 }

    mutating func begin() throws(Failure) { try listing.begin(times) }

    mutating func show(_ findings: [Finding]) throws(Failure) {
        for finding in findings { counts[finding.level.word, default: 0] += 1 }
        guard output.format == .table else { return try listing.page(findings, times) }
        for finding in findings { try output.data(lines(finding)) }
    }

    mutating func end() throws(Failure) {
        let (ok, warnings, failures) = (count(.ok), count(.warning), count(.failure))
        switch output.format {
        case .table:
            try output.data(
                "\(counted(ok + warnings + failures, "check")): \(ok) ok, "
                    + "\(counted(warnings, "warning")), \(counted(failures, "failure"))\n")
        case .csv: break
        case .json:
            try listing.end(
                Array("{\"data\":[],\"warnings\":\(warnings),\"failures\":\(failures)}".utf8))
        }
    }

    private func counted(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }

    /// A mark, the area, the subject and the sentence; a hint on a line of its own.
    private func lines(_ finding: Finding) -> String {
        let mark = Cell(finding.level.mark, finding.level.style)
        let area = printable(finding.area)
        let gap = String(repeating: " ", count: max(14 - displayWidth(area), 1))
        var text = "\(output.isColoured ? coloured(mark) : mark.text) \(area)\(gap)"
        if !finding.subject.isEmpty { text += "\(printable(finding.subject)): " }
        text += printable(finding.message) + "\n"
        if !finding.hint.isEmpty, finding.level != .ok {
            text += String(repeating: " ", count: 16) + "hint: \(printable(finding.hint))\n"
        }
        return text
    }
}

extension CheckLevel {
    var mark: String {
        switch self {
        case .ok: "✓"
        case .warning: "‼"
        case .failure, .unrecognized: "✗"
        }
    }

    var style: Style {
        switch self {
        case .ok: .good
        case .warning: .warning
        case .failure, .unrecognized: .bad
        }
    }
}

extension Finding: Row {
    static let plural = "findings"
    static let columns = [
        Column("LEVEL"), Column("AREA"), Column("SUBJECT"), Column("MESSAGE", widthMax: 100),
        Column("HINT", widthMax: 100),
    ]
    static let fields = ["area", "subject", "level", "message", "hint"]

    func cells(_ times: Times) -> [Cell] {
        [Cell(level.word, level.style), Cell(area), Cell(subject), Cell(message), Cell(hint)]
    }

    func values(_ times: Times) -> [String] { [area, subject, level.word, message, hint] }
}
