/// Where an HTTP edge has a method, as its schema says; generated.
///
/// It turns an HTTP request into the method's and the answer into JSON in ``JSONForm/document``; what
/// it calls through is the edge's to say.
public struct HTTPRoute: Sendable {
    /// A part of the path.
    public enum Segment: Sendable, Hashable {
        case literal(String)
        /// Any text, which is the value of the parameter with this name.
        case variable(String)
    }

    /// A parameter behind the `?`.
    public struct Parameter: Sendable, Hashable {
        /// As in a `.proto`, `log_id` for `logID`.
        public let name: String
        public let isRepeatable: Bool

        public static func one(_ name: String) -> Parameter {
            Parameter(name: name, isRepeatable: false)
        }

        public static func many(_ name: String) -> Parameter {
            Parameter(name: name, isRepeatable: true)
        }
    }

    /// One message of a stream.
    public struct Event: Sendable {
        public let json: [UInt8]
        /// Where a reader that is cut off behind it goes on; empty where that is not known.
        public let id: String

        @inlinable public init(json: [UInt8], id: String) {
            self.json = json
            self.id = id
        }
    }

    /// Takes a message of a stream; may suspend for as long as its reader needs.
    public typealias Sink = @Sendable (Event) async throws(RPCError) -> Void

    public enum Call: Sendable {
        case unary(
            @Sendable (RPCCaller, RouteArguments, CallOptions) async throws(RPCError) -> [UInt8])
        case serverStreaming(
            @Sendable (RPCCaller, RouteArguments, CallOptions, Sink) async throws(RPCError) -> Void)
    }

    public let method: MethodDescriptor
    /// Such as `GET`.
    public let verb: String
    public let path: [Segment]
    public let query: [Parameter]
    public let body: RouteArguments.Body
    /// The parameter that says where a stream goes on; nil where it begins anew.
    public let resume: String?
    public let call: Call

    @usableFromInline init(
        _ method: MethodDescriptor, _ verb: String, _ path: [Segment], _ query: [Parameter],
        _ body: RouteArguments.Body, _ resume: String?, _ call: Call
    ) {
        self.method = method
        self.verb = verb
        self.path = path
        self.query = query
        self.body = body
        self.resume = resume
        self.call = call
    }

    /// `/v1/places/{place}`.
    public var pattern: String {
        path.map { segment in
            switch segment {
            case .literal(let text): "/" + text
            case .variable(let name): "/{\(name)}"
            }
        }.joined()
    }

    /// A method with one answer.
    @inlinable
    public static func unary<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _: Request.Type, _: Response.Type, _ verb: String,
        _ path: [Segment], query: [Parameter] = [], body: RouteArguments.Body = .none
    ) -> HTTPRoute {
        HTTPRoute(
            method, verb, path, query, body, nil,
            .unary { (caller, arguments, options) async throws(RPCError) -> [UInt8] in
                let request: Request = try arguments.request(body)
                let response: Response = try await caller.unary(method, request, options)
                return response.encodedJSON(.document)
            })
    }

    /// A method with a stream of answers.
    ///
    /// `resume` is the parameter that takes what `id` gives of the last message.
    @inlinable
    public static func serverStreaming<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _: Request.Type, _: Response.Type, _ verb: String,
        _ path: [Segment], query: [Parameter] = [], body: RouteArguments.Body = .none,
        resume: String? = nil,
        id: @escaping @Sendable (Response) -> String = { _ in "" }
    ) -> HTTPRoute {
        HTTPRoute(
            method, verb, path, query, body, resume,
            .serverStreaming { (caller, arguments, options, sink) async throws(RPCError) in
                let request: Request = try arguments.request(body)
                try await caller.serverStreaming(method, request, options) {
                    (stream: MessageStream<Response>) async throws(RPCError) in
                    var messages = stream.makeAsyncIterator()
                    while let message = try await messages.next() {
                        try await sink(Event(json: message.encodedJSON(.document), id: id(message)))
                    }
                }
            })
    }
}
