public struct CallOptions: Sendable {
    public var timeout: Duration?
    public init(timeout: Duration? = nil) { self.timeout = timeout }
}
public struct ServerCall: Sendable {}
public struct ResponseWriter<Response: Message>: Sendable {
    public func write(_ response: Response) async throws(RPCError) { fatalError() }
}
public struct ResponseStream<Response: Message>: AsyncSequence, Sendable {
    public struct AsyncIterator: AsyncIteratorProtocol {
        public mutating func next() async throws(RPCError) -> Response? { fatalError() }
    }
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
}
public struct MethodHandler: Sendable {
    public static func unary<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ body: @escaping @Sendable (Request, ServerCall) async throws(RPCError) -> Response
    ) -> MethodHandler { MethodHandler() }
    public static func serverStreaming<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ body: @escaping @Sendable (Request, ResponseWriter<Response>, ServerCall)
            async throws(RPCError) -> Void
    ) -> MethodHandler { MethodHandler() }
}
public struct ServiceHandlers: Sendable {
    public init(_ descriptor: ServiceDescriptor, _ methods: [MethodHandler]) {}
}
public final class RPCConnection: Sendable {
    public func unary<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions
    ) async throws(RPCError) -> Response { fatalError() }
    public func serverStreaming<Request: Message, Response: Message, Result>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions,
        _ body: (ResponseStream<Response>) async throws(RPCError) -> Result
    ) async throws(RPCError) -> Result { fatalError() }
}
