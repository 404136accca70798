import Transport

/// The handlers of one service; made by generated code.
public struct ServiceHandlers: Sendable {
    let descriptor: ServiceDescriptor
    let methods: [MethodHandler]

    public init(_ descriptor: ServiceDescriptor, _ methods: [MethodHandler]) {
        self.descriptor = descriptor
        self.methods = methods
    }
}

/// How one method is served.
public struct MethodHandler: Sendable {
    let method: MethodDescriptor
    /// Decodes the request and starts the handler, on the connection's loop.
    let start: @Sendable (RPCConnection, _ stream: UInt32, _ deadline: UInt64, Span<UInt8>) -> Void

    /// A method with one answer.
    public static func unary<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ body: @escaping @Sendable (Request, ServerCall) async throws(RPCError) -> Response
    ) -> MethodHandler {
        MethodHandler(method: method) { connection, stream, deadline, bytes in
            guard let request: Request = connection.decode(bytes, method, stream) else { return }
            let call = ServerCall(connection: connection, method: method, deadline: deadline)
            let task = Task.immediate(executorPreference: connection.loop) {
                do throws(RPCError) {
                    let response = try await body(request, call)
                    connection.answer(stream, response)
                } catch {
                    connection.finish(stream, error)
                }
            }
            connection.keep(task, stream)
        }
    }

    /// A method with a stream of answers.
    public static func serverStreaming<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ body: @escaping @Sendable (Request, ResponseWriter<Response>, ServerCall)
            async throws(RPCError) -> Void
    ) -> MethodHandler {
        MethodHandler(method: method) { connection, stream, deadline, bytes in
            guard let request: Request = connection.decode(bytes, method, stream) else { return }
            let call = ServerCall(connection: connection, method: method, deadline: deadline)
            let writer = ResponseWriter<Response>(connection: connection, stream: stream)
            let task = Task.immediate(executorPreference: connection.loop) {
                do throws(RPCError) {
                    try await body(request, writer, call)
                    connection.finish(stream, nil)
                } catch {
                    connection.finish(stream, error)
                }
            }
            connection.keep(task, stream)
        }
    }
}

/// Sends the answers of a server-streaming call.
public struct ResponseWriter<Response: Message>: Sendable {
    let connection: RPCConnection
    let stream: UInt32

    /// Sends one message; suspends while the peer's credit or the socket does not take it.
    ///
    /// Throws `.cancelled` when the caller is gone or the call's time is over.
    public func write(_ response: Response) async throws(RPCError) {
        if connection.loop.isCurrent {
            try await connection.writeOnLoop(response, stream)
        } else {
            try await onLoop(connection.loop) { () throws(RPCError) in
                try await connection.writeOnLoop(response, stream)
            }
        }
    }
}

/// Runs `body` on `loop`, and comes back to where the caller runs.
func onLoop<Result: Sendable>(
    _ loop: EventLoop, _ body: @concurrent @Sendable () async throws(RPCError) -> Result
) async throws(RPCError) -> Result {
    let result = await withTaskExecutorPreference(loop) {
        do throws(RPCError) {
            return Swift.Result<Result, RPCError>.success(try await body())
        } catch {
            return .failure(error)
        }
    }
    return try result.get()
}
