/// Collects lines and indents them.
struct Printer {
    private var lines: [String] = []
    private var indentation = 0

    var text: String { lines.joined(separator: "\n") + "\n" }

    /// A line, or with no text an empty one.
    mutating func line(_ text: String = "") {
        lines.append(text.isEmpty ? "" : String(repeating: "    ", count: indentation) + text)
    }

    /// `opening {`, what `body` prints, one step in, and `}`.
    mutating func block(_ opening: String, _ body: (inout Printer) -> Void) {
        line(opening + " {")
        indented(body)
        line("}")
    }

    mutating func indented(_ body: (inout Printer) -> Void) {
        indentation += 1
        body(&self)
        indentation -= 1
    }

    mutating func documentation(_ lines: [String], marker: String = "///") {
        for text in lines { line(marker + text) }
    }
}
