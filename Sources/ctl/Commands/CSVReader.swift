import ServiceKit

/// Reads comma-separated values as RFC 4180 has them; lines may end with a line feed alone.
enum CSVReader {
    struct Row: Sendable, Hashable {
        var fields: [String]
        /// The number of its first line.
        var line: Int
    }

    /// The rows that are not empty.
    static func rows(_ text: String, from file: String) throws(ConfigurationError) -> [Row] {
        var rows: [Row] = []
        var row = Row(fields: [], line: 1)
        var field = String.UnicodeScalarView()
        var line = 1
        var isQuoted = false
        var wasQuoted = false
        var scalars = Array(text.unicodeScalars)[...]
        // What spreadsheets write at the beginning.
        if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
        while let scalar = scalars.popFirst() {
            if scalar == "\n" { line += 1 }
            if isQuoted {
                guard scalar == "\"" else {
                    field.append(scalar)
                    continue
                }
                if scalars.first == "\"" {
                    scalars.removeFirst()
                    field.append(scalar)
                } else {
                    (isQuoted, wasQuoted) = (false, true)
                }
                continue
            }
            switch scalar {
            case "\"" where field.isEmpty && !wasQuoted: isQuoted = true
            case "\"": throw ConfigurationError("\(file):\(line): a quote inside of a field")
            case ",", "\n":
                row.fields.append(String(field))
                (field, wasQuoted) = (String.UnicodeScalarView(), false)
                guard scalar == "\n" else { continue }
                if row.fields != [""] { rows.append(row) }
                row = Row(fields: [], line: line)
            case "\r" where scalars.first == "\n": break
            default:
                guard !wasQuoted else {
                    throw ConfigurationError("\(file):\(line): text behind a quoted field")
                }
                field.append(scalar)
            }
        }
        guard !isQuoted else { throw ConfigurationError("\(file):\(row.line): a quote has no end") }
        row.fields.append(String(field))
        if row.fields != [""] { rows.append(row) }
        return rows
    }
}
