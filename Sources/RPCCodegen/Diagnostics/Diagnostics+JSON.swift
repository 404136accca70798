import Foundation

extension Diagnostics {
    /// Mistakes for programs: a JSON array with an object for each, keys sorted.
    ///
    /// Lines and columns count from 1, columns and offsets in bytes, as in the text form; they are
    /// left out where the source is not known.
    static func json(
        _ diagnostics: [Diagnostic], source: (String) -> SourceText?
    ) -> String {
        let items = diagnostics.map { JSONDiagnostic($0, source) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(items) else { return "[]" }
        return String(decoding: data, as: UTF8.self)
    }
}

private struct JSONDiagnostic: Encodable {
    struct Position: Encodable {
        var line: Int?
        var column: Int?
        var offset: Int

        init(_ offset: Int, _ source: SourceText?) {
            self.offset = offset
            (line, column) = source.map { $0.position(offset) } ?? (nil, nil)
        }
    }

    struct Related: Encodable {
        var path: String
        var start: Position
        var end: Position
        var message: String
    }

    struct Fix: Encodable {
        var start: Position
        var end: Position
        var replacement: String
    }

    var id: String
    var severity: String
    var path: String
    var start: Position
    var end: Position
    var message: String
    var related: Related?
    var fix: Fix?
    var help: String

    init(_ diagnostic: Diagnostic, _ source: (String) -> SourceText?) {
        let text = source(diagnostic.path)
        id = diagnostic.rule.id
        severity = diagnostic.severity.rawValue
        path = diagnostic.path
        start = Position(diagnostic.range.start, text)
        end = Position(diagnostic.range.end, text)
        message = diagnostic.text
        related = diagnostic.related.map { related in
            let text = source(related.path)
            return Related(
                path: related.path, start: Position(related.range.start, text),
                end: Position(related.range.end, text), message: related.text)
        }
        fix = diagnostic.fix.map { fix in
            Fix(
                start: Position(fix.range.start, text), end: Position(fix.range.end, text),
                replacement: fix.replacement)
        }
        help = "RPCCodegen explain \(id)"
    }
}
