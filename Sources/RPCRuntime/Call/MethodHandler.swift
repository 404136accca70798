public import Transport

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
///
/// The generic functions are inlined into generated code, so that decoding, the handler and
/// encoding are specialised for the method's messages.
public struct MethodHandler: Sendable {
    @usableFromInline typealias Start =
        @Sendable (RPCConnection, _ stream: UInt32, _ deadline: UInt64, Span<UInt8>) -> Void

    let method: MethodDescriptor
    /// Decodes the request and starts the handler, on the connection's loop.
    let start: Start

    @usableFromInline init(_ method: MethodDescriptor, _ start: @escaping Start) {
        self.method = method
        self.start = start
    }

    /// A method with one answer.
    @inlinable public static func unary<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ body: @escaping @Sendable (Request, ServerCall) async throws(RPCError) -> Response
    ) -> MethodHandler {
        MethodHandler(method) { connection, stream, deadline, bytes in
            let request: Request
            do throws(DecodingFailure) {
                request = try Request(decoding: bytes)
            } catch { return connection.refuse(stream, method, error) }
            let call = ServerCall(connection, method, deadline)
            let task = Task.immediate(executorPreference: connection.loop) {
                do throws(RPCError) {
                    let response = try await body(request, call)
                    connection.answer(stream) { response.encode(into: &$0) }
                } catch {
                    connection.finish(stream, error)
                }
            }
            connection.keep(task, stream)
        }
    }

    /// A method with a stream of answers.
    @inlinable public static func serverStreaming<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ body:
            @escaping @Sendable (Request, MessageWriter<Response>, ServerCall)
            async throws(RPCError) -> Void
    ) -> MethodHandler {
        MethodHandler(method) { connection, stream, deadline, bytes in
            let request: Request
            do throws(DecodingFailure) {
                request = try Request(decoding: bytes)
            } catch { return connection.refuse(stream, method, error) }
            let call = ServerCall(connection, method, deadline)
            let writer = MessageWriter<Response>(connection, stream)
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
public struct MessageWriter<Response: Message>: Sendable {
    @usableFromInline let connection: RPCConnection
    @usableFromInline let stream: UInt32

    @inlinable init(_ connection: RPCConnection, _ stream: UInt32) {
        self.connection = connection
        self.stream = stream
    }

    /// Sends one message; suspends while the peer's credit or the socket does not take it.
    ///
    /// Throws `.cancelled` when the caller is gone or the call's time is over.
    @inlinable public func write(_ response: Response) async throws(RPCError) {
        if connection.loop.isCurrent {
            try await writeOnLoop(response)
        } else {
            try await onLoop(connection.loop) { () throws(RPCError) in
                try await writeOnLoop(response)
            }
        }
    }

    @inlinable func writeOnLoop(_ response: Response) async throws(RPCError) {
        let isSent = try connection.write(stream) { response.encode(into: &$0) }
        if isSent == .sent { return }
        if isSent == .busy {
            // Another task's message of this stream is still waiting.
            try await connection.waitForBacklog(stream)
            return try await write(response)
        }
        try await connection.waitForBacklog(stream)
    }
}

/// Runs `body` on `loop`, and comes back to where the caller runs.
@usableFromInline func onLoop<Result: Sendable>(
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
