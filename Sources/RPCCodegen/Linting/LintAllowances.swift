/// Which rules the comments of a schema silence, and where.
///
/// `// lint:allow LINT004, LINT005` holds for its own line; where it has the line for itself, for
/// the next line that is no comment.
struct LintAllowances {
    private static let marker = "lint:allow"

    private let source: SourceText
    /// By line.
    private var rules: [Int: Set<LintRule>] = [:]
    /// Lines that have a comment and nothing else.
    private var commentLines: Set<Int> = []

    init(_ source: SourceText) {
        self.source = source
        for comment in FormatterInput(source)?.comments ?? [] {
            let (line, column) = source.position(comment.range.start)
            let before = source.line(line).prefix(column - 1)
            if before.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) {
                commentLines.insert(line)
            }
            let words = source.text(comment.range).drop { $0 == "/" }
                .split { $0 == " " || $0 == "\t" || $0 == "," }
            guard words.first == Self.marker[...] else { continue }
            rules[line] = Set(words.dropFirst().compactMap { LintRule(id: String($0)) })
        }
    }

    func allow(_ rule: LintRule, at range: SourceRange) -> Bool {
        var line = source.position(range.start).line
        if rules[line]?.contains(rule) == true { return true }
        while commentLines.contains(line - 1) {
            line -= 1
            if rules[line]?.contains(rule) == true { return true }
        }
        return false
    }
}
