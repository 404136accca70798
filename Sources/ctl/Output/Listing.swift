import ServiceKit

/// Where a command's answer goes: data to standard output, everything else to standard error.
struct Output: Sendable {
    let format: Format
    /// Whether tables have all their columns.
    let isWide: Bool
    let hasHeaders: Bool
    let isQuiet: Bool
    let isColoured: Bool
    let isTerminal: Bool
    private let write: @Sendable (String, Terminal.Stream) -> Bool

    init(_ invocation: Invocation, _ surroundings: Surroundings) {
        format = invocation.value("--output").flatMap(Format.init) ?? .table
        isWide = invocation.value("--output") == Format.wide
        hasHeaders = !invocation.flag("--no-headers")
        isQuiet = invocation.flag("--quiet")
        isTerminal = surroundings.isTerminal
        let environment = surroundings.environment
        switch invocation.value("--color").flatMap(Colour.init) ?? .auto {
        case .always: isColoured = true
        case .never: isColoured = false
        case .auto:
            isColoured =
                isTerminal && (environment["NO_COLOR"] ?? "").isEmpty
                && environment["TERM"] != "dumb"
        }
        write = surroundings.write
    }

    /// Writes data.
    func data(_ text: String) throws(Failure) {
        if text.isEmpty { return }
        guard write(text, .standardOutput) else { throw .readerGone }
    }

    /// Asks something, on a line that the answer ends; also when nothing else is said.
    func ask(_ text: String) { _ = write(printable(text), .standardError) }

    /// Says something that is not data.
    func note(_ text: String) {
        if !isQuiet { _ = write("\(printable(text))\n", .standardError) }
    }
}

/// Writes a list in the format asked for, page after page.
struct Listing<Element: Row> {
    private let output: Output
    /// One object a line instead of one document, for lists that have no end.
    private let isOpenEnded: Bool
    private var table: Table
    private var isFirst = true

    init(_ output: Output, isOpenEnded: Bool = false) {
        self.output = output
        self.isOpenEnded = isOpenEnded
        table = Table(
            output.isWide ? Element.wideColumns : Element.columns, isColoured: output.isColoured,
            cuts: output.isTerminal,
            isOpenEnded: isOpenEnded)
    }

    mutating func begin(_ times: Times) throws(Failure) {
        switch output.format {
        case .table: if isOpenEnded { try page([], times) }
        case .csv: if output.hasHeaders { try output.data(csvLine(Element.fields)) }
        case .json: if !isOpenEnded { try output.data("{\"data\":[") }
        }
    }

    mutating func page(_ elements: [Element], _ times: Times) throws(Failure) {
        switch output.format {
        case .table:
            let titles = output.hasHeaders && isFirst && (isOpenEnded || !elements.isEmpty)
            let rows = elements.map { output.isWide ? $0.wideCells(times) : $0.cells(times) }
            try output.data(table.lines(rows, titles: titles))
            if titles || !elements.isEmpty { isFirst = false }
        case .csv:
            try output.data(elements.map { csvLine($0.values(times)) }.joined())
        case .json:
            var text = ""
            for element in elements {
                if !isOpenEnded, !isFirst { text += "," }
                isFirst = false
                text += String(decoding: element.json, as: UTF8.self)
                if isOpenEnded { text += "\n" }
            }
            try output.data(text)
        }
    }

    /// Ends the list.
    ///
    /// - Parameter document: The same answer in JSON with nothing in `data`; what stands behind
    ///   `data` is taken from it.
    func end(_ document: [UInt8]) throws(Failure) {
        switch output.format {
        case .table: if isFirst { output.note("no \(Element.plural)") }
        case .csv: break
        case .json:
            let rest = document.dropFirst("{\"data\":[".utf8.count)
            try output.data(String(decoding: rest, as: UTF8.self) + "\n")
        }
    }
}
