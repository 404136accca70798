/// Why a lock cannot be used, and where.
struct LockMistake: Error, Equatable {
    /// From 1.
    var line: Int
    var text: String
}

/// Reads `schema.lock`.
///
/// It takes only what ``LockFile`` writes, so that a line that was edited, doubled or left over
/// from a merge is not passed over.
struct LockParser {
    private let source: SourceText
    private let lines: [ArraySlice<Token>]
    /// What the references can be to.
    private var kinds: [TypeName: Scope.Kind] = [:]
    private var promise = Promise()

    static func parse(_ bytes: [UInt8]) throws(LockMistake) -> LockFile {
        var parser = try LockParser(SourceText(path: LockFile.name, bytes: bytes))
        return try parser.file()
    }

    private init(_ source: SourceText) throws(LockMistake) {
        self.source = source
        var diagnostics = Diagnostics()
        let tokens = Lexer.tokens(of: source, &diagnostics)
        if let first = diagnostics.sorted.first {
            throw LockMistake(line: source.position(first.range.start).line, text: first.text)
        }
        let starts = tokens.indices.filter { tokens[$0].startsLine }
        lines = zip(starts, starts.dropFirst()).map { tokens[$0..<$1] }
    }

    private func line(_ tokens: ArraySlice<Token>) -> LockLine {
        let start = tokens.first?.range.start ?? 0
        return LockLine(line: source.position(start).line, tokens: tokens, kinds: kinds)
    }

    private mutating func file() throws(LockMistake) -> LockFile {
        let level = try head()
        try readDeclarations()
        var current: (kind: Scope.Kind, name: TypeName)?
        for tokens in lines.dropFirst(2) {
            var line = line(tokens)
            if let next = try line.declaration() {
                current = next
            } else if let current {
                try member(of: current.name, current.kind, &line)
            } else {
                throw line.mistake("expected `message`, `enum` or `service`")
            }
            try line.end()
        }
        let file = LockFile(level: level, promise: promise)
        try checkText(file)
        return file
    }

    private func head() throws(LockMistake) -> BreakingLevel {
        guard let first = lines.first, first.startIndex == 0 else {
            throw LockMistake(line: 1, text: "expected `\(LockFile.name) \(LockFile.version)`")
        }
        var line = line(first)
        guard line.skip("schema"), line.skip("."), line.skip("lock"),
            let version = line.number()
        else { throw line.mistake("expected `\(LockFile.name) \(LockFile.version)`") }
        guard version == LockFile.version else {
            throw line.mistake(
                "this compiler reads version \(LockFile.version), not \(version)")
        }
        try line.end()
        guard lines.count > 1 else { throw line.mistake("expected a `level` behind this") }
        var second = self.line(lines[1])
        guard second.skip("level"), let word = second.word(),
            let level = BreakingLevel(rawValue: word), level.isFailing
        else { throw second.mistake("expected `level wire`, `level json` or `level source`") }
        try second.end()
        return level
    }

    /// The first pass: what there is, so that references can be looked up.
    private mutating func readDeclarations() throws(LockMistake) {
        for tokens in lines.dropFirst(2) {
            var line = line(tokens)
            guard let (kind, name) = try line.declaration() else { continue }
            if kinds[name] != nil { throw line.mistake("`\(name)` is here twice") }
            kinds[name] = kind
            switch kind {
            case .message: promise.messages[name] = MessagePromise()
            case .enumeration: promise.enums[name] = EnumPromise()
            case .service: promise.services[name] = ServicePromise()
            }
        }
    }

    private mutating func member(
        of name: TypeName, _ kind: Scope.Kind, _ line: inout LockLine
    ) throws(LockMistake) {
        switch kind {
        case .message:
            if try line.reserved(&promise.messages[name, default: .init()].reserved) { return }
            let field = try line.field()
            if promise.messages[name]?.fields.updateValue(field, forKey: field.number) != nil {
                throw line.mistake("field \(field.number) is here twice")
            }
        case .enumeration:
            if try line.reserved(&promise.enums[name, default: .init()].reserved) { return }
            guard let written = line.number(), let number = Int32(exactly: written),
                let value = line.word()
            else { throw line.mistake("expected a number and the name of a value") }
            if promise.enums[name]?.values.updateValue(value, forKey: number) != nil {
                throw line.mistake("value \(number) is here twice")
            }
        case .service:
            guard let method = line.word() else {
                throw line.mistake("expected the name of a method")
            }
            let value = try line.method()
            if promise.services[name]?.methods.updateValue(value, forKey: method) != nil {
                throw line.mistake("method `\(method)` is here twice")
            }
        }
    }

    /// What is not written as the compiler writes it was changed by something else.
    private func checkText(_ file: LockFile) throws(LockMistake) {
        let expected = file.text.split(separator: "\n", omittingEmptySubsequences: false)
        let found = String(decoding: source.bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard expected != found else { return }
        let index =
            zip(expected, found).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            ?? Swift.min(expected.count, found.count)
        let wanted = index < expected.count ? "`\(expected[index])`" : "the end of the file"
        throw LockMistake(line: index + 1, text: "expected \(wanted) here")
    }
}
