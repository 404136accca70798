/// A mistake in a schema, or a warning of the linter.
struct Diagnostic: Hashable, Sendable {
    enum Severity: String, Sendable {
        case error, warning
    }

    /// What it is against.
    enum Cause: Hashable, Sendable {
        case language(Rule)
        case lint(LintRule)

        var id: String {
            switch self {
            case .language(let rule): rule.id
            case .lint(let rule): rule.id
            }
        }
    }

    var rule: Cause
    var path: String
    var range: SourceRange
    var text: String
    /// Another place that the mistake is about, such as the first of two equal names.
    var related: Related?
    /// A change that would mend it.
    var fix: Fix?
    var severity = Severity.error

    /// What to put in the place of a range of bytes in the diagnostic's file.
    struct Fix: Hashable, Sendable {
        var range: SourceRange
        var replacement: String
    }

    struct Related: Hashable, Sendable {
        var path: String
        var range: SourceRange
        var text: String
    }
}

/// Collects every mistake, so that one run reports all of them.
struct Diagnostics {
    /// A file with more mistakes than this is no schema.
    static let countMax = 1000

    private(set) var all: [Diagnostic] = []

    mutating func report(
        _ rule: Rule, _ source: SourceText, _ range: SourceRange, _ text: String,
        related: Diagnostic.Related? = nil, fix: Diagnostic.Fix? = nil
    ) {
        let diagnostic = Diagnostic(
            rule: .language(rule), path: source.path, range: range, text: text, related: related,
            fix: fix)
        if all.count < Self.countMax, !all.contains(diagnostic) { all.append(diagnostic) }
    }

    /// In the order of files and places.
    var sorted: [Diagnostic] { all.inOrder }

    func contains(path: String) -> Bool { all.contains { $0.path == path } }
}

extension [Diagnostic] {
    /// In the order of files and places.
    var inOrder: [Diagnostic] {
        sorted { ($0.path, $0.range.start, $0.text) < ($1.path, $1.range.start, $1.text) }
    }
}

extension Diagnostic {
    /// `path:line:column: error: text [IDL042]`, the line and a caret; then the same of the related
    /// place.
    func rendered(_ source: (String) -> SourceText?) -> String {
        var lines = Self.render(
            source(path), path, range, severity.rawValue, "\(text) [\(rule.id)]")
        if let related {
            lines += Self.render(
                source(related.path), related.path, related.range, "note", related.text)
        }
        return lines.joined(separator: "\n")
    }

    /// A message with its line and a caret, or without where there is no text.
    static func render(
        _ source: SourceText?, _ path: String, _ range: SourceRange, _ kind: String,
        _ text: String
    ) -> [String] {
        guard let source else { return ["\(path): \(kind): \(text)"] }
        let (number, column) = source.position(range.start)
        let line = source.line(number)
        // The margin repeats the line's tabs, so that the caret stands under its character.
        var margin = ""
        for scalar in String(decoding: line.prefix(column - 1), as: UTF8.self).unicodeScalars {
            margin.unicodeScalars.append(scalar == "\t" ? "\t" : " ")
        }
        let marked = line.dropFirst(column - 1).prefix(Swift.max(range.end - range.start, 1))
        let width = String(decoding: marked, as: UTF8.self).unicodeScalars.count
        let caret = "^" + String(repeating: "~", count: Swift.max(width - 1, 0))
        return [
            "\(path):\(number):\(column): \(kind): \(text)",
            String(decoding: line, as: UTF8.self),
            margin + caret,
        ]
    }
}
