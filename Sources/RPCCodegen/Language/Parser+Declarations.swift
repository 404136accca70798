// Messages, enums and services. A declaration whose head is right is kept whatever its body holds,
// so that its name is known to the rest of the file.

extension Parser {
    // MARK: Messages

    mutating func message() throws(Abandoned) -> MessageSyntax {
        let documentation = token.documentation
        advance()
        var message = MessageSyntax(
            documentation: documentation, name: try name("the name of the message"))
        message.options = try options()
        // Nested messages stand on a stack of their own, so that no depth of them is too deep.
        var outer: [MessageSyntax] = []
        try expect("{", "of `\(message.name.text)`")
        while true {
            if isAtEnd {
                _ = fail(.openBody, "expected `}` of `\(message.name.text)`")
            } else if skip("}") {
                endLine()
            } else if isWord("message"), nextToken.kind == .identifier {
                if let inner = nestedMessage() {
                    outer.append(message)
                    message = inner
                }
                continue
            } else {
                element { (parser) throws(Abandoned) in try parser.member(&message) }
                continue
            }
            guard var parent = outer.popLast() else { return message }
            parent.messages.append(message)
            message = parent
        }
    }

    /// The head of a message inside another, up to its brace.
    private mutating func nestedMessage() -> MessageSyntax? {
        var inner: MessageSyntax?
        let before = index
        do throws(Abandoned) {
            let documentation = token.documentation
            advance()
            var head = MessageSyntax(
                documentation: documentation, name: try name("the name of the message"))
            head.options = try options()
            try expect("{", "of `\(head.name.text)`")
            inner = head
        } catch {
            if index == before { advance() }
            skipLine()
        }
        return inner
    }

    /// Behind the brace of a nested declaration a new line begins, or the outer brace stands.
    private mutating func endLine() {
        if isAtEnd || token.startsLine || isSymbol("}") { return }
        _ = missingNewLine()
        skipLine()
    }

    private mutating func member(_ message: inout MessageSyntax) throws(Abandoned) {
        if isWord("reserved"), nextToken.kind != .symbol(":") {
            try reserved(&message.reserved)
        } else if isWord("enum"), nextToken.kind == .identifier {
            message.enums.append(try enumeration())
        } else if isWord("oneof"), nextToken.kind == .identifier {
            try oneof(&message)
        } else {
            message.fields.append(try field())
        }
    }

    private mutating func oneof(_ message: inout MessageSyntax) throws(Abandoned) {
        let documentation = token.documentation
        advance()
        let name = try name("the name of the oneof")
        let index = message.oneofs.count
        message.oneofs.append(OneofSyntax(documentation: documentation, name: name))
        var fields: [FieldSyntax] = []
        defer { message.fields += fields }
        try body("of `\(name.text)`") { (parser) throws(Abandoned) in
            var field = try parser.field()
            field.oneof = index
            fields.append(field)
        }
    }

    private mutating func field() throws(Abandoned) -> FieldSyntax {
        let documentation = token.documentation
        let name = try name("the name of a field")
        try expect(":", "and a type behind the field's name")
        let type = try type()
        let question = token.range
        let optional = skip("?") ? question : nil
        try expect("=", "and the field's number")
        let number = try integer("a field number")
        return FieldSyntax(
            documentation: documentation, name: name, type: type, optional: optional,
            number: number, options: try options())
    }

    private mutating func type() throws(Abandoned) -> TypeSyntax {
        let start = token.range
        guard isContainer else { return .named(try qualifiedName("a type")) }
        let isMap = isWord("map")
        advance()
        advance()
        let first = try element(isMap ? "the type of the keys" : "the type of the elements")
        guard isMap else {
            let end = token.range
            try expect(">", "behind the type of the elements")
            return .list(first, start.joined(with: end))
        }
        try expect(",", "behind the type of the keys")
        let value = try element("the type of the values")
        let end = token.range
        try expect(">", "behind the type of the values")
        return .map(key: first, value: value, start.joined(with: end))
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
        return ElementSyntax(name: try qualifiedName(what), options: try options())
    }

    /// `reserved 4, 7...9, "oldName"`.
    private mutating func reserved(_ reserved: inout [ReservedSyntax]) throws(Abandoned) {
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
            guard first.value <= last.value else {
                throw fail(.reservedRange, "the range ends before it begins", at: range)
            }
            reserved.append(.numbers(first.value...last.value, range))
        } while skip(",")
    }

    // MARK: Options

    /// `(max 64, redact)`, where it stands.
    private mutating func options() throws(Abandoned) -> OptionsSyntax {
        var options = OptionsSyntax()
        guard skip("(") else { return options }
        repeat {
            try option(&options)
        } while skip(",")
        try expect(")", "behind the limit")
        return options
    }

    private mutating func option(_ options: inout OptionsSyntax) throws(Abandoned) {
        let word = token
        guard word.kind == .identifier, let name = OptionsSyntax.Name(rawValue: word.text) else {
            let names = OptionsSyntax.Name.allCases.map(\.rawValue)
            let nearest = Names.nearest(to: word.text, among: names)
            throw fail(
                .unknownOption,
                "`\(source.text(word.range))` is no option; there are `max`, `min`, `range`, "
                    + "`redact` and `deprecated`, as in `(max 64)`" + Names.question(nearest),
                fix: nearest.map { Diagnostic.Fix(range: word.range, replacement: $0) })
        }
        advance()
        if options.places.contains(where: { $0.name == name }) {
            throw fail(.optionTwice, "`\(name.rawValue)` stands here twice", at: word.range)
        }
        options.places.append((name, word.range))
        switch name {
        case .max: options.max = try integer("a limit")
        case .min: options.min = try integer("a limit")
        case .range: options.range = try numberRange()
        case .redact: options.redact = word.range
        case .deprecated: options.deprecated = try text("what to use instead, in quotes")
        }
    }

    private mutating func text(_ what: String) throws(Abandoned) -> StringSyntax {
        guard token.kind == .string else { throw expected(what) }
        defer { advance() }
        return StringSyntax(text: token.text, range: token.range)
    }

    private mutating func numberRange() throws(Abandoned) -> NumberRangeSyntax {
        let start = token.range
        let low = try number()
        guard token.kind == .ellipsis else { throw expected("`...` and the highest number") }
        advance()
        let end = token.range
        let high = try number()
        return NumberRangeSyntax(
            low: low, high: high,
            range: start.joined(with: end).joined(with: tokens[index - 1].range))
    }

    private mutating func number() throws(Abandoned) -> String {
        let sign = skip("-") ? "-" : ""
        guard token.kind == .number else { throw expected("a number") }
        defer { advance() }
        return sign + token.text
    }

    // MARK: Enums

    mutating func enumeration() throws(Abandoned) -> EnumSyntax {
        let documentation = token.documentation
        advance()
        var enumeration = EnumSyntax(
            documentation: documentation, name: try name("the name of the enum"))
        enumeration.options = try options()
        try body("of `\(enumeration.name.text)`") { (parser) throws(Abandoned) in
            if parser.isWord("reserved"), parser.nextToken.kind != .symbol("=") {
                try parser.reserved(&enumeration.reserved)
                return
            }
            let documentation = parser.token.documentation
            let name = try parser.name("the name of a value")
            try parser.expect("=", "and the value's number")
            enumeration.values.append(
                EnumValueSyntax(
                    documentation: documentation, name: name,
                    number: try parser.integer("a number"), options: try parser.options()))
        }
        return enumeration
    }

    // MARK: Services

    mutating func service() throws(Abandoned) -> ServiceSyntax {
        let documentation = token.documentation
        advance()
        var service = ServiceSyntax(
            documentation: documentation, name: try name("the name of the service"))
        service.options = try options()
        try body("of `\(service.name.text)`") { (parser) throws(Abandoned) in
            service.methods.append(try parser.method())
        }
        return service
    }
}
