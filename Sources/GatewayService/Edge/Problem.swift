import HTTP

/// An error as the edge tells it (RFC 9457), with a `code` that programs decide by.
struct Problem: Error, Sendable {
    /// The stable words of `code`, each with its status and title.
    enum Code: String, Sendable, CaseIterable {
        case unauthorized
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case unknownParameter = "unknown_parameter"
        case invalidParameter = "invalid_parameter"
        case unknownLocation = "unknown_location"
        case invalidCursor = "invalid_cursor"
        case cursorMismatch = "cursor_mismatch"
        case cursorExpired = "cursor_expired"
        case internalError = "internal"

        var status: HTTPStatus {
            switch self {
            case .unauthorized: .unauthorized
            case .notFound: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .cursorExpired: .gone
            case .internalError: .internalError
            case .unknownParameter, .invalidParameter, .unknownLocation, .invalidCursor,
                .cursorMismatch:
                .badRequest
            }
        }

        var title: String {
            switch self {
            case .unauthorized: "An API key is needed"
            case .notFound: "There is nothing here"
            case .methodNotAllowed: "This method is not for this resource"
            case .unknownParameter: "Unknown query parameter"
            case .invalidParameter: "Malformed query parameter"
            case .unknownLocation: "Unknown location"
            case .invalidCursor: "Malformed cursor"
            case .cursorMismatch: "The cursor belongs to other filters"
            case .cursorExpired: "The cursor belongs to another store"
            case .internalError: "The gateway failed"
            }
        }
    }

    var code: Code
    var detail: String
    var fields: [HTTPField] = []

    init(_ code: Code, _ detail: String, fields: [HTTPField] = []) {
        self.code = code
        self.detail = detail
        self.fields = fields
    }

    /// Answers a failed query; what the store said is kept for the log.
    init(_ error: QueryError) {
        switch error.kind {
        case .invalidArgument: self.init(.invalidParameter, error.message)
        case .unknownLocation: self.init(.unknownLocation, error.message)
        case .invalidCursor: self.init(.invalidCursor, error.message)
        case .cursorMismatch: self.init(.cursorMismatch, error.message)
        case .cursorExpired: self.init(.cursorExpired, error.message)
        case .notFound: self.init(.notFound, error.message)
        case .callEnded: self.init(.internalError, error.message)
        case .store: self.init(.internalError, "the store failed; the gateway's log says why")
        }
    }

    func response(to request: HTTPRequest, id: String) -> HTTPResponse {
        var json = DocumentWriter()
        json.object { json in
            json.member("type", "about:blank")
            json.member("title", code.title)
            json.member("status", code.status.code)
            json.member("detail", detail)
            json.member("instance", request.head.target.path)
            json.member("code", code.rawValue)
            json.member("request_id", id)
        }
        return HTTPResponse(
            code.status,
            fields: [
                HTTPField("Content-Type", "application/problem+json"),
                HTTPField("Cache-Control", "no-store"), HTTPField("X-Request-Id", id),
            ] + fields,
            body: .bytes(json.bytes))
    }
}
