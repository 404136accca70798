// Methods and the list of their annotations.

extension Parser {
    mutating func method() throws(Abandoned) -> MethodSyntax {
        let head = token
        let name = try name("the name of a method")
        try expect(
            "(", "and the request's type behind the method's name", before: [.identifier])
        let streamsRequests = skipStream()
        let request = try qualifiedName("the request's type")
        try expect(")", "behind the request's type", before: [.arrow])
        if token.kind == .arrow {
            advance()
        } else {
            let abandoned = expected("`->` and the response's type", insert: "->")
            guard token.kind == .identifier, !token.startsLine else { throw abandoned }
        }
        let streamsResponses = skipStream()
        let response = try qualifiedName("the response's type")
        var method = MethodSyntax(
            documentation: head.documentation, name: name, streamsRequests: streamsRequests,
            request: request, streamsResponses: streamsResponses, response: response,
            range: name.range.joined(with: response.range))
        if isSymbol("{"), !token.startsLine {
            method.open = token.range
            advance()
            annotations(&method, head)
        } else if isAnnotation, !token.startsLine {
            _ = expected("`{` before the annotations", insert: "{")
            annotations(&method, head)
        }
        return method
    }

    /// `stream ` before a type; a message may be called so itself.
    private mutating func skipStream() -> Bool {
        guard isWord("stream"), nextToken.kind == .identifier else { return false }
        advance()
        return true
    }

    /// `deadline 5s, role a, b }`; a mistake in one annotation leaves the others alone.
    private mutating func annotations(_ method: inout MethodSyntax, _ head: Token) {
        let block = Block(name: method.name, indentation: head.indentation, isSpread: true)
        while !skip("}") {
            if endsAnnotations(block) {
                _ = expected("`}` behind the annotations", insert: "}")
                method.isBroken = true
                return
            }
            let start = index
            elementStart = index
            do throws(Abandoned) {
                try annotation(&method)
                if skip(",") || isSymbol("}") || endsAnnotations(block) { continue }
                let abandoned = expected(
                    isAnnotation ? "`,` between two annotations" : "`}` behind the annotations",
                    insert: isAnnotation ? "," : nil)
                if isAnnotation { continue }
                throw abandoned
            } catch {
                method.isBroken = true
                if index == start { advance() }
                skipAnnotation(block)
                lose(from: start)
            }
        }
    }

    /// Whether what stands here is no annotation: the file ends, or the next method begins.
    private func endsAnnotations(_ block: Block) -> Bool {
        if isAtEnd || isSymbol("{") && token.startsLine { return true }
        if token.startsLine, nextToken.kind == .symbol("(") { return true }
        guard trustsIndentation, token.startsLine else { return false }
        return isOutside(block)
    }

    /// Goes to the next annotation, or to the end of the list.
    private mutating func skipAnnotation(_ block: Block) {
        while !isAtEnd, !isSymbol("}"), !endsAnnotations(block) {
            if isAnnotation { return }
            // Behind a comma, one with a value; others are rather what is left of a list.
            let isBehindComma = tokens[index - 1].kind == .symbol(",")
            if isBehindComma, token.kind == .identifier, !isListEnd(after: index) { return }
            advance()
        }
    }

    /// Whether a word that begins an annotation stands here.
    private var isAnnotation: Bool {
        token.kind == .identifier && Self.annotationNames.contains(token.text)
    }

    func isListEnd(after index: Int) -> Bool {
        guard index + 1 < tokens.count else { return false }
        let kind = tokens[index + 1].kind
        return kind == .symbol(",") || kind == .symbol("}")
    }
}
