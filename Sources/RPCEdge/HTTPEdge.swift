public import HTTP
public import RPCRuntime
public import Transport

/// Serves methods over HTTP as their schemas' routes say.
///
/// A request becomes a call of the target: the deadline is the schema's, roles and limits are those
/// of the link. Answers are JSON, streams server-sent events, failures problem documents (RFC 9457).
///
///     let edge = HTTPEdge(
///         routes: Echo.routes, to: link, on: loop,
///         options: HTTPEdge.Options(random: Crypto.randomBytes), authenticate: checkKey)
///     let server = try HTTPServer(
///         address: address, loop: loop, clock: .system, handler: edge.respond)
public struct HTTPEdge: Sendable {
    /// Says who asks, in a word for the server's handlers and logs, such as `key:1f2e`, or nil.
    ///
    /// Throws the problem of who may not.
    public typealias Authenticate = @Sendable (HTTPRequest) async throws(Problem) -> String?

    /// What is no method: a document at a path, for GET and HEAD.
    public struct Resource: Sendable {
        let path: [String]
        let needsCaller: Bool
        let contentType: String
        let document: @Sendable () -> [UInt8]

        /// - Parameters:
        ///   - path: `/healthz`.
        ///   - needsCaller: False where everybody may have it.
        public init(
            _ path: String, needsCaller: Bool = true, contentType: String = "application/json",
            _ document: @escaping @Sendable () -> [UInt8]
        ) {
            self.path = path.split(separator: "/").map(String.init)
            self.needsCaller = needsCaller
            self.contentType = contentType
            self.document = document
        }
    }

    /// A request that failed by the server's fault, for the log.
    public struct Failure: Sendable {
        public let method: String
        /// Also in the answer.
        public let requestID: String
        public let error: RPCError
    }

    /// What a service may change about its edge.
    public struct Options: Sendable {
        /// The status of errors with this reason, where that of the code would say less.
        public var statuses: [String: HTTPStatus] = [:]
        /// An open stream that has nothing to say says so this often.
        public var heartbeat = Duration.seconds(15)
        /// How long a stream may take to say whether it begins or fails, before it is taken to have
        /// begun.
        public var streamStart = Duration.seconds(1)
        /// How many streams may be open at once; they take calls of the link from the others.
        public var streamsMax = 128
        /// Hears of each failure that is not the client's.
        public var report: @Sendable (Failure) -> Void = { _ in }
        /// Random bytes for the ids of requests that bring none.
        public var random: @Sendable (Int) -> [UInt8]

        public init(random: @escaping @Sendable (Int) -> [UInt8]) { self.random = random }
    }

    let caller: RPCCaller
    let loop: EventLoop
    let options: Options
    /// How many streams are open.
    let openStreams = OpenStreams()
    private let routes: RouteTree
    private let authenticate: Authenticate

    /// - Parameters:
    ///   - routes: Generated, `Service.routes` or `SchemaCatalog.routes`; no two have one place.
    ///   - target: Where the methods are: a link to a server, or to the one of this program
    ///     (`RPCServer.local(as:to:)`).
    ///   - loop: The HTTP server's.
    ///   - resources: What else there is.
    ///   - authenticate: Called before anything but the path is looked at.
    public init(
        routes: [HTTPRoute], to target: some RPCTarget, on loop: EventLoop,
        resources: [Resource] = [], options: Options, authenticate: @escaping Authenticate
    ) {
        caller = target.caller
        self.loop = loop
        self.options = options
        self.routes = RouteTree(routes, resources)
        self.authenticate = authenticate
    }

    /// Takes everybody; for what everybody may have.
    public static let anyone: Authenticate = { _ in nil }

    /// Answers a request.
    public func respond(to request: HTTPRequest) async -> HTTPResponse {
        let id = requestID(of: request)
        do throws(Problem) {
            return try await answer(request, id)
        } catch {
            return error.response(to: request, id: id)
        }
    }

    private func answer(
        _ request: HTTPRequest, _ id: String
    ) async throws(Problem) -> HTTPResponse {
        let found = routes.find(request.head.target.segments)
        guard found.resource != nil || !found.routes.isEmpty else {
            throw Problem(.notFound, "not_found", "no resource has this path")
        }
        // Before anything else is looked at: who may not learns nothing.
        var principal: String?
        if found.resource?.needsCaller ?? true { principal = try await authenticate(request) }
        let verb = request.head.method == "HEAD" ? "GET" : request.head.method
        if let resource = found.resource, verb == "GET" {
            try checkQuery(request, [])
            return Self.document(resource.document(), resource.contentType, id)
        }
        guard let match = found.routes.first(where: { $0.route.verb == verb }) else {
            throw Problem(
                .methodNotAllowed, "method_not_allowed",
                "\(request.head.method) is not for this resource",
                fields: [HTTPField("Allow", found.verbs.joined(separator: ", "))])
        }
        let arguments = try arguments(of: request, match)
        let call = callOptions(id, principal)
        switch match.route.call {
        case .unary(let run):
            do throws(RPCError) {
                return Self.document(
                    try await run(caller, arguments, call), "application/json", id)
            } catch {
                throw problem(error, match.route.method.name, id)
            }
        case .serverStreaming(let run):
            guard openStreams.count < options.streamsMax else {
                throw Problem(
                    .unavailable, "too_many_streams",
                    "\(options.streamsMax) streams are open (option streamsMax); come again later",
                    fields: [HTTPField("Retry-After", "10")])
            }
            let events = EventStream(edge: self, method: match.route.method.name, id: id) {
                (sink) async throws(RPCError) in
                try await run(caller, arguments, call, sink)
            }
            return events.response(to: request)
        }
    }

    private func callOptions(_ id: String, _ principal: String?) -> CallOptions {
        var options = CallOptions()
        options.metadata.append("request-id", text: id)
        if let principal { options.metadata.append("principal", text: principal) }
        return options
    }

    static func document(
        _ bytes: [UInt8], _ contentType: String, _ id: String
    ) -> HTTPResponse {
        HTTPResponse(
            .ok, fields: [HTTPField("Content-Type", contentType)] + fields(id),
            body: .bytes(bytes))
    }

    /// What every answer has.
    static func fields(_ id: String) -> [HTTPField] {
        [HTTPField("Cache-Control", "no-store"), HTTPField("X-Request-Id", id)]
    }

    /// The request's own id when it is a plain word, or a new one.
    private func requestID(of request: HTTPRequest) -> String {
        if let id = request.head.fields.only("x-request-id"), (1...64).contains(id.utf8.count),
            id.utf8.allSatisfy({ byte in
                (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
                    || "-_.".utf8.contains(byte)
            })
        {
            return id
        }
        return options.random(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    // MARK: Requests

    private func arguments(
        of request: HTTPRequest, _ match: RouteTree.Match
    ) throws(Problem) -> RouteArguments {
        let route = match.route
        try checkQuery(request, route.query)
        var parameters = match.variables
        for item in request.head.target.query {
            parameters.append(RouteArguments.Parameter(item.name, item.value))
        }
        // A browser that was cut off asks for the same address again, and says what it had.
        if let resume = route.resume, let last = request.head.fields.only("last-event-id"),
            !last.isEmpty
        {
            parameters.removeAll { $0.name == resume }
            parameters.append(RouteArguments.Parameter(resume, last))
        }
        if !request.body.isEmpty, route.body != .none { try checkContentType(request) }
        return RouteArguments(parameters: parameters, body: request.body)
    }

    /// Every parameter must be known: a misspelled filter that is passed over would return
    /// everybody's data.
    private func checkQuery(
        _ request: HTTPRequest, _ known: [HTTPRoute.Parameter]
    ) throws(Problem) {
        var seen: Set<String> = []
        for item in request.head.target.query {
            guard let parameter = known.first(where: { $0.name == item.name }) else {
                let names = known.map { "`\($0.name)`" }.joined(separator: ", ")
                throw Problem(
                    .badRequest, "unknown_parameter",
                    "`\(item.name)` is not known here; "
                        + (names.isEmpty ? "there are no parameters" : "there are \(names)"))
            }
            guard !item.value.isEmpty else {
                throw Problem(
                    .badRequest, "invalid_parameter", "the parameter \(item.name) is empty")
            }
            guard seen.insert(item.name).inserted || parameter.isRepeatable else {
                throw Problem(
                    .badRequest, "invalid_parameter", "the parameter \(item.name) comes twice")
            }
        }
    }

    private func checkContentType(_ request: HTTPRequest) throws(Problem) {
        let type = request.head.fields.only("content-type") ?? ""
        let essence = type.prefix { $0 != ";" }.lowercased()
        guard essence.split(separator: " ").joined() == "application/json" else {
            throw Problem(
                .unsupportedMediaType, "unsupported_media_type",
                "the body is `\(type)`; wanted is `application/json`")
        }
    }

    // MARK: Failures

    func problem(_ error: RPCError, _ method: String, _ id: String) -> Problem {
        let problem = Problem(error, options.statuses)
        // A stream that ends in order, because its server goes away, is no failure.
        if problem.status.code >= 500, !error.isResumable {
            options.report(Failure(method: method, requestID: id, error: error))
        }
        return problem
    }
}
