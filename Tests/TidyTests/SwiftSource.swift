/// A Swift file as its lines, with and without what is in comments and literals.
struct SwiftSource: Sendable, CustomStringConvertible {
    let path: String
    let lines: [Substring]
    /// Each line without comments and without the insides of string literals.
    let code: [Substring]

    var description: String { path }

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        code = Self.withoutCommentsAndLiterals(text)
            .split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The modules that the file imports.
    var imports: Set<String> {
        var modules: Set<String> = []
        for line in code {
            let words = line.split(separator: " ").filter { !$0.hasPrefix("@") }
            guard let place = words.firstIndex(of: "import"),
                words[..<place].allSatisfy({ Self.accessLevels.contains($0) })
            else { continue }
            let kinds: Set<Substring> = [
                "struct", "class", "enum", "protocol", "func", "typealias",
            ]
            let rest = words[words.index(after: place)...].drop { kinds.contains($0) }
            if let module = rest.first?.split(separator: ".").first { modules.insert("\(module)") }
        }
        return modules
    }

    private static let accessLevels: Set<Substring> = [
        "public", "package", "internal", "fileprivate", "private",
    ]

    /// The places where the code matches, as `path:line: text`.
    func places(where isMatch: (Substring) -> Bool) -> [String] {
        code.indices.filter { isMatch(code[$0]) }.map { "\(path):\($0 + 1): \(lines[$0])" }
    }

    // MARK: - Reading past comments and literals

    private static func withoutCommentsAndLiterals(_ text: String) -> String {
        var reader = Reader(rest: Array(text.utf8)[...])
        reader.code(until: nil)
        return String(decoding: reader.output, as: UTF8.self)
    }

    /// Copies code, and of comments and literals only the line breaks.
    private struct Reader {
        var rest: ArraySlice<UInt8>
        var output: [UInt8] = []

        private static func bytes(_ text: StaticString) -> [UInt8] { Array("\(text)".utf8) }

        private mutating func take(_ text: StaticString) -> Bool {
            guard rest.starts(with: Self.bytes(text)) else { return false }
            rest.removeFirst(Self.bytes(text).count)
            return true
        }

        private mutating func skip() {
            if let byte = rest.popFirst(), byte == UInt8(ascii: "\n") { output.append(byte) }
        }

        /// Up to the end, or to the parenthesis that closes an interpolation.
        mutating func code(until end: UInt8?) {
            var depth = 0
            while let byte = rest.first {
                if rest.starts(with: Self.bytes("//")) {
                    while let next = rest.first, next != UInt8(ascii: "\n") { skip() }
                } else if take("/*") {
                    comment()
                } else if byte == UInt8(ascii: "`") {
                    name()
                } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "#") {
                    if !literal() { output.append(rest.removeFirst()) }
                } else {
                    if byte == UInt8(ascii: "(") { depth += 1 }
                    if byte == UInt8(ascii: ")") {
                        if byte == end, depth == 0 {
                            rest.removeFirst()
                            return
                        }
                        depth -= 1
                    }
                    output.append(rest.removeFirst())
                }
            }
        }

        /// A name in backticks may hold words that are no code.
        private mutating func name() {
            output.append(rest.removeFirst())
            while let byte = rest.first, byte != UInt8(ascii: "`") { skip() }
            if let end = rest.popFirst() { output.append(end) }
        }

        /// Comments nest.
        private mutating func comment() {
            var depth = 1
            while depth > 0, !rest.isEmpty {
                if take("/*") {
                    depth += 1
                } else if take("*/") {
                    depth -= 1
                } else {
                    skip()
                }
            }
        }

        /// Reads a string literal of any form; false when there is none here.
        private mutating func literal() -> Bool {
            let hashes = rest.prefix { $0 == UInt8(ascii: "#") }.count
            guard rest.dropFirst(hashes).first == UInt8(ascii: "\"") else { return false }
            rest.removeFirst(hashes)
            let mark = [UInt8](repeating: UInt8(ascii: "#"), count: hashes)
            let isLong = take("\"\"\"")
            if !isLong { rest.removeFirst() }
            let quotes = [UInt8](repeating: UInt8(ascii: "\""), count: isLong ? 3 : 1)
            let end = quotes + mark
            let escape = [UInt8(ascii: "\\")] + mark
            output += Self.bytes("\"\"")
            while !rest.isEmpty {
                if rest.starts(with: end) {
                    rest.removeFirst(end.count)
                    return true
                }
                guard rest.starts(with: escape) else {
                    skip()
                    continue
                }
                rest.removeFirst(escape.count)
                if take("(") {
                    output.append(UInt8(ascii: "("))
                    code(until: UInt8(ascii: ")"))
                    output.append(UInt8(ascii: ")"))
                } else {
                    skip()
                }
            }
            return true
        }
    }
}
