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

    mutating func documentation(
        _ lines: [String], _ deprecated: String? = nil, marker: String = "///"
    ) {
        for text in lines { line(marker + text) }
        guard let deprecated else { return }
        if !lines.isEmpty { line(marker) }
        line("\(marker) Deprecated: \(deprecated)")
    }

    /// Prints a line, if it is not too long.
    mutating func fits(_ text: String) -> Bool {
        guard text.utf8.count <= width else { return false }
        line(text)
        return true
    }

    private var width: Int { 100 - indentation * 4 }

    /// Items in one line, or in as many as it takes: one step in and the closing on a line of its
    /// own, or behind the opening where they hang.
    mutating func wrapped(
        _ opening: String, _ items: [String], _ closing: String, hanging: Bool = false
    ) {
        if fits(opening + items.joined(separator: ", ") + closing) { return }
        let margin = hanging ? String(repeating: " ", count: opening.utf8.count) : "    "
        var current = hanging ? opening : margin
        if !hanging { line(opening) }
        for (index, item) in items.enumerated() {
            let isLast = index == items.count - 1
            let text = isLast ? item + (hanging ? closing : "") : item + ","
            let isFirst = current.utf8.count == margin.utf8.count
            let extended = isFirst ? current + text : current + " " + text
            if extended.utf8.count > width, !isFirst {
                line(current)
                current = margin + text
            } else {
                current = extended
            }
        }
        line(current)
        if !hanging { line(closing) }
    }
}
