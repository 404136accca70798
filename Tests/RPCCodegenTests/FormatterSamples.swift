import Foundation
import TestSupport

@testable import RPCCodegen

/// Schemas to format, and what must not change when they are.
enum FormatterSamples {
    /// Every schema of the repository, and the example of docs/IDL.md.
    static func schemas() throws -> [(path: String, text: String)] {
        var result: [(path: String, text: String)] = []
        for folder in ["Schemas", "Sources", "Tests"] {
            let paths = FileManager.default.subpaths(atPath: "\(repositoryRoot)/\(folder)") ?? []
            for path in paths.sorted() where path.hasSuffix(".rpc") {
                let path = "\(folder)/\(path)"
                let text = try String(
                    contentsOfFile: "\(repositoryRoot)/\(path)", encoding: .utf8)
                result.append((path, text))
            }
        }
        let document = try String(
            contentsOfFile: "\(repositoryRoot)/docs/IDL.md", encoding: .utf8)
        let blocks = document.components(separatedBy: "```\n")
        if blocks.count > 1 { result.append(("docs/IDL.md", blocks[1])) }
        return result
    }

    // MARK: What must not change

    /// A token without its place.
    struct Word: Equatable {
        var kind: Token.Kind
        var text: String
        var documentation: [String]
    }

    static func words(of text: String) -> [Word] {
        var diagnostics = Diagnostics()
        return Lexer.tokens(of: SourceText(path: "test.rpc", text), &diagnostics).map {
            Word(kind: $0.kind, text: $0.text, documentation: $0.documentation.map(trimmed))
        }
    }

    /// The comments in their order, without trailing blanks.
    static func comments(of text: String) -> [String] {
        text.utf8.split(separator: UInt8(ascii: "\n")).compactMap { line in
            var isString = false
            for index in line.indices {
                if line[index] == UInt8(ascii: "\"") { isString.toggle() }
                if !isString, line[index] == UInt8(ascii: "/") {
                    return trimmed(String(decoding: line[index...], as: UTF8.self))
                }
            }
            return nil
        }
    }

    private static func trimmed(_ text: String) -> String {
        var text = text.unicodeScalars[...]
        while let last = text.last, [" ", "\t", "\r"].contains(last) { text.removeLast() }
        return String(text)
    }

    // MARK: Changes

    /// The schema with other blanks, and with line breaks inside elements; where comments are
    /// wanted, also with comments and with more empty lines.
    static func respaced(
        _ text: String, _ random: inout SplitMix, comments: Bool = false
    ) -> String {
        let source = SourceText(path: "test.rpc", text)
        var diagnostics = Diagnostics()
        let tokens = Lexer.tokens(of: source, &diagnostics)
        var result = ""
        var end = 0
        for (index, token) in tokens.enumerated() {
            let gap = source.text(SourceRange(start: end, end: token.range.start))
            if gap.contains("\n") {
                result += lines(gap, &random, comments)
            } else {
                // Annotations begin on the line of their method.
                let mayBreak = token.kind != .symbol("{") && index > 0
                let isWord = [.identifier, .number].contains(token.kind)
                let blank = blanks(&random, atLeast: isWord && gap == " " ? 1 : 0)
                switch Int.random(in: 0..<24, using: &random) {
                case 0 where mayBreak && comments: result += blank + "// in\n" + blank
                case 1 where mayBreak && comments: result += "\n /// own" + blank + "\n"
                case 2 where mayBreak: result += blank + "\n" + blank
                default: result += blank
                }
            }
            end = token.range.end
            result += source.text(token.range)
        }
        return result
    }

    private static func blanks(_ random: inout SplitMix, atLeast count: Int = 0) -> String {
        (0..<Int.random(in: count...count + 2, using: &random))
            .map { _ in Bool.random(using: &random) ? " " : "\t" }.joined()
    }

    /// A stretch of line ends and comments.
    private static func lines(
        _ gap: String, _ random: inout SplitMix, _ comments: Bool
    ) -> String {
        let lines = gap.split(separator: "\n", omittingEmptySubsequences: false)
        var result = ""
        for (index, line) in lines.enumerated() {
            let text = line.drop { $0 == " " }
            result += blanks(&random) + text
            if index == lines.count - 1 { break }
            if comments, text.isEmpty, Int.random(in: 0..<6, using: &random) == 0 {
                result +=
                    ["// plain", "/// documentation", "////", "///\t"]
                    .randomElement(using: &random) ?? ""
            }
            result += blanks(&random) + (Bool.random(using: &random) ? "\n" : "\r\n")
            if comments, Int.random(in: 0..<6, using: &random) == 0 { result += "\n\n\n" }
        }
        return result
    }
}
