@testable import RPCCodegen

/// What the compiler says of a changed schema.
struct MutationOutcome {
    let diagnostics: [Diagnostic]
    /// Whether one of them points at the changed place or is excused.
    private(set) var isFound = false
    /// Whether the first of them does.
    private(set) var isFirst = false
    /// How often it is found only because it is excused.
    private(set) var isExcused = false
    let text: String
    private let changed: String

    init(_ mutation: Mutation, beside files: [String: String]) {
        changed = mutation.text
        var files = files
        files["test.rpc"] = mutation.text
        let tree = TestTree(files)
        let compilation = tree.compile()
        diagnostics = compilation.diagnostics.sorted
        let source = SourceText(path: "test.rpc", mutation.text)
        let place = Self.neighbourhood(mutation.place, source)
        let near = diagnostics.map { Self.isNear($0, place, source) }
        let hits = zip(near, diagnostics).map { $0 || Self.isExcused($1, mutation) }
        isExcused = !near.contains(true)
        isFound = hits.contains(true)
        isFirst = hits.first == true
        let line = source.position(mutation.place.start).line
        let shown = diagnostics.prefix(12)
            .map { $0.rendered { compilation.source(displayed: $0) } }.joined(separator: "\n")
        text =
            "\(mutation.kind) at line \(line), `\(mutation.old)` to "
            + "`\(source.text(mutation.place))`:\n"
            + String(decoding: source.line(line), as: UTF8.self) + "\n" + shown
    }

    /// Whether the first mistake that has a fix is gone when that is applied.
    func isMended(beside files: [String: String]) -> Bool {
        let mistake = diagnostics.first { $0.fix != nil && $0.path == "test.rpc" }
        guard let mistake, let fix = mistake.fix else { return true }
        let mended = TestTree(files.merging(["test.rpc": changed.applying(fix)]) { $1 })
        return !mended.compile().diagnostics.all.contains {
            $0.rule == mistake.rule && $0.text == mistake.text && $0.range == mistake.range
        }
    }

    /// The changed lines and the next lines with words before and behind them.
    private static func neighbourhood(_ place: SourceRange, _ source: SourceText) -> ClosedRange<
        Int
    > {
        var ignored = Diagnostics()
        let tokens = Lexer.tokens(of: source, &ignored)
        let first = source.position(place.start).line
        let last = source.position(place.end).line
        var (before, behind) = (first, last)
        for token in tokens {
            let line = source.position(token.range.start).line
            if line < first { before = line }
            if line > last {
                behind = line
                break
            }
        }
        return before...behind
    }

    private static func isNear(
        _ diagnostic: Diagnostic, _ lines: ClosedRange<Int>, _ source: SourceText
    ) -> Bool {
        var ranges: [SourceRange] = []
        if diagnostic.path == source.path {
            ranges += [diagnostic.range]
            if let fix = diagnostic.fix { ranges.append(fix.range) }
        }
        if let related = diagnostic.related, related.path == source.path {
            ranges.append(related.range)
        }
        return ranges.contains { range in
            let start = source.position(range.start).line
            let end = source.position(range.end).line
            return (start...max(start, end)).overlaps(lines)
        }
    }

    /// Where no place near the change can be known.
    private static func isExcused(_ diagnostic: Diagnostic, _ mutation: Mutation) -> Bool {
        // Only where a block ends can it be seen that a brace is missing or too many, and only of a
        // whole method that it has no role; the block or method is named then.
        if mutation.blocks.contains(where: { diagnostic.text.contains("`\($0)`") }) { return true }
        // Where a name is gone, only those who use it are wrong.
        return mutation.names.contains { diagnostic.text.contains($0) }
    }
}

extension String {
    /// With the text that a fix puts in.
    func applying(_ fix: Diagnostic.Fix) -> String {
        var bytes = Array(utf8)
        bytes.replaceSubrange(fix.range.start..<fix.range.end, with: Array(fix.replacement.utf8))
        return String(decoding: bytes, as: UTF8.self)
    }
}
