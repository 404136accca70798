/// A request's first line and fields, checked.
public struct RequestHead: Sendable, Hashable {
    /// As sent; methods are case-sensitive.
    public let method: String
    public let target: RequestTarget
    /// 1 for HTTP/1.1, 0 for HTTP/1.0.
    public let minorVersion: UInt8
    public let fields: HTTPFields
    let framing: Framing

    /// How the body's end is known.
    enum Framing: Sendable, Hashable {
        case none
        case length(Int)
        case chunked
    }

    init(line: RequestLine, fields: HTTPFields, limits: HTTPLimits) throws(HTTPError) {
        method = line.method
        target = line.target
        minorVersion = line.minorVersion
        self.fields = fields
        try Self.checkHost(fields, minorVersion: line.minorVersion)
        framing = try Self.framing(fields, minorVersion: line.minorVersion, limits: limits)
        let expectations = fields.tokens("expect")
        guard expectations.allSatisfy({ $0 == "100-continue" }) else {
            throw HTTPError(.expectationFailed, "only 100-continue can be expected")
        }
    }

    /// Whether the client waits for a 100 before it sends the body.
    public var expectsContinue: Bool {
        framing != .none && minorVersion > 0 && !fields.tokens("expect").isEmpty
    }

    /// Whether the client means to send another request on this connection.
    public var keepsAlive: Bool {
        let options = fields.tokens("connection")
        if options.contains("close") { return false }
        return minorVersion > 0 || options.contains("keep-alive")
    }

    private static func checkHost(_ fields: HTTPFields, minorVersion: UInt8) throws(HTTPError) {
        let hosts = fields.values("host")
        guard hosts.count <= 1 else { throw HTTPError(.badRequest, "several Host fields") }
        guard let host = hosts.first else {
            guard minorVersion == 0 else { throw HTTPError(.badRequest, "no Host field") }
            return
        }
        let isPlain = host.utf8.allSatisfy { byte in
            ASCII.isAlpha(byte) || ASCII.isDigit(byte) || "-._~!$&'()*+,;=:[]%".utf8.contains(byte)
        }
        guard isPlain else { throw HTTPError(.badRequest, "the Host field is malformed") }
    }

    /// Every ambiguity is refused, because two readers of one ambiguous request see two requests.
    private static func framing(
        _ fields: HTTPFields, minorVersion: UInt8, limits: HTTPLimits
    ) throws(HTTPError) -> Framing {
        let lengths = fields.values("content-length")
        let codings = fields.values("transfer-encoding")
        if !codings.isEmpty {
            guard lengths.isEmpty else {
                throw HTTPError(.badRequest, "both Content-Length and Transfer-Encoding")
            }
            guard minorVersion > 0 else {
                throw HTTPError(.badRequest, "Transfer-Encoding in an HTTP/1.0 request")
            }
            guard codings.count == 1, ASCII.lowercased(codings[0].utf8) == "chunked" else {
                throw HTTPError(.notImplemented, "a transfer coding other than chunked alone")
            }
            return .chunked
        }
        guard let text = lengths.first else { return .none }
        guard lengths.count == 1 else {
            throw HTTPError(.badRequest, "several Content-Length fields")
        }
        guard !text.isEmpty, text.utf8.allSatisfy(ASCII.isDigit) else {
            throw HTTPError(.badRequest, "Content-Length is not a number")
        }
        guard let length = Int(text), length <= limits.body else {
            throw HTTPError(.contentTooLarge, "the body is larger than \(limits.body) bytes")
        }
        return length == 0 ? .none : .length(length)
    }
}

/// The first line of a request.
struct RequestLine: Sendable {
    let method: String
    let target: RequestTarget
    let minorVersion: UInt8

    /// `method SP target SP version`, single spaces only.
    init(parsing line: ArraySlice<UInt8>) throws(HTTPError) {
        let parts = line.split(separator: ASCII.space, omittingEmptySubsequences: false)
        guard parts.count == 3 else {
            throw HTTPError(.badRequest, "the request line has not three parts")
        }
        guard !parts[0].isEmpty, parts[0].allSatisfy(ASCII.isToken) else {
            throw HTTPError(.badRequest, "the method is malformed")
        }
        guard parts[0].count <= 32 else { throw HTTPError(.notImplemented, "unknown method") }
        minorVersion = try Self.version(parts[2])
        guard parts[1].allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw HTTPError(.badRequest, "the request target has a byte that must be encoded")
        }
        method = String(decoding: parts[0], as: UTF8.self)
        target = try RequestTarget(parsing: parts[1])
    }

    private static func version(_ bytes: ArraySlice<UInt8>) throws(HTTPError) -> UInt8 {
        let text = Array(bytes)
        guard text.count == 8, text.starts(with: "HTTP/".utf8), ASCII.isDigit(text[5]),
            text[6] == UInt8(ascii: "."), ASCII.isDigit(text[7])
        else { throw HTTPError(.badRequest, "the version is malformed") }
        guard text[5] == UInt8(ascii: "1") else {
            throw HTTPError(.versionNotSupported, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        }
        return text[7] == UInt8(ascii: "0") ? 0 : 1
    }
}
