extension Catalogue {
    /// What `explain IDL042` prints.
    static func explanation(of rule: Rule) -> String {
        let entry = entry(of: rule)
        let parts = [
            "\(rule.id): \(entry.summary)", entry.explanation.trimmed, "Wrong:",
            entry.bad.indented, entry.bad.report(of: rule).indented, "Right:", entry.good.indented,
        ]
        return parts.joined(separator: "\n\n") + "\n"
    }

    /// docs/DIAGNOSTICS.md.
    static var page: String {
        var parts = [introduction]
        for group in groups {
            let rules = Rule.allCases.filter { group.rules.contains($0.rawValue) }
            let rows = rules.map { rule in
                "| [\(rule.id)](#\(rule.id.lowercased())) | \(entry(of: rule).summary) |"
            }
            parts.append("\n**\(group.name)**\n\n| rule | |\n|---|---|\n" + rows.lines)
        }
        for group in groups {
            parts.append("\n## \(group.name)\n")
            for rule in Rule.allCases where group.rules.contains(rule.rawValue) {
                let entry = entry(of: rule)
                parts.append(
                    """

                    ### \(rule.id)

                    **\(entry.summary)** \(entry.explanation.trimmed)

                    Wrong:

                    \(entry.bad.fenced)

                    ```
                    \(entry.bad.report(of: rule))
                    ```

                    Right:

                    \(entry.good.fenced)

                    """)
            }
        }
        return parts.joined()
    }

    private static let introduction = """
        # The mistakes that the schema compiler reports

        Made from the compiler's catalogue; `RPCCodegen explain IDL042` prints a rule's part of it.
        Each message ends with the number of the rule that the schema breaks. A number never
        changes, and that of a rule which is gone does not come back. The language itself is in
        [IDL.md](IDL.md).

        """
}

extension Catalogue.Example {
    /// A schema with bytes that are not UTF-8 has U+FFFD for each of them here.
    private static func bytes(_ text: String) -> [UInt8] {
        text.unicodeScalars.flatMap { $0 == "\u{FFFD}" ? [0xFF] : Array(String($0).utf8) }
    }

    func compile() -> Compilation {
        let contents = Dictionary(
            files.map { ($0.path, Self.bytes($0.text)) }, uniquingKeysWith: { first, _ in first })
        var compilation = Compilation(
            tree: SourceTree(
                read: { contents[$0] }, list: { contents.keys.sorted() }, displayed: { $0 }))
        if let main = files.first { compilation.load(main.path) }
        return compilation
    }

    /// The mistakes that compiling the first schema reports, with the rule's own first.
    func mistakes(of rule: Rule, _ compilation: Compilation) -> [Diagnostic] {
        guard rule == .brokenImport else { return compilation.diagnostics.sorted }
        return compilation.ownMistakes(files.prefix(1).map(\.path))
    }

    /// The mistakes as the compiler prints them.
    func report(of rule: Rule) -> String {
        let compilation = compile()
        return mistakes(of: rule, compilation)
            .map { $0.rendered { compilation.source(displayed: $0) } }.joined(separator: "\n")
    }

    /// For a terminal.
    fileprivate var indented: String {
        if files.count == 1 { return files.map(\.text.trimmed.indented).lines.trimmed }
        return files.map { "    \($0.path):\n\n\($0.text.trimmed.indented)" }
            .joined(separator: "\n\n")
    }

    /// For a page.
    fileprivate var fenced: String {
        files.map { file in
            let block = "```\n\(file.text.trimmed)\n```"
            return files.count == 1 ? block : "`\(file.path)`:\n\n\(block)"
        }.joined(separator: "\n\n")
    }
}

extension [String] {
    /// Each ended by a line end.
    fileprivate var lines: String { map { $0 + "\n" }.joined() }
}

extension String {
    /// Without the line ends behind it.
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last == "\n" { text.removeLast() }
        return String(text)
    }

    fileprivate var indented: String {
        split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "" : "    \($0)" }.joined(separator: "\n")
    }
}
