import FleetDocuments
import HTTP
import MeshAPI
import RPCRuntime
import ServiceKit

/// The JSON edge: routes, keys and problem documents.
struct Edge: Sendable {
    let query: FleetQuery
    let now: @Sendable () -> Timestamp
    /// Random bytes for the ids of requests that bring none.
    let random: @Sendable (Int) -> [UInt8]
    let log: Logger

    /// A resource, all of whose methods are GET and HEAD.
    struct Route: Sendable {
        let path: String
        /// False only where no data is.
        let needsKey: Bool
        let parameters: [Parameters.Name]
        let answer: @Sendable (Edge, Parameters) async throws(Problem) -> [UInt8]
    }

    static let routes = [
        Route(path: "/healthz", needsKey: false, parameters: []) {
            (edge: Edge, _) throws(Problem) in edge.health()
        },
        Route(path: "/v1/locations", needsKey: true, parameters: []) {
            (edge: Edge, _) async throws(Problem) in try await edge.locations()
        },
        Route(path: "/v1/devices", needsKey: true, parameters: [.many("location")]) {
            (edge: Edge, parameters) async throws(Problem) in try await edge.devices(parameters)
        },
        Route(
            path: "/v1/punches", needsKey: true,
            parameters: [
                .many("location"), .many("device"), .many("user"), .one("from"), .one("to"),
                .one("limit"), .one("cursor"),
            ]
        ) { (edge: Edge, parameters) async throws(Problem) in
            try await edge.punches(parameters)
        },
    ]

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        let id = requestID(of: request)
        do throws(Problem) {
            let body = try await answer(request)
            return HTTPResponse(
                .ok,
                fields: [
                    HTTPField("Content-Type", "application/json"),
                    HTTPField("Cache-Control", "no-store"), HTTPField("X-Request-Id", id),
                ], body: .bytes(body))
        } catch {
            return error.response(to: request, id: id)
        }
    }

    private func answer(_ request: HTTPRequest) async throws(Problem) -> [UInt8] {
        let segments = request.head.target.segments
        let route = Self.routes.first { route in
            route.path.split(separator: "/").elementsEqual(segments) { $0 == $1 }
        }
        guard let route else {
            throw Problem(.notFound, "no resource has this path; the data is under /v1/")
        }
        // Before anything else is looked at: who has no key learns nothing.
        if route.needsKey { try await authenticate(request) }
        guard ["GET", "HEAD"].contains(request.head.method) else {
            throw Problem(
                .methodNotAllowed, "\(request.head.method) is not for this resource",
                fields: [HTTPField("Allow", "GET, HEAD")])
        }
        let parameters = try Parameters(request.head.target.query, known: route.parameters)
        return try await route.answer(self, parameters)
    }

    /// The request's own id when it is a plain word, or a new one.
    private func requestID(of request: HTTPRequest) -> String {
        if let id = request.head.fields.only("x-request-id"), (1...64).contains(id.utf8.count),
            id.utf8.allSatisfy({ byte in
                (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                    || byte == UInt8(ascii: ".")
            })
        {
            return id
        }
        return hex(random(8))
    }

    // MARK: Keys

    private func authenticate(_ request: HTTPRequest) async throws(Problem) {
        guard let value = request.head.fields.only("authorization") else {
            throw Self.unauthorized("send an API key: `Authorization: Bearer zkk_…`", nil)
        }
        let parts = value.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer",
            let token = APIToken(parsing: String(parts[1]))
        else {
            throw Self.unauthorized("the Authorization field holds no API key", "invalid_request")
        }
        let key: KeyInfo?
        do throws(StoreError) {
            key = try await query.store.authenticate(token, at: now())
        } catch {
            throw failed(QueryError(error))
        }
        guard key != nil else {
            throw Self.unauthorized("the API key is unknown or was revoked", "invalid_token")
        }
    }

    private static func unauthorized(_ detail: String, _ error: String?) -> Problem {
        let challenge = "Bearer realm=\"biometricflow\"" + (error.map { ", error=\"\($0)\"" } ?? "")
        return Problem(
            .unauthorized, detail, fields: [HTTPField("WWW-Authenticate", challenge)])
    }

    // MARK: Routes

    private func health() -> [UInt8] {
        var json = DocumentWriter()
        json.object { $0.member("status", "ok") }
        return json.bytes
    }

    private func locations() async throws(Problem) -> [UInt8] {
        do throws(QueryError) { return try await query.locations().json } catch {
            throw failed(error)
        }
    }

    private func devices(_ parameters: Parameters) async throws(Problem) -> [UInt8] {
        do throws(QueryError) {
            return try await query.devices(of: parameters.list("location")).json
        } catch {
            throw failed(error)
        }
    }

    private func punches(_ parameters: Parameters) async throws(Problem) -> [UInt8] {
        let punches = PunchQuery(
            locations: parameters.list("location"), devices: parameters.list("device"),
            users: parameters.list("user"), from: try parameters.instant("from"),
            to: try parameters.instant("to"), cursor: parameters.text("cursor") ?? "",
            limit: try parameters.integer("limit", in: 1...FleetQuery.maxLimit) ?? 0)
        do throws(QueryError) { return try await query.punches(punches).json } catch {
            throw failed(error)
        }
    }

    private func failed(_ error: QueryError) -> Problem {
        if error.kind == .store {
            log.error("cannot answer a request", ["cause": error.message])
        }
        return Problem(error)
    }
}
