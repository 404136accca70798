import HTTP
import MeshAPI
import RPCEdge
import RPCRuntime
import ServiceKit
import Transport

/// The JSON edge: the methods with routes, for who has an API key.
struct Edge: Sendable {
    private let edge: HTTPEdge

    /// - Parameters:
    ///   - link: To the gateway's own server.
    ///   - isInTrouble: Whether something is wrong that a person has to look at.
    ///   - random: Random bytes for the ids of requests that bring none.
    init(
        to link: RPCLink, on loop: EventLoop, keys: APIKeys,
        isInTrouble: @escaping @Sendable () -> Bool = { false },
        random: @escaping @Sendable (Int) -> [UInt8], log: Logger
    ) {
        var options = HTTPEdge.Options(random: random)
        // The filters of a page are wrong, and not the place that is asked for.
        options.statuses = ["unknown_location": .badRequest, "cursor_expired": .gone]
        options.report = { failure in
            log.error(
                "cannot answer a request",
                [
                    "method": failure.method, "request": failure.requestID,
                    "cause": failure.error.description,
                ])
        }
        edge = HTTPEdge(
            routes: SchemaCatalog.routes, to: link, on: loop,
            resources: [
                HTTPEdge.Resource("/healthz", needsCaller: false) {
                    Array("{\"status\":\"\(isInTrouble() ? "degraded" : "ok")\"}".utf8)
                },
                HTTPEdge.Resource("/v1/openapi.json") {
                    Array(SchemaCatalog.openAPI.description.utf8)
                },
            ],
            options: options
        ) { request async throws(Problem) in try await keys.holder(request) }
    }

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        await edge.respond(to: request)
    }
}

/// The API keys that requests bring.
struct APIKeys: Sendable {
    let store: GatewayStore
    let now: @Sendable () -> Timestamp
    let log: Logger

    /// Whose key a request has, `key:` and its id.
    func holder(_ request: HTTPRequest) async throws(Problem) -> String {
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
            key = try await store.authenticate(token, at: now())
        } catch {
            log.error("cannot look an API key up", ["cause": error.message])
            throw Problem(
                .internalError, "internal", "the store failed; the gateway's log says why")
        }
        guard let key else {
            throw Self.unauthorized("the API key is unknown or was revoked", "invalid_token")
        }
        return "key:\(key.id)"
    }

    private static func unauthorized(_ detail: String, _ error: String?) -> Problem {
        let challenge =
            "Bearer realm=\"biometricflow\""
            + (error.map { ", error=\"\($0)\"" } ?? "")
        return Problem(
            .unauthorized, "unauthorized", detail,
            fields: [HTTPField("WWW-Authenticate", challenge)])
    }
}
