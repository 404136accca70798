// Messages, enums and services. A declaration whose head is right is kept whatever its body holds,
// so that its name is known to the rest of the file.

extension Parser {
    // MARK: Messages

    /// How deep messages may be nested.
    static let depthMax = 16

    mutating func message(_ messages: inout [MessageSyntax]) throws(Abandoned) {
        // Nested messages stand on a stack of their own, so that no depth of them is too deep.
        var outer: [(MessageSyntax, Block)] = []
        var (message, block) = try messageHead(&messages)
        while true {
            if ends(block) {
                guard let parent = outer.popLast() else { break }
                let inner = message
                (message, block) = parent
                message.messages.append(inner)
                if !endLine() { message.isBroken = true }
            } else if isWord("message"), nextToken.kind == .identifier {
                let start = index
                do throws(Abandoned) {
                    if outer.count + 1 == Self.depthMax {
                        throw fail(
                            .nestedTooDeep,
                            "messages are nested at most \(Self.depthMax) deep; "
                                + "declare this one further out")
                    }
                    let inner = try messageHead(&message.messages)
                    outer.append((message, block))
                    (message, block) = inner
                } catch {
                    skipElement(from: start)
                    message.isBroken = true
                }
            } else {
                let isWhole = element { (parser) throws(Abandoned) in
                    try parser.member(&message)
                }
                if !isWhole { message.isBroken = true }
            }
        }
        messages.append(message)
    }

    /// Up to the brace; a message without one is kept, but reading goes on elsewhere.
    private mutating func messageHead(
        _ messages: inout [MessageSyntax]
    ) throws(Abandoned) -> (MessageSyntax, Block) {
        let head = token
        advance()
        var message = MessageSyntax(
            documentation: head.documentation, name: try name("the name of the message"))
        message.options = options()
        guard let block = open(message.name, head) else {
            message.isBroken = true
            messages.append(message)
            throw Abandoned()
        }
        return (message, block)
    }

    private mutating func member(_ message: inout MessageSyntax) throws(Abandoned) {
        if isWord("reserved"), nextToken.kind != .symbol(":") {
            try reserved(&message.reserved)
        } else if isWord("enum"), nextToken.kind == .identifier {
            try enumeration(&message.enums)
        } else if isWord("oneof"), nextToken.kind == .identifier {
            try oneof(&message)
        } else {
            message.fields.append(try field())
        }
    }

    private mutating func oneof(_ message: inout MessageSyntax) throws(Abandoned) {
        let head = token
        advance()
        let name = try name("the name of the oneof")
        let index = message.oneofs.count
        message.oneofs.append(OneofSyntax(documentation: head.documentation, name: name))
        guard let block = open(name, head) else {
            message.oneofs[index].isBroken = true
            throw Abandoned()
        }
        var fields: [FieldSyntax] = []
        let isWhole = body(block) { (parser) throws(Abandoned) in
            var field = try parser.field()
            field.oneof = index
            fields.append(field)
        }
        message.fields += fields
        if !isWhole {
            message.oneofs[index].isBroken = true
            message.isBroken = true
        }
    }

    // MARK: Enums

    mutating func enumeration(_ enums: inout [EnumSyntax]) throws(Abandoned) {
        let head = token
        advance()
        var enumeration = EnumSyntax(
            documentation: head.documentation, name: try name("the name of the enum"))
        enumeration.options = options()
        guard let block = open(enumeration.name, head) else {
            enumeration.isBroken = true
            enums.append(enumeration)
            throw Abandoned()
        }
        if tokens[index - 1].kind == .symbol("{") { enumeration.open = lastRange }
        let isWhole = body(block) { (parser) throws(Abandoned) in
            if parser.isWord("reserved"), parser.nextToken.kind != .symbol("=") {
                try parser.reserved(&enumeration.reserved)
                return
            }
            let documentation = parser.token.documentation
            let name = try parser.name("the name of a value")
            try parser.expect("=", "and the value's number", before: [.number, .symbol("-")])
            enumeration.values.append(
                EnumValueSyntax(
                    documentation: documentation, name: name,
                    number: try parser.integer("a number"), options: parser.options()))
        }
        if !isWhole { enumeration.isBroken = true }
        enums.append(enumeration)
    }

    // MARK: Services

    mutating func service(_ services: inout [ServiceSyntax]) throws(Abandoned) {
        let head = token
        advance()
        var service = ServiceSyntax(
            documentation: head.documentation, name: try name("the name of the service"))
        service.options = options()
        guard let block = open(service.name, head) else {
            services.append(service)
            throw Abandoned()
        }
        _ = body(block) { (parser) throws(Abandoned) in
            service.methods.append(try parser.method())
        }
        services.append(service)
    }
}
