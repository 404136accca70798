/// What a generated client calls through: a connection, or a link that is kept up.
public struct RPCCaller: Sendable {
    @usableFromInline let fixed: RPCConnection?
    @usableFromInline let link: RPCLink?

    @usableFromInline init(_ connection: RPCConnection) {
        fixed = connection
        link = nil
    }

    init(_ link: RPCLink) {
        fixed = nil
        self.link = link
    }

    /// The connection that a call goes by; the time that it took to get one is taken from the
    /// call's.
    @inlinable @inline(__always)
    func connection(_ method: MethodDescriptor, _ options: inout CallOptions)
        async throws(RPCError) -> RPCConnection
    {
        if let fixed { return fixed }
        return try await ready(method, &options)
    }

    @usableFromInline func ready(_ method: MethodDescriptor, _ options: inout CallOptions)
        async throws(RPCError) -> RPCConnection
    {
        guard let link else { throw RPCError(.internal, "a caller without a link") }
        return try await link.ready(method, &options)
    }

    /// Calls a method with one answer.
    @inlinable @inline(__always)
    public func unary<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions
    ) async throws(RPCError) -> Response {
        if let fixed, let response: Response = try await fixed.atOnce(method, request, options) {
            return response
        }
        return try await generalUnary(method, request, options)
    }

    /// The same where there is more to do: apart, so that what is inlined stays small.
    @inlinable @inline(never)
    func generalUnary<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions
    ) async throws(RPCError) -> Response {
        var options = options
        return try await connection(method, &options).unary(method, request, options)
    }

    /// Calls a method with a stream of answers, which lives as long as `body` runs.
    @inlinable
    public func serverStreaming<Request: Message, Response: Message, Result>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions,
        _ body: (MessageStream<Response>) async throws(RPCError) -> Result
    ) async throws(RPCError) -> Result {
        var options = options
        return try await connection(method, &options).serverStreaming(
            method, request, options, body)
    }

    /// Calls a method with a stream of requests, which `send` writes.
    @inlinable
    public func clientStreaming<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ options: CallOptions,
        _ send: (MessageWriter<Request>) async throws(RPCError) -> Void
    ) async throws(RPCError) -> Response {
        var options = options
        return try await connection(method, &options).clientStreaming(method, options, send)
    }

    /// Calls a method with a stream each way, which live as long as `body` runs.
    @inlinable
    public func bidirectional<Request: Message, Response: Message, Result>(
        _ method: MethodDescriptor, _ options: CallOptions,
        _ body: (MessageWriter<Request>, MessageStream<Response>) async throws(RPCError) -> Result
    ) async throws(RPCError) -> Result {
        var options = options
        return try await connection(method, &options).bidirectional(method, options, body)
    }
}

/// What a generated client can be made on: an ``RPCConnection``, or an ``RPCLink``.
public protocol RPCTarget: Sendable {
    var caller: RPCCaller { get }
}

extension RPCConnection: RPCTarget {
    public var caller: RPCCaller { RPCCaller(self) }
}

extension RPCLink: RPCTarget {
    public var caller: RPCCaller { RPCCaller(self) }
}
