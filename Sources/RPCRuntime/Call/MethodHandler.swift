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
public final class MethodHandler: Sendable {
    @usableFromInline typealias Run = @Sendable (RPCConnection, IncomingCall) async -> Void

    let method: MethodDescriptor
    /// Decodes the request, runs the handler and answers; on the connection's loop.
    let run: Run
    let load = MethodLoad()

    @usableFromInline init(_ method: MethodDescriptor, _ run: @escaping Run) {
        self.method = method
        self.run = run
    }

    /// A method with one request and one answer.
    @inlinable public static func unary<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ body: @escaping @Sendable (Request, ServerCall) async throws(RPCError) -> Response
    ) -> MethodHandler {
        MethodHandler(method) { connection, first in
            // Goes on with the requests behind it that are of the same method: each level of
            // asynchronous calls between two of them would cost a look-up of the executor.
            var incoming = first
            var call = ServerCall(connection, method, first)
            repeat {
                let read: Request? =
                    incoming.isLarge
                    ? await connection.largeRequest(incoming, method)
                    : connection.request(incoming, method)
                guard let request = read else { continue }
                do throws(RPCError) {
                    let response = try await body(request, call)
                    connection.answer(incoming.stream) { response.encode(into: &$0) }
                } catch {
                    connection.fail(incoming.stream, error)
                }
            } while connection.next(method, &incoming, &call)
        }
    }

    /// A method with one request and a stream of answers.
    @inlinable public static func serverStreaming<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ body:
            @escaping @Sendable (Request, MessageWriter<Response>, ServerCall)
            async throws(RPCError) -> Void
    ) -> MethodHandler {
        MethodHandler(method) { connection, incoming in
            guard let request: Request = connection.request(incoming, method) else { return }
            let writer = MessageWriter<Response>(connection, incoming.stream)
            do throws(RPCError) {
                try await body(request, writer, ServerCall(connection, method, incoming))
                connection.finish(incoming.stream, nil)
            } catch {
                connection.fail(incoming.stream, error)
            }
        }
    }

    /// A method with a stream of requests and one answer.
    @inlinable public static func clientStreaming<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ body:
            @escaping @Sendable (MessageStream<Request>, ServerCall)
            async throws(RPCError) -> Response
    ) -> MethodHandler {
        MethodHandler(method) { connection, incoming in
            let requests = MessageStream<Request>(connection, method)
            connection.take(incoming, requests.sink)
            do throws(RPCError) {
                let response = try await body(requests, ServerCall(connection, method, incoming))
                connection.answer(incoming.stream) { response.encode(into: &$0) }
            } catch {
                connection.fail(incoming.stream, error)
            }
        }
    }

    /// A method with a stream of requests and a stream of answers.
    @inlinable public static func bidirectional<Request: Message, Response: Message>(
        _ method: MethodDescriptor,
        _ body:
            @escaping @Sendable (MessageStream<Request>, MessageWriter<Response>, ServerCall)
            async throws(RPCError) -> Void
    ) -> MethodHandler {
        MethodHandler(method) { connection, incoming in
            let requests = MessageStream<Request>(connection, method)
            connection.take(incoming, requests.sink)
            let writer = MessageWriter<Response>(connection, incoming.stream)
            do throws(RPCError) {
                try await body(requests, writer, ServerCall(connection, method, incoming))
                connection.finish(incoming.stream, nil)
            } catch {
                connection.fail(incoming.stream, error)
            }
        }
    }
}

/// A call as it came, on its way to its handler.
@usableFromInline struct IncomingCall: Sendable {
    @usableFromInline private(set) var stream: UInt32
    private(set) var deadline: UInt64
    /// Where its first message is, for as long as the connection reads no further frame; nil when a
    /// stream of requests has not brought one yet.
    private(set) var body: ConnectionCore<CallState>.Body?
    /// Whether no further message comes.
    private(set) var isLast: Bool
    /// Whether reading the message takes longer than one turn of the loop should.
    @usableFromInline var isLarge: Bool { body?.isLarge ?? false }
    /// What the caller sent before the request, if anything.
    private(set) var metadata: Metadata?
    /// The task that runs its handler, unless it was suspended meanwhile.
    var runner: UInt64

    init(
        stream: UInt32, deadline: UInt64, body: ConnectionCore<CallState>.Body?, isLast: Bool,
        metadata: Metadata?, runner: UInt64
    ) {
        self.stream = stream
        self.deadline = deadline
        self.body = body
        self.isLast = isLast
        self.metadata = metadata
        self.runner = runner
    }

    /// Becomes another call for the same task, whose request is whole and has nothing beside it.
    mutating func become(_ stream: UInt32, deadline: UInt64, _ range: Range<Int>) {
        self.stream = stream
        self.deadline = deadline
        body = ConnectionCore<CallState>.Body(range: range)
        isLast = true
        if metadata != nil { metadata = nil }
    }
}
