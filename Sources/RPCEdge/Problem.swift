public import HTTP
import RPCRuntime

/// An error as an edge tells it (RFC 9457), with a `code` that programs decide by.
public struct Problem: Error, Sendable {
    public var status: HTTPStatus
    /// A stable word: `invalid_argument`.
    public var code: String
    /// A sentence for people.
    public var detail: String
    /// What the answer has beside its document.
    public var fields: [HTTPField]

    public init(
        _ status: HTTPStatus, _ code: String, _ detail: String, fields: [HTTPField] = []
    ) {
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = fields
    }

    /// The problem of a failed call; its reason is the code where it has one.
    init(_ error: RPCError, _ statuses: [String: HTTPStatus]) {
        let reason = error.reason
        self.init(
            reason.flatMap { statuses[$0] } ?? error.code.httpStatus,
            reason ?? error.code.word, error.message)
        // The same request may succeed in a while.
        if status == .unavailable || status == .tooManyRequests {
            fields.append(HTTPField("Retry-After", "1"))
        }
    }

    /// The document, an object of JSON.
    func document(instance: String, id: String) -> [UInt8] {
        var json = DocumentWriter()
        json.object { json in
            json.member("type", "about:blank")
            json.member("title", status.reason)
            json.member("status", status.code)
            json.member("detail", detail)
            json.member("instance", instance)
            json.member("code", code)
            json.member("request_id", id)
        }
        return json.bytes
    }

    func response(to request: HTTPRequest, id: String) -> HTTPResponse {
        HTTPResponse(
            status,
            fields: [HTTPField("Content-Type", "application/problem+json")] + HTTPEdge.fields(id)
                + fields,
            body: .bytes(document(instance: request.head.target.path, id: id)))
    }
}

extension RPCError.Code {
    /// The status of `docs/ERRORS.md`.
    var httpStatus: HTTPStatus {
        switch self {
        case .cancelled: .clientClosedRequest
        case .invalidArgument, .outOfRange: .badRequest
        case .deadlineExceeded: .gatewayTimeout
        case .notFound: .notFound
        case .alreadyExists, .aborted, .failedPrecondition: .conflict
        case .permissionDenied: .forbidden
        case .resourceExhausted: .tooManyRequests
        case .unimplemented: .notImplemented
        case .unavailable: .unavailable
        case .unauthenticated: .unauthorized
        case .internal, .dataLoss, .unknown: .internalError
        }
    }

    /// `invalid_argument`.
    var word: String {
        "\(self)".map { $0.isUppercase ? "_\($0.lowercased())" : "\($0)" }.joined()
    }
}
