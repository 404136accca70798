/// Reads requests out of the bytes of a connection, strictly (RFC 9112).
///
/// Bytes go in with ``append(_:)``, events come out of ``next()``. What it holds is what was
/// appended and not yet taken, so a caller that appends only when `next()` returned nil bounds it.
/// After an error it must not be used again.
public struct RequestParser: Sendable {
    /// A step of a request: one head, any number of body pieces, one end.
    public enum Event: Sendable, Hashable {
        case head(RequestHead)
        /// Never empty.
        case body([UInt8])
        case end
    }

    private enum State {
        case requestLine
        case fields(RequestLine)
        case body(remaining: Int)
        case chunkLine
        case chunk(remaining: Int)
        case chunkEnd
        case trailers
        case end
    }

    private let limits: HTTPLimits
    private var state = State.requestLine
    private var buffer: [UInt8] = []
    /// Where the unread bytes begin.
    private var start = 0
    /// Up to where no line feed was found.
    private var scanned = 0
    private var fields: [HTTPField] = []
    private var sectionBytes = 0
    private var bodyBytes = 0
    private var skippedBlankLine = false

    public init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
    }

    /// Whether no byte of a next request has arrived.
    public var isBetweenRequests: Bool {
        if case .requestLine = state { return start == buffer.count }
        return false
    }

    public mutating func append(_ bytes: [UInt8]) {
        if start > 0 {
            buffer.removeSubrange(..<start)
            scanned -= start
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next event; nil when more bytes are needed.
    public mutating func next() throws(HTTPError) -> Event? {
        while true {
            switch state {
            case .requestLine:
                guard try readRequestLine() else { return nil }
            case .fields(let line):
                guard let head = try readFields(of: line) else { return nil }
                switch head.framing {
                case .none: state = .end
                case .length(let length): state = .body(remaining: length)
                case .chunked: state = .chunkLine
                }
                return .head(head)
            case .body(let remaining):
                guard let piece = takePiece(atMost: remaining) else { return nil }
                let left = remaining - piece.count
                state = left == 0 ? .end : .body(remaining: left)
                return .body(piece)
            case .chunkLine:
                guard try readChunkLine() else { return nil }
            case .chunk(let remaining):
                guard let piece = takePiece(atMost: remaining) else { return nil }
                let left = remaining - piece.count
                state = left == 0 ? .chunkEnd : .chunk(remaining: left)
                return .body(piece)
            case .chunkEnd:
                guard try readChunkEnd() else { return nil }
            case .trailers:
                guard try readTrailers() else { return nil }
            case .end:
                reset()
                return .end
            }
        }
    }

    private mutating func reset() {
        state = .requestLine
        fields = []
        sectionBytes = 0
        bodyBytes = 0
        skippedBlankLine = false
    }

    // MARK: Lines

    /// The next line without its CR LF; nil when it has not all arrived.
    private mutating func takeLine(limit: Int, tooLong: HTTPError) throws(HTTPError)
        -> ArraySlice<UInt8>?
    {
        var index = scanned
        while index < buffer.count, buffer[index] != ASCII.lineFeed { index += 1 }
        scanned = index
        // The line end is not part of the limit; a CR that is not yet one counts as one.
        guard index - start <= limit + 1 else { throw tooLong }
        guard index < buffer.count else { return nil }
        guard index > start, buffer[index - 1] == ASCII.carriageReturn else {
            throw HTTPError(.badRequest, "a line ends in LF without CR")
        }
        let line = buffer[start..<(index - 1)]
        guard !line.contains(where: { $0 == ASCII.carriageReturn || $0 == 0 }) else {
            throw HTTPError(.badRequest, "a line has a CR or NUL inside")
        }
        start = index + 1
        scanned = start
        return line
    }

    private mutating func readRequestLine() throws(HTTPError) -> Bool {
        let tooLong = HTTPError(
            .uriTooLong, "the request line is longer than \(limits.requestLine) bytes")
        guard let line = try takeLine(limit: limits.requestLine, tooLong: tooLong) else {
            return false
        }
        if line.isEmpty {
            // RFC 9112, 2.2: an empty line before the request line is to be ignored. Only one is.
            guard !skippedBlankLine else {
                throw HTTPError(.badRequest, "several empty lines before the request")
            }
            skippedBlankLine = true
            return true
        }
        state = .fields(try RequestLine(parsing: line))
        return true
    }

    private mutating func readFields(of line: RequestLine) throws(HTTPError) -> RequestHead? {
        while let field = try takeFieldLine() {
            if field.isEmpty {
                return try RequestHead(line: line, fields: HTTPFields(fields), limits: limits)
            }
            fields.append(try Self.field(field))
        }
        return nil
    }

    private mutating func readTrailers() throws(HTTPError) -> Bool {
        while let line = try takeFieldLine() {
            if line.isEmpty {
                state = .end
                return true
            }
            // Checked and dropped: no handler needs a trailer.
            fields.append(try Self.field(line))
        }
        return false
    }

    private mutating func takeFieldLine() throws(HTTPError) -> ArraySlice<UInt8>? {
        let tooLarge = HTTPError(
            .headerFieldsTooLarge, "the header fields exceed \(limits.fieldBytes) bytes")
        let left = limits.fieldBytes - sectionBytes
        guard left >= 0 else { throw tooLarge }
        guard let line = try takeLine(limit: left, tooLong: tooLarge) else { return nil }
        sectionBytes += line.count + 2
        guard line.isEmpty || fields.count < limits.fieldCount else {
            throw HTTPError(
                .headerFieldsTooLarge, "more than \(limits.fieldCount) header fields")
        }
        return line
    }

    private static func field(_ line: ArraySlice<UInt8>) throws(HTTPError) -> HTTPField {
        guard let first = line.first, first != ASCII.space, first != ASCII.tab else {
            throw HTTPError(.badRequest, "a header line is folded")
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
            throw HTTPError(.badRequest, "a header line has no colon")
        }
        let name = line[..<colon]
        guard !name.isEmpty, name.allSatisfy(ASCII.isToken) else {
            throw HTTPError(.badRequest, "a header field's name is malformed")
        }
        let value = ASCII.trimmed(line[(colon + 1)...])
        guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == ASCII.tab }) else {
            throw HTTPError(.badRequest, "a header field has a control character")
        }
        // Bytes that are no UTF-8 (RFC 9110's obs-text) become replacement characters.
        return HTTPField(ASCII.lowercased(name), String(decoding: value, as: UTF8.self))
    }

    // MARK: Bodies

    private mutating func takePiece(atMost limit: Int) -> [UInt8]? {
        let count = min(limit, buffer.count - start)
        guard count > 0 else { return nil }
        let piece = Array(buffer[start..<(start + count)])
        start += count
        scanned = start
        return piece
    }

    private mutating func readChunkLine() throws(HTTPError) -> Bool {
        let tooLong = HTTPError(
            .badRequest, "a chunk's size line is longer than \(limits.chunkLine) bytes")
        guard let line = try takeLine(limit: limits.chunkLine, tooLong: tooLong) else {
            return false
        }
        let size = try Self.chunkSize(line)
        let (total, overflow) = bodyBytes.addingReportingOverflow(size)
        guard !overflow, total <= limits.body else {
            throw HTTPError(.contentTooLarge, "the body is larger than \(limits.body) bytes")
        }
        bodyBytes = total
        if size == 0 {
            // The trailer section has limits of its own.
            fields = []
            sectionBytes = 0
            state = .trailers
        } else {
            state = .chunk(remaining: size)
        }
        return true
    }

    /// Hexadecimal digits, then nothing or `;` and an extension, which is ignored.
    private static func chunkSize(_ line: ArraySlice<UInt8>) throws(HTTPError) -> Int {
        var size = 0
        var digits = 0
        var rest = line
        while let byte = rest.first, let value = ASCII.hexValue(byte) {
            digits += 1
            guard digits <= 15 else {
                throw HTTPError(.contentTooLarge, "a chunk's size has more than 15 digits")
            }
            size = size << 4 | Int(value)
            rest.removeFirst()
        }
        guard digits > 0 else { throw HTTPError(.badRequest, "a chunk has no size") }
        rest = ASCII.trimmed(rest)
        let isExtension =
            rest.isEmpty
            || rest.first == UInt8(ascii: ";")
                && rest.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == ASCII.tab }
        guard isExtension else { throw HTTPError(.badRequest, "a chunk's size is malformed") }
        return size
    }

    private mutating func readChunkEnd() throws(HTTPError) -> Bool {
        // Refused at the first wrong byte: waiting for the second would hold the connection.
        if start < buffer.count, buffer[start] != ASCII.carriageReturn {
            throw HTTPError(.badRequest, "a chunk is longer than its size")
        }
        guard buffer.count - start >= 2 else { return false }
        guard buffer[start + 1] == ASCII.lineFeed else {
            throw HTTPError(.badRequest, "a chunk is longer than its size")
        }
        start += 2
        scanned = start
        state = .chunkLine
        return true
    }
}
