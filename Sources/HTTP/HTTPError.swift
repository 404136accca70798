/// Why a request was refused before a handler saw it.
///
/// The connection closes after each of these: behind a request that was not understood, nobody
/// knows where the next one begins.
public struct HTTPError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The status code of the answer, 4xx or 5xx.
    public var status: HTTPStatus
    /// A sentence that names the thing and, where there is one, the limit.
    public var message: String

    public init(_ status: HTTPStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    public var description: String { "\(status.code) \(status.reason): \(message)" }
}

/// A status code.
public struct HTTPStatus: Sendable, Hashable {
    public let code: UInt16

    public init(_ code: UInt16) {
        precondition((100...599).contains(code), "no status code: \(code)")
        self.code = code
    }

    public static let `continue` = HTTPStatus(100)
    public static let ok = HTTPStatus(200)
    public static let noContent = HTTPStatus(204)
    public static let notModified = HTTPStatus(304)
    public static let badRequest = HTTPStatus(400)
    public static let unauthorized = HTTPStatus(401)
    public static let notFound = HTTPStatus(404)
    public static let forbidden = HTTPStatus(403)
    public static let methodNotAllowed = HTTPStatus(405)
    public static let notAcceptable = HTTPStatus(406)
    public static let requestTimeout = HTTPStatus(408)
    public static let conflict = HTTPStatus(409)
    public static let gone = HTTPStatus(410)
    public static let contentTooLarge = HTTPStatus(413)
    public static let uriTooLong = HTTPStatus(414)
    public static let unsupportedMediaType = HTTPStatus(415)
    public static let expectationFailed = HTTPStatus(417)
    public static let tooManyRequests = HTTPStatus(429)
    public static let headerFieldsTooLarge = HTTPStatus(431)
    /// Not registered, but known from nginx: the client gave up.
    public static let clientClosedRequest = HTTPStatus(499)
    public static let internalError = HTTPStatus(500)
    public static let notImplemented = HTTPStatus(501)
    public static let unavailable = HTTPStatus(503)
    public static let gatewayTimeout = HTTPStatus(504)
    public static let versionNotSupported = HTTPStatus(505)

    /// The phrase of RFC 9110; empty for codes that this library does not use.
    public var reason: String {
        switch code {
        case 100: "Continue"
        case 200: "OK"
        case 204: "No Content"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 499: "Client Closed Request"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }

    /// Whether a response with this status has no body whatever its fields say.
    var isBodiless: Bool { code < 200 || code == 204 || code == 304 }
}
