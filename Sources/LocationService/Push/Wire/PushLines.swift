// What terminals put into the bodies of their requests, read without any I/O. Nothing here imports
// anything, and no input makes it fail other than by a `PushLineError`.

/// The lines of a body, without their line ends (LF or CRLF); empty ones are left out.
struct PushLines: Sequence, IteratorProtocol {
    private let body: [UInt8]
    private var position = 0

    init(_ body: [UInt8]) { self.body = body }

    mutating func next() -> ArraySlice<UInt8>? {
        while position < body.count {
            let rest = body[position...]
            let end = rest.firstIndex(of: 10) ?? body.count
            position = end + 1
            var line = rest[..<end]
            if line.last == 13 { line = line.dropLast() }
            if !line.isEmpty { return line }
        }
        return nil
    }
}

/// Why a line cannot be taken; the terminal is told that it was, and the line is put aside.
struct PushLineError: Error, Hashable, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// The parts of a line.
enum PushText {
    /// A line that is longer holds no punch and no user.
    static let lineMax = 4096
    /// What the schema has room for.
    static let identifierMax = 64

    /// The fields between tabs; more than a terminal ever sends are refused.
    static func fields(_ line: ArraySlice<UInt8>) throws(PushLineError) -> [ArraySlice<UInt8>] {
        guard line.count <= lineMax else {
            throw PushLineError("\(line.count) bytes; a line has at most \(lineMax)")
        }
        let fields = line.split(separator: 9, maxSplits: 64, omittingEmptySubsequences: false)
        guard fields.count <= 64 else { throw PushLineError("more than 64 fields") }
        return fields
    }

    /// A decimal number, surrounded by spaces at most.
    static func number(_ bytes: ArraySlice<UInt8>) -> Int64? {
        var value: Int64 = 0
        var digits = trimmed(bytes)
        let isNegative = digits.first == 0x2D
        if isNegative { digits = digits.dropFirst() }
        guard 1...18 ~= digits.count else { return nil }
        for byte in digits {
            guard 0x30...0x39 ~= byte else { return nil }
            value = value * 10 + Int64(byte - 0x30)
        }
        return isNegative ? -value : value
    }

    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while bytes.first == 0x20 { bytes = bytes.dropFirst() }
        while bytes.last == 0x20 { bytes = bytes.dropLast() }
        return bytes
    }

    /// A person's id: not empty, without control characters, and short enough to be stored whole.
    static func identifier(_ bytes: ArraySlice<UInt8>) throws(PushLineError) -> String {
        let bytes = trimmed(bytes)
        guard !bytes.isEmpty else { throw PushLineError("no user id") }
        guard bytes.count <= identifierMax else {
            throw PushLineError("a user id of \(bytes.count) bytes; at most \(identifierMax)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw PushLineError("a user id that is not UTF-8")
        }
        guard !text.unicodeScalars.contains(where: { isControl($0) }) else {
            throw PushLineError("a user id with a control character")
        }
        return text
    }

    /// A text to show: what is no UTF-8 and control characters are marked, the rest is cut off.
    static func shown(_ bytes: ArraySlice<UInt8>, max: Int) -> String {
        var text = ""
        var count = 0
        for scalar in String(decoding: bytes.prefix(max), as: UTF8.self).unicodeScalars {
            let scalar = isControl(scalar) ? "\u{FFFD}" : scalar
            count += UTF8.width(scalar)
            if count > max { break }
            text.unicodeScalars.append(scalar)
        }
        return text
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value
    }

    /// ASCII letters in lower case; other bytes as they are.
    static func lowercased(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}

/// `name=value` pairs; names differ in case between firmware versions, so they are compared
/// without it.
struct PushPairs {
    private var all: [(name: String, value: ArraySlice<UInt8>)] = []

    /// Parts without `=` are left out.
    init(_ parts: [ArraySlice<UInt8>]) {
        for part in parts {
            guard let equals = part.firstIndex(of: 0x3D) else { continue }
            let name = PushText.lowercased(PushText.trimmed(part[..<equals]))
            all.append((name, part[(equals + 1)...]))
        }
    }

    /// The first value of that name, which is given in lower case.
    subscript(_ name: String) -> ArraySlice<UInt8>? { all.first { $0.name == name }?.value }

    func number(_ name: String) -> Int64? { self[name].flatMap { PushText.number($0) } }
}
