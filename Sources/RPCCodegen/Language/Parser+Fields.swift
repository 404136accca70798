// Fields, their types and options, and reserved numbers.

extension Parser {
    mutating func field() throws(Abandoned) -> FieldSyntax {
        let documentation = token.documentation
        let name = try name("the name of a field")
        try expect(":", "and a type behind the field's name", before: [.identifier])
        let type = try type()
        let question = token.range
        let optional = skip("?") ? question : nil
        try expect("=", "and the field's number", before: [.number])
        let number = try integer("a field number")
        return FieldSyntax(
            documentation: documentation, name: name, type: type, optional: optional,
            number: number, options: options())
    }

    private mutating func type() throws(Abandoned) -> TypeSyntax {
        let start = token.range
        guard isContainer else { return .named(try qualifiedName("a type")) }
        let isMap = isWord("map")
        advance()
        advance()
        let first = try element(isMap ? "the type of the keys" : "the type of the elements")
        let ends: [Token.Kind] = [.symbol("="), .symbol("?")]
        guard isMap else {
            try expect(">", "behind the type of the elements", before: ends)
            return .list(first, start.joined(with: lastRange))
        }
        try expect(",", "behind the type of the keys", before: [.identifier])
        let value = try element("the type of the values")
        try expect(">", "behind the type of the values", before: ends)
        return .map(key: first, value: value, start.joined(with: lastRange))
    }

    /// Whether a list or map begins here; messages may be called so too.
    private var isContainer: Bool {
        (isWord("list") || isWord("map")) && nextToken.kind == .symbol("<")
    }

    private mutating func element(_ what: String) throws(Abandoned) -> ElementSyntax {
        if isContainer {
            throw fail(
                .nestedList,
                "lists and maps hold no lists and maps; put the inner one in a message")
        }
        return ElementSyntax(name: try qualifiedName(what), options: options())
    }

    /// `reserved 4, 7...9, "oldName"`.
    mutating func reserved(_ reserved: inout [ReservedSyntax]) throws(Abandoned) {
        advance()
        repeat {
            if token.kind == .string {
                reserved.append(.name(NameSyntax(text: token.text, range: token.range)))
                advance()
                continue
            }
            let first = try integer("a number or a name in quotes")
            guard token.kind == .ellipsis else {
                reserved.append(.numbers(first.value...first.value, first.range))
                continue
            }
            advance()
            let last = try integer("the last number of the range")
            let range = first.range.joined(with: last.range)
            if first.value > last.value {
                _ = fail(
                    .reservedRange, "the range ends before it begins", at: range,
                    fix: Diagnostic.Fix(
                        range: range, replacement: "\(last.value)...\(first.value)"))
                continue
            }
            reserved.append(.numbers(first.value...last.value, range))
        } while skip(",")
    }

    // MARK: Options

    /// `(max 64, redact)`, where it stands; a mistake in one option leaves the others alone.
    mutating func options() -> OptionsSyntax {
        var options = OptionsSyntax()
        let before = lastRange.end
        if !skip("(") {
            guard isOptionWithoutParenthesis else { return options }
            _ = expected("`(` before the options", insert: "(")
        }
        repeat {
            do throws(Abandoned) {
                try option(&options)
            } catch {
                options.isBroken = true
                skipOption(to: [",", ")"])
            }
        } while skip(",")
        if !skip(")") {
            _ = expected("`)` behind the limit", insert: ")")
            options.isBroken = true
            skipOption(to: [")"])
            _ = skip(")")
        }
        let whole = SourceRange(start: before, end: lastRange.end)
        for index in options.places.indices {
            let place = options.places[index].whole
            if options.places.count == 1 {
                options.places[index].removal = whole
            } else if index == 0 {
                let next = options.places[1].whole.start
                options.places[0].removal = SourceRange(start: place.start, end: next)
            } else {
                let before = options.places[index - 1].whole.end
                options.places[index].removal = SourceRange(start: before, end: place.end)
            }
        }
        return options
    }

    private var isOptionWithoutParenthesis: Bool {
        guard token.kind == .identifier, !token.startsLine,
            OptionsSyntax.Name(rawValue: token.text) != nil
        else { return false }
        let kinds: [Token.Kind] = [.number, .string, .symbol(")"), .symbol(","), .symbol("-")]
        return kinds.contains(nextToken.kind)
    }

    private mutating func skipOption(to symbols: [Character]) {
        let ends = symbols + [">", "=", "?", "{", "}"]
        while !isAtEnd, !token.startsLine, !ends.contains(where: { isSymbol($0) }) { advance() }
    }

    private mutating func option(_ options: inout OptionsSyntax) throws(Abandoned) {
        let word = token
        let names = OptionsSyntax.Name.allCases.map(\.rawValue)
        var name = word.kind == .identifier ? OptionsSyntax.Name(rawValue: word.text) : nil
        if name == nil {
            let nearest = Names.nearest(to: word.text, among: names)
            let abandoned = fail(
                .unknownOption,
                "`\(source.text(word.range))` is no option; there are `max`, `min`, `range`, "
                    + "`redact` and `deprecated`, as in `(max 64)`" + Names.question(nearest),
                fix: nearest.map { Diagnostic.Fix(range: word.range, replacement: $0) })
            name = nearest.flatMap { OptionsSyntax.Name(rawValue: $0) }
            guard word.kind == .identifier, name != nil else { throw abandoned }
        }
        guard let name else { return }
        advance()
        var written = options
        switch name {
        case .max: written.max = try integer("a limit")
        case .min: written.min = try integer("a limit")
        case .range: written.range = try numberRange()
        case .redact: written.redact = word.range
        case .deprecated: written.deprecated = try string("what to use instead, in quotes")
        }
        let whole = word.range.joined(with: lastRange)
        if options.places.contains(where: { $0.name == name }) {
            _ = fail(
                .optionTwice, "`\(name.rawValue)` stands here twice", at: word.range,
                fix: source.withComma(whole).map { Diagnostic.Fix(range: $0, replacement: "") })
            return
        }
        options = written
        options.places.append(
            OptionsSyntax.Place(name: name, range: word.range, whole: whole, removal: whole))
    }

    private mutating func numberRange() throws(Abandoned) -> NumberRangeSyntax {
        let start = token.range
        let low = try number()
        guard token.kind == .ellipsis else { throw expected("`...` and the highest number") }
        advance()
        let high = try number()
        return NumberRangeSyntax(low: low, high: high, range: start.joined(with: lastRange))
    }

    private mutating func number() throws(Abandoned) -> String {
        let sign = skip("-") ? "-" : ""
        guard token.kind == .number else { throw expected("a number") }
        defer { advance() }
        return sign + token.text
    }
}
