/// Mistakes and warnings for programs: an array with an object for each.
enum DiagnosticsJSON {
    /// Without a new line at the end.
    static func text(
        _ diagnostics: [Diagnostic], _ source: (String) -> SourceText?
    ) -> String {
        let json = JSON.array(diagnostics.map { object($0, source) })
        return String(json.text.dropLast())
    }

    private static func object(
        _ diagnostic: Diagnostic, _ source: (String) -> SourceText?
    ) -> JSON {
        let text = source(diagnostic.path)
        var members: [JSON.Member] = [
            .init("rule", .string(diagnostic.rule.id)),
            .init("severity", .string(diagnostic.severity.rawValue)),
            .init("text", .string(diagnostic.text)),
        ]
        members += place(diagnostic.path, diagnostic.range, text)
        if let related = diagnostic.related {
            members.append(
                .init(
                    "related",
                    .object(
                        [.init("text", .string(related.text))]
                            + place(related.path, related.range, source(related.path)))))
        }
        if let fix = diagnostic.fix {
            members.append(
                .init(
                    "fix",
                    .object(
                        [.init("replacement", .string(fix.replacement))]
                            + place(diagnostic.path, fix.range, text))))
        }
        return .object(members)
    }

    /// Lines and columns count from 1, columns in bytes; the end is behind the last byte.
    private static func place(
        _ path: String, _ range: SourceRange, _ source: SourceText?
    ) -> [JSON.Member] {
        var members = [JSON.Member("path", .string(path))]
        guard let source else { return members }
        let (line, column) = source.position(range.start)
        let (endLine, endColumn) = source.position(range.end)
        members += [
            .init("line", .integer(line)), .init("column", .integer(column)),
            .init("endLine", .integer(endLine)), .init("endColumn", .integer(endColumn)),
        ]
        return members
    }
}
