/// What a generated client calls through.
public struct RPCCaller: Sendable {
    @usableFromInline let connection: RPCConnection

    @usableFromInline init(_ connection: RPCConnection) { self.connection = connection }

    /// Calls a method with one answer.
    @inlinable @inline(__always)
    public func unary<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions
    ) async throws(RPCError) -> Response {
        try await connection.unary(method, request, options)
    }

    /// Calls a method with a stream of answers, which lives as long as `body` runs.
    @inlinable @inline(__always)
    public func serverStreaming<Request: Message, Response: Message, Result>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions,
        _ body: (MessageStream<Response>) async throws(RPCError) -> Result
    ) async throws(RPCError) -> Result {
        try await connection.serverStreaming(method, request, options, body)
    }

    /// Calls a method with a stream of requests, which `send` writes.
    @inlinable @inline(__always)
    public func clientStreaming<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ options: CallOptions,
        _ send: (MessageWriter<Request>) async throws(RPCError) -> Void
    ) async throws(RPCError) -> Response {
        try await connection.clientStreaming(method, options, send)
    }

    /// Calls a method with a stream each way, which live as long as `body` runs.
    @inlinable @inline(__always)
    public func bidirectional<Request: Message, Response: Message, Result>(
        _ method: MethodDescriptor, _ options: CallOptions,
        _ body: (MessageWriter<Request>, MessageStream<Response>) async throws(RPCError) -> Result
    ) async throws(RPCError) -> Result {
        try await connection.bidirectional(method, options, body)
    }
}

/// What a generated client can be made on, such as a connection.
public protocol RPCTarget: Sendable {
    var caller: RPCCaller { get }
}

extension RPCConnection: RPCTarget {
    public var caller: RPCCaller { RPCCaller(self) }
}
