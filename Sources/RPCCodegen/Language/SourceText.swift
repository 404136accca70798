/// A place in a schema: a range of bytes.
struct SourceRange: Hashable, Sendable {
    var start: Int
    var end: Int

    func joined(with other: SourceRange) -> SourceRange {
        SourceRange(start: Swift.min(start, other.start), end: Swift.max(end, other.end))
    }
}

/// The text of one schema and where its lines begin.
struct SourceText: Sendable {
    /// As diagnostics show it.
    let path: String
    let bytes: [UInt8]
    private let lineStarts: [Int]

    init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
        var starts = [0]
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
            starts.append(index + 1)
        }
        lineStarts = starts
    }

    init(path: String, _ text: String) { self.init(path: path, bytes: Array(text.utf8)) }

    func text(_ range: SourceRange) -> String {
        String(decoding: bytes[range.start..<range.end], as: UTF8.self)
    }

    /// A place with the comma before it, or else the one behind it, so that the rest of a list
    /// stays one; nil where there is neither.
    func withComma(_ range: SourceRange) -> SourceRange? {
        let comma = UInt8(ascii: ",")
        func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") }
        var start = range.start
        while start > 0, isSpace(bytes[start - 1]) { start -= 1 }
        if start > 0, bytes[start - 1] == comma {
            return SourceRange(start: start - 1, end: range.end)
        }
        var end = range.end
        while end < bytes.count, isSpace(bytes[end]) { end += 1 }
        guard end < bytes.count, bytes[end] == comma else { return nil }
        end += 1
        while end < bytes.count, isSpace(bytes[end]) { end += 1 }
        return SourceRange(start: range.start, end: end)
    }

    /// A place with its line and the line's end, if nothing else stands there.
    func withLine(_ range: SourceRange) -> SourceRange {
        func isSpace(_ byte: UInt8) -> Bool { " \t\r".utf8.contains(byte) }
        var start = range.start
        while start > 0, isSpace(bytes[start - 1]) { start -= 1 }
        var end = range.end
        while end < bytes.count, isSpace(bytes[end]) { end += 1 }
        let isAlone = start == 0 || bytes[start - 1] == UInt8(ascii: "\n")
        guard isAlone, end < bytes.count, bytes[end] == UInt8(ascii: "\n") else { return range }
        return SourceRange(start: start, end: end + 1)
    }

    /// The line and column of a byte, both from 1; columns count bytes.
    func position(_ offset: Int) -> (line: Int, column: Int) {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return (low + 1, offset - lineStarts[low] + 1)
    }

    /// The bytes of a line, counted from 1, without its end.
    func line(_ number: Int) -> ArraySlice<UInt8> {
        let start = lineStarts[number - 1]
        var end = number < lineStarts.count ? lineStarts[number] - 1 : bytes.count
        if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        return bytes[start..<end]
    }
}
