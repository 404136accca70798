/// How a cell looks on a terminal with colour.
enum Style: String, Sendable {
    case plain = ""
    case good = "32"
    case warning = "33"
    case bad = "31"
    case faint = "2"
}

/// One field of a table.
struct Cell: Sendable, ExpressibleByStringLiteral {
    var text: String
    var style: Style

    init(_ text: String, _ style: Style = .plain) {
        self.text = text
        self.style = style
    }

    init(stringLiteral text: String) { self.init(text) }
}

/// A column's title, and how its cells stand.
struct Column: Sendable {
    var title: String
    var isNumber = false
    /// On a terminal longer texts are cut.
    var widthMax = 40
    /// The room left where the titles are shown before any row is known.
    var widthTypical = 0

    init(_ title: String, isNumber: Bool = false, widthMax: Int = 40, widthTypical: Int = 0) {
        self.title = title
        self.isNumber = isNumber
        self.widthMax = widthMax
        self.widthTypical = widthTypical
    }
}

/// Lays rows out in columns, page after page: a column grows when a later page needs it.
struct Table: Sendable {
    private let columns: [Column]
    private let isColoured: Bool
    private let cuts: Bool
    private var widths: [Int]

    /// - Parameters:
    ///   - columns: From left to right.
    ///   - isColoured: Whether styles are shown.
    ///   - cuts: Whether long texts are cut; for people, not for programs.
    ///   - isOpenEnded: Whether the titles come before the rows are known.
    init(_ columns: [Column], isColoured: Bool, cuts: Bool, isOpenEnded: Bool = false) {
        self.columns = columns
        self.isColoured = isColoured
        self.cuts = cuts
        widths = columns.map {
            max(displayWidth($0.title), isOpenEnded ? $0.widthTypical : 0)
        }
    }

    /// The next lines, with the titles above them or without.
    mutating func lines(_ rows: [[Cell]], titles: Bool) -> String {
        let rows = rows.map { row in
            zip(row, columns).map { cell, column in
                let text = printable(cell.text)
                return Cell(cuts ? truncated(text, to: column.widthMax) : text, cell.style)
            }
        }
        for row in rows {
            for (index, cell) in row.enumerated() {
                widths[index] = max(widths[index], displayWidth(cell.text))
            }
        }
        var text = ""
        if titles { text += line(columns.map { Cell($0.title) }) }
        for row in rows { text += line(row) }
        return text
    }

    private func line(_ cells: [Cell]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let gap = String(repeating: " ", count: widths[index] - displayWidth(cell.text))
            let text = isColoured ? coloured(cell) : cell.text
            if columns[index].isNumber {
                line += gap + text
            } else {
                line += index == cells.count - 1 ? text : text + gap
            }
            if index < cells.count - 1 { line += "  " }
        }
        while line.last == " " { line.removeLast() }
        return line + "\n"
    }
}

/// The cell's text in its colour.
func coloured(_ cell: Cell) -> String {
    if cell.style == .plain || cell.text.isEmpty { return cell.text }
    return "\u{1B}[\(cell.style.rawValue)m\(cell.text)\u{1B}[0m"
}

/// One line of comma-separated values (RFC 4180, with a plain line feed).
func csvLine(_ values: [String]) -> String {
    values.map { value in
        // Quoted where a reader could take it for structure; white space at the ends gets lost.
        let needsQuotes =
            value.utf8.contains { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }
            || value.first?.isWhitespace ?? false || value.last?.isWhitespace ?? false
        return needsQuotes ? "\"\(value.replacing("\"", with: "\"\""))\"" : value
    }.joined(separator: ",") + "\n"
}
