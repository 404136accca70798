// Messages, enums and services. A declaration whose head is right is kept whatever its body holds,
// so that its name is known to the rest of the file.

extension Parser {
    // MARK: Messages

    mutating func message(_ schema: inout SchemaSyntax) throws(Abandoned) -> MessageSyntax {
        let documentation = token.documentation
        advance()
        var message = MessageSyntax(
            documentation: documentation, name: try name("the name of the message"))
        try body("of `\(message.name.text)`") { (parser) throws(Abandoned) in
            if parser.isWord("reserved"), parser.nextToken.kind != .symbol(":") {
                try parser.reserved(&message.reserved)
            } else {
                message.fields.append(try parser.field())
            }
        }
        return message
    }

    private mutating func field() throws(Abandoned) -> FieldSyntax {
        let documentation = token.documentation
        let name = try name("the name of a field")
        try expect(":", "and a type behind the field's name")
        let type = try type()
        let isOptional = skip("?")
        try expect("=", "and the field's number")
        let number = try integer("a field number")
        let max = try max()
        return FieldSyntax(
            documentation: documentation, name: name, type: type, isOptional: isOptional,
            number: number, max: max)
    }

    private mutating func type() throws(Abandoned) -> TypeSyntax {
        let start = token.range
        if isWord("list"), nextToken.kind == .symbol("<") {
            advance()
            advance()
            if isWord("list"), nextToken.kind == .symbol("<") {
                throw fail("a list holds no lists; put the inner one in a message")
            }
            let element = try qualifiedName("the type of the elements")
            let max = try max()
            let end = token.range
            try expect(">", "behind the type of the elements")
            return .list(element, max, start.joined(with: end))
        }
        return .named(try qualifiedName("a type"))
    }

    /// `(max n)`, where it stands.
    private mutating func max() throws(Abandoned) -> IntegerSyntax? {
        guard skip("(") else { return nil }
        guard isWord("max") else {
            throw fail("`\(token.text)` is no limit; there is `max`, as in `(max 64)`")
        }
        advance()
        let value = try integer("a limit")
        try expect(")", "behind the limit")
        return value
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
                throw fail("the range ends before it begins", at: range)
            }
            reserved.append(.numbers(first.value...last.value, range))
        } while skip(",")
    }

    // MARK: Enums

    mutating func enumeration(_ schema: inout SchemaSyntax) throws(Abandoned) -> EnumSyntax {
        let documentation = token.documentation
        advance()
        var enumeration = EnumSyntax(
            documentation: documentation, name: try name("the name of the enum"))
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
                    number: try parser.integer("a number")))
        }
        return enumeration
    }

    // MARK: Services

    mutating func service(_ schema: inout SchemaSyntax) throws(Abandoned) -> ServiceSyntax {
        let documentation = token.documentation
        advance()
        var service = ServiceSyntax(
            documentation: documentation, name: try name("the name of the service"))
        try body("of `\(service.name.text)`") { (parser) throws(Abandoned) in
            service.methods.append(try parser.method())
        }
        return service
    }

    private mutating func method() throws(Abandoned) -> MethodSyntax {
        let documentation = token.documentation
        let name = try name("the name of a method")
        try expect("(", "and the request's type behind the method's name")
        let streamsRequests = skipStream()
        let request = try qualifiedName("the request's type")
        try expect(")", "behind the request's type")
        guard token.kind == .arrow else { throw expected("`->` and the response's type") }
        advance()
        let streamsResponses = skipStream()
        let response = try qualifiedName("the response's type")
        var method = MethodSyntax(
            documentation: documentation, name: name, streamsRequests: streamsRequests,
            request: request, streamsResponses: streamsResponses, response: response,
            range: name.range.joined(with: response.range))
        if isSymbol("{"), !token.startsLine { try annotations(&method) }
        return method
    }

    /// `stream` before a type; a message may be called so itself.
    private mutating func skipStream() -> Bool {
        guard isWord("stream"), nextToken.kind == .identifier else { return false }
        advance()
        return true
    }

    /// `{ deadline 5s, role a, b }`; a mistake in one annotation leaves the others alone.
    private mutating func annotations(_ method: inout MethodSyntax) throws(Abandoned) {
        advance()
        repeat {
            if isSymbol("}") { break }
            do throws(Abandoned) {
                try annotation(&method)
            } catch {
                method.isBroken = true
                while !isAtEnd, !token.startsLine, !isSymbol("}"), !isSymbol(",") { advance() }
            }
        } while skip(",")
        try expect("}", "behind the annotations")
    }

    private static let annotationNames = ["deadline", "idle", "role"]

    private mutating func annotation(_ method: inout MethodSyntax) throws(Abandoned) {
        let word = try name("an annotation")
        switch word.text {
        case "deadline":
            let deadline = try deadline()
            if method.deadline != nil {
                throw fail("the method has two deadlines", at: word.range)
            }
            method.deadline = deadline
        case "idle":
            let idle = try time("a time such as `60s`")
            if method.idle != nil {
                throw fail("the method has two idle limits", at: word.range)
            }
            method.idle = idle
        case "role":
            method.roles.append(try name("a role"))
            // What follows a comma is another role, unless it is an annotation.
            while isSymbol(","), nextToken.kind == .identifier,
                !Self.annotationNames.contains(nextToken.text),
                isListEnd(after: index + 1)
            {
                advance()
                method.roles.append(try name("a role"))
            }
        default:
            let hint = Names.suggestion(for: word.text, among: Self.annotationNames)
            throw fail(
                "`\(word.text)` is no annotation; there are `deadline`, `idle` and `role`\(hint)",
                at: word.range)
        }
    }

    private func isListEnd(after index: Int) -> Bool {
        guard index + 1 < tokens.count else { return false }
        let kind = tokens[index + 1].kind
        return kind == .symbol(",") || kind == .symbol("}")
    }

    /// `none`, or a time.
    private mutating func deadline() throws(Abandoned) -> MethodSyntax.Deadline {
        if isWord("none") {
            defer { advance() }
            return .open(token.range)
        }
        return .milliseconds(try time("a time such as `5s`, or `none`"))
    }

    /// A number with `ms`, `s`, `m` or `h`.
    private mutating func time(_ what: String) throws(Abandoned) -> TimeSyntax {
        let range = token.range
        guard token.kind == .number else { throw expected(what) }
        let text = token.text
        advance()
        let digits = text.prefix { $0.isNumber }
        let units: [Substring: Int64] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000]
        guard let unit = units[text.dropFirst(digits.count)] else {
            throw fail("`\(text)` has no unit; write `ms`, `s`, `m` or `h`", at: range)
        }
        guard let count = Int64(digits), count > 0, count <= 86_400_000 / unit else {
            throw fail("`\(text)` is not between 1ms and 24h", at: range)
        }
        return TimeSyntax(milliseconds: count * unit, range: range)
    }
}
