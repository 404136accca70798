/// Decides where lines begin and how deep they are indented, and writes the schema so.
///
/// It knows of the grammar what it needs to tell where an element of a body ends: a field, a
/// value, a method, a declaration.
struct FormatterLayout {
    /// The element that is being written.
    struct Element {
        enum State { case begun, ended, none }

        var state: State
        var count = 0
        /// Whether it has a `->`, so that its braces hold annotations.
        var hasArrow = false
    }

    /// Which empty lines of the input stay.
    enum Blanks { case kept, forced, dropped }

    let input: FormatterInput
    private(set) var output = FormatterOutput()
    private var depth = 0
    /// Round and angle brackets that are open.
    private var brackets = 0
    private var element = Element(state: .none)
    /// The first token of the element before, at the top level.
    private var previous: Int?

    init(_ input: FormatterInput) { self.input = input }

    mutating func run() {
        var index = 0
        while input.kind(index) != .end { index = place(index) }
        line(index, depth: 0)
        if !output.bytes.isEmpty { output.endLine() }
    }

    /// Writes a token, or the whole of a method's annotations; returns what is next.
    private mutating func place(_ index: Int) -> Int {
        switch input.kind(index) {
        case .symbol("}"):
            depth -= 1
            if element.state == .none, !input.hasComments(before: index) {
                join(index)
            } else {
                line(index, depth: depth, commentDepth: depth + 1)
            }
            element = Element(state: .ended)
        case .symbol("{") where element.hasArrow && !input.tokens[index].startsLine:
            annotations(index)
            element = Element(state: .ended)
            return input.closings[index] + 1
        case .symbol("{"):
            if beginsElement(index) { begin(index) } else { join(index, depth: depth) }
            depth += 1
            element = Element(state: .none)
        default:
            if beginsElement(index) { begin(index) } else { join(index, depth: depth + 1) }
            note(index)
        }
        return index + 1
    }

    /// Whether an element begins here, on a line of its own.
    private func beginsElement(_ index: Int) -> Bool {
        let startsLine = input.tokens[index].startsLine
        switch element.state {
        case .none: return true
        case .ended: return depth == 0 || startsLine
        case .begun: break
        }
        if input.kind(index) == .symbol("{") { return element.hasArrow }
        guard input.kind(index) == .identifier, brackets == 0, canEnd(index - 1) else {
            return false
        }
        if element.count == 1 { return startsLine && !isKeyword(index - 1) }
        return depth == 0 || startsLine
    }

    /// Whether the token may be the last of an element.
    private func canEnd(_ index: Int) -> Bool {
        switch input.kind(index) {
        case .number, .string, .symbol(")"), .symbol(">"), .symbol("?"): true
        case .identifier:
            !(input.tokens[index].text == "stream" && index > 0 && input.kind(index - 1) == .arrow)
        default: false
        }
    }

    /// Whether the token is a word that a name follows.
    private func isKeyword(_ index: Int) -> Bool {
        ["package", "message", "enum", "service", "oneof"].contains(input.tokens[index].text)
    }

    private func isImport(_ index: Int) -> Bool { input.tokens[index].text == "import" }

    private mutating func begin(_ index: Int) {
        var blanks = Blanks.kept
        if depth == 0 {
            if let previous, !(isImport(previous) && isImport(index)) { blanks = .forced }
            previous = index
        }
        line(index, depth: depth, blanks)
        element = Element(state: .begun)
    }

    /// Counts a token to its element.
    private mutating func note(_ index: Int) {
        if element.state != .begun { element = Element(state: .begun) }
        element.count += 1
        switch input.kind(index) {
        case .symbol("("), .symbol("<"): brackets += 1
        case .symbol(")"), .symbol(">"): brackets -= 1
        case .arrow where brackets == 0: element.hasArrow = true
        default: break
        }
    }

    // MARK: Annotations

    /// `{ deadline 5s, role a, b }` on the line where it begins, if it has room there and no
    /// comments; else each annotation on its own line.
    private mutating func annotations(_ open: Int) {
        let close = input.closings[open]
        join(open)
        let inside = open + 1...close
        if !inside.contains(where: input.hasComments), fits(inside) {
            for index in inside { join(index) }
            return
        }
        var first = open + 1
        var brackets = 0
        for index in open + 1..<close {
            if index == first || brackets == 0 && beginsAnnotation(index, behind: first) {
                first = index
                line(index, depth: depth + 1, .dropped)
            } else {
                join(index, depth: depth + 2)
            }
            switch input.kind(index) {
            case .symbol("("), .symbol("<"), .symbol("{"): brackets += 1
            case .symbol(")"), .symbol(">"), .symbol("}"): brackets -= 1
            default: break
            }
        }
        line(close, depth: depth, commentDepth: depth + 1, .dropped)
    }

    private func fits(_ tokens: ClosedRange<Int>) -> Bool {
        let width = tokens.reduce(output.column) { sum, index in
            sum + (isSpaced(index) ? 1 : 0) + FormatterOutput.width(text(index))
        }
        return tokens.count == 1 || width <= Formatter.columnMax
    }

    /// Whether an annotation begins here, rather than another role of the one before.
    private func beginsAnnotation(_ index: Int, behind first: Int) -> Bool {
        guard input.kind(index - 1) == .symbol(",") else { return false }
        let isLast = [.symbol(","), .symbol("}")].contains(input.kind(index + 1))
        return input.tokens[first].text != "role" || !isLast
            || Parser.annotationNames.contains(input.tokens[index].text)
    }

    // MARK: Writing

    /// Writes a token on the line of the one before, or on the next if a comment ends that.
    private mutating func join(_ index: Int, depth: Int = 0) {
        if input.hasComments(before: index) { return line(index, depth: depth, .dropped) }
        if isSpaced(index) { output.space() }
        output.append(text(index))
    }

    /// Writes a token on a line of its own, behind its comments.
    private mutating func line(
        _ index: Int, depth: Int, commentDepth: Int? = nil, _ blanks: Blanks = .kept
    ) {
        let gap = input.gaps[index]
        // Nothing empty stands at the beginning of the file or of a body.
        var isOpening = index == 0 || element.state == .none
        var isForced = blanks == .forced
        func isBlank(_ lineEnds: Int) -> Bool {
            isForced || lineEnds > 1 && blanks != .dropped && !isOpening
        }
        for comment in input.comments[gap.comments] {
            if comment.lineEnds == 0, index > 0 {
                output.space()
            } else {
                output.beginLine(
                    depth: commentDepth ?? depth, afterBlank: isBlank(comment.lineEnds))
                (isOpening, isForced) = (false, false)
            }
            output.append(input.source.bytes[comment.range.start..<comment.range.end])
        }
        guard input.kind(index) != .end else { return }
        let isClosing = input.kind(index) == .symbol("}")
        output.beginLine(depth: depth, afterBlank: !isClosing && isBlank(gap.lineEnds))
        output.append(text(index))
    }

    private func text(_ index: Int) -> ArraySlice<UInt8> {
        let range = input.tokens[index].range
        return input.source.bytes[range.start..<range.end]
    }

    /// Whether a space parts the token from the one before.
    private func isSpaced(_ index: Int) -> Bool {
        switch (input.kind(index - 1), input.kind(index)) {
        // These would become one token.
        case (.symbol("-"), .symbol(">")), (.symbol("."), .symbol(".")),
            (.symbol("."), .number),
            (.symbol("."), .ellipsis), (.ellipsis, .symbol(".")), (.ellipsis, .ellipsis):
            true
        case (.identifier, .symbol("(")): element.state != .begun || element.count > 1
        case (.symbol("-"), .number), (.symbol("{"), .symbol("}")): false
        case (_, .symbol(":")), (_, .symbol(",")), (_, .symbol(")")), (_, .symbol("<")),
            (_, .symbol(">")), (_, .symbol("?")), (_, .symbol(".")), (_, .ellipsis):
            false
        case (.symbol("("), _), (.symbol("<"), _), (.symbol("."), _), (.ellipsis, _): false
        default: true
        }
    }
}
