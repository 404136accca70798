@testable import RPCCodegen
import TestSupport

/// A valid schema with one change, and where that is.
struct Mutation {
    enum Kind: CaseIterable {
        case deleteToken, duplicateToken, swapTokens, misspellWord, changeNumber
        case deleteLine, duplicateLine, deleteCloser
        case renameDeclaration, unknownType, removeRole, removeDeadline, removeImport
    }

    var kind: Kind
    /// The changed schema.
    var text: String
    /// The changed place, in the changed schema.
    var place: SourceRange
    /// What was changed.
    var old: String
    /// The declarations and methods whose braces were changed, and those around them; the method
    /// that has lost an annotation.
    var blocks: Set<String>
    /// Names that were changed and that other places may use.
    var names: Set<String>
}

/// Makes mutations of one schema.
struct Mutator {
    private let source: SourceText
    private let tokens: [Token]
    /// For each brace, the names of what is open there, its own among them.
    private var blocks: [Int: [String]] = [:]

    init(_ text: String) {
        source = SourceText(path: "test.rpc", text)
        var diagnostics = Diagnostics()
        tokens = Lexer.tokens(of: source, &diagnostics).dropLast()
        var open: [String] = []
        for (index, token) in tokens.enumerated() {
            if token.kind == .symbol("{") {
                open.append(name(before: index))
                blocks[index] = open
            } else if token.kind == .symbol("}") {
                blocks[index] = open
                _ = open.popLast()
            }
        }
    }

    /// Of the declaration or method that a brace belongs to.
    private func name(before brace: Int) -> String {
        var index = brace - 1
        while index > 0, !tokens[index].startsLine { index -= 1 }
        let keywords = ["message", "enum", "service", "oneof"]
        let isDeclaration = keywords.contains(tokens[index].text)
        return tokens[isDeclaration ? index + 1 : index].text
    }

    // MARK: Changes

    /// Nil where the schema has nothing to change so.
    func mutate(_ kind: Mutation.Kind, _ random: inout SplitMix) -> Mutation? {
        switch kind {
        case .deleteToken:
            return any(&random) { _ in true }.map { replace($0, kind, "") }
        case .deleteCloser:
            let closers: [Token.Kind] = [.symbol("}"), .symbol(")"), .symbol(">")]
            return any(&random) { closers.contains(tokens[$0].kind) }.map { replace($0, kind, "") }
        case .duplicateToken:
            return any(&random) { _ in true }.map {
                let word = source.text(tokens[$0].range)
                return replace($0, kind, word + " " + word)
            }
        case .swapTokens:
            return any(&random) { $0 + 1 < tokens.count }.flatMap { swap($0) }
        case .misspellWord:
            return any(&random) { tokens[$0].kind == .identifier }.map {
                replace($0, kind, misspelt(tokens[$0].text, &random))
            }
        case .changeNumber:
            let numbers = tokens.filter { $0.kind == .number }.map(\.text)
            let number =
                ([numbers.randomElement(using: &random) ?? "1"]
                + ["0", "4294967296", "19000", "99999999999999999999"])
                .randomElement(using: &random) ?? "0"
            return any(&random) { tokens[$0].kind == .number }.map { replace($0, kind, number) }
        case .deleteLine, .duplicateLine:
            return line(kind, &random)
        case .renameDeclaration:
            let keywords = ["message", "enum", "service"]
            return any(&random) {
                $0 > 0 && tokens[$0].kind == .identifier && !tokens[$0].startsLine
                    && keywords.contains(tokens[$0 - 1].text)
                    && tokens[$0 - 1].kind == .identifier
            }.map {
                replace(
                    $0, kind, ["Renamed", "lower", "Result"].randomElement(using: &random) ?? "")
            }
        case .unknownType:
            return any(&random) {
                $0 > 0 && tokens[$0].kind == .identifier
                    && [.symbol(":"), .symbol("<"), .arrow].contains(tokens[$0 - 1].kind)
            }.map { replace($0, kind, "Nowhere") }
        case .removeRole:
            return annotation("role", kind, &random)
        case .removeDeadline:
            return annotation("deadline", kind, &random)
        case .removeImport:
            return any(&random) {
                tokens[$0].kind == .string && $0 > 0 && tokens[$0 - 1].text == "import"
            }.map { remove($0 - 1...$0, kind) }
        }
    }

    private func any(
        _ random: inout SplitMix, _ condition: (Int) -> Bool
    ) -> Int? {
        tokens.indices.filter(condition).randomElement(using: &random)
    }

    private func make(
        _ kind: Mutation.Kind, _ range: SourceRange, _ replacement: String,
        _ indices: ClosedRange<Int>
    ) -> Mutation {
        let bytes =
            source.bytes[..<range.start] + Array(replacement.utf8) + source.bytes[range.end...]
        let isWhole = kind == .deleteLine || kind == .swapTokens
        let names = indices.filter { tokens[$0].kind == .identifier && (isWhole || isDeclared($0)) }
            .map { tokens[$0].text }
        return Mutation(
            kind: kind, text: String(decoding: bytes, as: UTF8.self),
            place: SourceRange(
                start: range.start, end: range.start + replacement.utf8.count),
            old: source.text(range), blocks: Set(indices.flatMap { blocks[$0] ?? [] }),
            names: Set(names))
    }

    /// Whether a word is the name of a declaration or field, or part of the package.
    private func isDeclared(_ index: Int) -> Bool {
        let keywords = ["message", "enum", "service", "oneof"]
        if index > 0, keywords.contains(tokens[index - 1].text) { return true }
        var first = index
        while first > 0, !tokens[first].startsLine { first -= 1 }
        if tokens[first].text == "package" { return true }
        return first == index && index + 1 < tokens.count && tokens[index + 1].kind == .symbol(":")
    }

    private func replace(_ index: Int, _ kind: Mutation.Kind, _ text: String) -> Mutation {
        make(kind, tokens[index].range, text, index...index)
    }

    private func remove(_ indices: ClosedRange<Int>, _ kind: Mutation.Kind) -> Mutation {
        let range = tokens[indices.lowerBound].range.joined(with: tokens[indices.upperBound].range)
        return make(kind, range, "", indices)
    }

    private func swap(_ index: Int) -> Mutation? {
        let (left, right) = (tokens[index].range, tokens[index + 1].range)
        let gap = source.text(SourceRange(start: left.end, end: right.start))
        // A comment between them would swallow what follows it.
        if gap.contains("/") || source.text(left) == source.text(right) { return nil }
        return make(
            .swapTokens, left.joined(with: right),
            source.text(right) + gap + source.text(left), index...index + 1)
    }

    /// An annotation and the comma behind or before it.
    private func annotation(
        _ word: String, _ kind: Mutation.Kind, _ random: inout SplitMix
    ) -> Mutation? {
        let starts: [Token.Kind] = [.symbol("{"), .symbol(",")]
        return any(&random) {
            $0 > 0 && tokens[$0].text == word && starts.contains(tokens[$0 - 1].kind)
                && (tokens[$0 - 1].kind == .symbol(",") || tokens[$0 - 2].kind == .identifier)
        }.flatMap { start in
            var end = start + 1
            while end + 1 < tokens.count, tokens[end + 1].kind != .symbol("}"),
                tokens[end + 1].kind != .symbol(",")
                    || ["role", "deadline", "idle", "safe", "idempotent", "get", "post"]
                        .contains(tokens[end + 2].text) == false
            { end += 1 }
            let isFollowed = tokens[end + 1].kind == .symbol(",")
            let isLed = !isFollowed && tokens[start - 1].kind == .symbol(",")
            var mutation = remove(start - (isLed ? 1 : 0)...end + (isFollowed ? 1 : 0), kind)
            // What lacks it is the method, which may begin some lines before.
            let brace = tokens[..<start].lastIndex { $0.kind == .symbol("{") }
            if let method = brace.flatMap({ blocks[$0]?.last }) { mutation.blocks.insert(method) }
            return mutation
        }
    }

    private func line(_ kind: Mutation.Kind, _ random: inout SplitMix) -> Mutation? {
        guard let index = any(&random, { tokens[$0].startsLine }) else { return nil }
        let number = source.position(tokens[index].range.start).line
        let line = source.line(number)
        let range = SourceRange(start: line.startIndex, end: line.endIndex)
        let text = source.text(range)
        var last = index
        while last + 1 < tokens.count, !tokens[last + 1].startsLine { last += 1 }
        return make(
            kind, range, kind == .deleteLine ? "" : text + "\n" + text, index...last)
    }

    private func misspelt(_ word: String, _ random: inout SplitMix) -> String {
        var letters = Array(word)
        let index = Int.random(in: letters.indices, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0 where letters.count > 1: letters.remove(at: index)
        case 1 where index > 0: letters.swapAt(index - 1, index)
        default: letters.insert(letters[index], at: index)
        }
        return String(letters)
    }
}
