extension MarkdownEmitter {
    /// A page as it grows.
    struct Page {
        /// The types that the page describes.
        let linked: Set<TypeName>
        private var blocks: [String] = []

        init(linked: Set<TypeName>) { self.linked = linked }

        var text: String { blocks.joined(separator: "\n\n") + "\n" }

        mutating func paragraph(_ text: String) { blocks.append(text) }

        mutating func lines(_ lines: [String]) { blocks.append(lines.joined(separator: "\n")) }

        mutating func anchor(_ name: String) { blocks.append("<a id=\"\(name)\"></a>") }

        mutating func heading(_ kind: String, _ name: TypeName) {
            anchor("\(name)")
            paragraph("### \(kind) `\(name.name)`")
        }

        /// Documentation is Markdown itself; only what would be taken for a tag is escaped.
        mutating func documentation(_ lines: [String], _ deprecated: String?) {
            let text = lines.withoutMargin.map { Self.escaped($0) }.joined(separator: "\n")
            if !text.allSatisfy(\.isWhitespace) { blocks.append(text) }
            if let deprecated { paragraph("**Deprecated:** \(Self.escaped(deprecated))") }
        }

        mutating func table(_ head: [String], _ rows: [[String]]) {
            func line(_ cells: [String]) -> String {
                "| " + cells.joined(separator: " | ") + " |"
            }
            lines([line(head), line(head.map { _ in "---" })] + rows.map(line))
        }

        func reference(_ name: TypeName) -> String {
            linked.contains(name) ? Self.link("`\(name.name)`", name) : "`\(name)`"
        }

        static func link(_ text: String, _ name: TypeName) -> String { "[\(text)](#\(name))" }

        /// Documentation in a cell of a table, which is one line and has no bars.
        static func cell(_ lines: [String]) -> String {
            lines.withoutMargin.split { $0.allSatisfy(\.isWhitespace) }
                .map { escaped($0.joined(separator: " ")).replacing("|", with: "\\|") }
                .joined(separator: "<br><br>")
        }

        /// `<` and `&` outside of code, where they would begin a tag or a character's name.
        static func escaped(_ text: String) -> String {
            var result = ""
            var isCode = false
            for character in text {
                switch character {
                case "`":
                    isCode.toggle()
                    result.append(character)
                case "<" where !isCode: result += "&lt;"
                case "&" where !isCode: result += "&amp;"
                default: result.append(character)
                }
            }
            return result
        }
    }
}
