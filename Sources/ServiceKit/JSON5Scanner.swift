/// Finds the place where a text stops being JSON5, and keys that stand twice in one object.
///
/// Foundation's decoder tells neither on this platform: it takes the first of two keys and says
/// only that a text is invalid. Values are not kept here.
struct JSON5Scanner {
    struct Problem: Error, Equatable {
        var line: Int
        var column: Int
        var message: String
    }

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0
    /// The first key that stands twice.
    private(set) var repeatedKey: Problem?

    /// Goes through the whole text.
    static func scan(_ text: [UInt8]) throws(Problem) -> Problem? {
        var scanner = JSON5Scanner(bytes: text)
        try scanner.skipSpace()
        try scanner.value()
        try scanner.skipSpace()
        if scanner.position < text.count { throw scanner.problem("more behind the end") }
        return scanner.repeatedKey
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func problem(_ message: String, at place: Int? = nil) -> Problem {
        let before = bytes[..<min(place ?? position, bytes.count)]
        let line = before.reversed().prefix { $0 != UInt8(ascii: "\n") }
        // Bytes that continue a character do not count as columns.
        return Problem(
            line: before.count { $0 == UInt8(ascii: "\n") } + 1,
            column: line.count { $0 & 0xC0 != 0x80 } + 1, message: message)
    }

    private func unexpected(_ wanted: String) -> Problem {
        guard let current else { return problem("the text ends where \(wanted) is wanted") }
        let found = current < 0x80 ? "`\(UnicodeScalar(current))`" : "this"
        return problem("\(found) where \(wanted) is wanted")
    }

    private mutating func take(_ scalar: UnicodeScalar) -> Bool {
        guard let current, current == UInt8(ascii: scalar) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() throws(Problem) {
        while let byte = current {
            switch byte {
            case 0x09...0x0D, 0x20: position += 1
            case UInt8(ascii: "/"): try skipComment()
            default: return
            }
        }
    }

    private mutating func skipComment() throws(Problem) {
        let start = position
        position += 1
        if take("/") {
            while let byte = current, byte != UInt8(ascii: "\n") { position += 1 }
        } else if take("*") {
            while true {
                guard current != nil else { throw problem("this comment has no end", at: start) }
                if take("*") {
                    if take("/") { return }
                } else {
                    position += 1
                }
            }
        } else {
            throw problem("`/` begins no comment", at: start)
        }
    }

    private mutating func value() throws(Problem) {
        switch current {
        case UInt8(ascii: "{"): try nested { (scanner) throws(Problem) in try scanner.object() }
        case UInt8(ascii: "["): try nested { (scanner) throws(Problem) in try scanner.array() }
        case UInt8(ascii: "\""), UInt8(ascii: "'"): _ = try string()
        default:
            let start = position
            let word = word()
            guard Self.isScalar(word) else {
                position = start
                throw word.isEmpty
                    ? unexpected("a value")
                    : problem("`\(word)` is no value: is it a text without quotes?")
            }
        }
    }

    private mutating func nested(
        _ body: (inout JSON5Scanner) throws(Problem) -> Void
    ) throws(Problem) {
        depth += 1
        guard depth <= 100 else { throw problem("objects and lists are nested too deeply") }
        position += 1
        try body(&self)
        depth -= 1
    }

    private mutating func object() throws(Problem) {
        var keys: Set<String> = []
        while true {
            try skipSpace()
            if take("}") { return }
            let start = position
            let isQuoted = current == UInt8(ascii: "\"") || current == UInt8(ascii: "'")
            let key = isQuoted ? try string() : word()
            if key.isEmpty, !isQuoted { throw unexpected("a key or `}`") }
            if !keys.insert(key).inserted, repeatedKey == nil {
                repeatedKey = problem("the key `\(key)` stands twice", at: start)
            }
            try skipSpace()
            guard take(":") else { throw unexpected("`:`") }
            try skipSpace()
            try value()
            try skipSpace()
            if take(",") { continue }
            guard take("}") else { throw unexpected("`,` or `}`") }
            return
        }
    }

    private mutating func array() throws(Problem) {
        while true {
            try skipSpace()
            if take("]") { return }
            try value()
            try skipSpace()
            if take(",") { continue }
            guard take("]") else { throw unexpected("`,` or `]`") }
            return
        }
    }

    private mutating func string() throws(Problem) -> String {
        let start = position
        let quote = bytes[position]
        position += 1
        var content: [UInt8] = []
        while let byte = current {
            position += 1
            switch byte {
            case quote: return String(decoding: content, as: UTF8.self)
            case UInt8(ascii: "\n"): throw problem("this text has no closing quote", at: start)
            case UInt8(ascii: "\\"):
                content.append(byte)
                if let escaped = current {
                    content.append(escaped)
                    position += 1
                }
            default: content.append(byte)
            }
        }
        throw problem("this text has no closing quote", at: start)
    }

    /// Letters, digits and what else numbers and keys without quotes are made of.
    private mutating func word() -> String {
        let start = position
        while let byte = current {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"),
                UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), 0x80...:
                position += 1
            default: return String(decoding: bytes[start..<position], as: UTF8.self)
            }
        }
        return String(decoding: bytes[start...], as: UTF8.self)
    }

    private static func isScalar(_ word: String) -> Bool {
        if ["true", "false", "null", "Infinity", "NaN"].contains(word) { return true }
        guard let first = word.first(where: { !"+-.".contains($0) }) else { return false }
        return first.isNumber || word.hasSuffix("Infinity") || word.hasSuffix("NaN")
    }
}
