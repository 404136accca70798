import Transport

/// Where the answer of a call of ours goes; used on the connection's loop only.
class ResponseSink {
    /// Takes a message; false when it is not what the caller expects, and the call is to end.
    func receive(_ bytes: Span<UInt8>, credit: Int) -> RPCError? { nil }
    /// The call has ended: with an error, or in order.
    func end(_ error: RPCError?) {}
    /// Whether the credit of messages is given back as they arrive.
    var consumesAtOnce: Bool { true }
}

/// The answer of a unary call.
final class UnarySink<Response: Message>: ResponseSink {
    private let method: MethodDescriptor
    private var response: Response?
    private(set) var outcome: Result<Response, RPCError>?
    private var waiter: Waiter<Bool>?

    init(_ method: MethodDescriptor) { self.method = method }

    override func receive(_ bytes: Span<UInt8>, credit: Int) -> RPCError? {
        guard response == nil else {
            return RPCError(.unimplemented, "\(method.name) was answered with several messages")
        }
        do throws(DecodingFailure) {
            response = try Response(decoding: bytes)
            return nil
        } catch {
            return RPCError(.internal, "the answer of \(method.name) cannot be read: \(error)")
        }
    }

    override func end(_ error: RPCError?) {
        if let error {
            outcome = .failure(error)
        } else if let response {
            outcome = .success(response)
        } else {
            outcome = .failure(
                RPCError(.unimplemented, "\(method.name) was answered without a message"))
        }
        waiter.take()?.resume(true)
    }

    /// Suspends until the outcome is there.
    func wait() async throws(RPCError) -> Response {
        if outcome == nil { _ = await suspend { waiter = $0 } }
        guard let outcome else { preconditionFailure("a unary call was resumed early") }
        return try outcome.get()
    }
}

/// The answers of a server-streaming call that nobody has taken yet.
final class StreamSink<Response: Message>: ResponseSink {
    private let method: MethodDescriptor
    private var messages: [Response] = []
    private var credit = 0
    private var end: Result<Bool, RPCError>?
    private var waiter: Waiter<Bool>?

    init(_ method: MethodDescriptor) { self.method = method }

    override var consumesAtOnce: Bool { false }

    override func receive(_ bytes: Span<UInt8>, credit: Int) -> RPCError? {
        do throws(DecodingFailure) {
            messages.append(try Response(decoding: bytes))
            self.credit += credit
        } catch {
            return RPCError(.internal, "an answer of \(method.name) cannot be read: \(error)")
        }
        waiter.take()?.resume(true)
        return nil
    }

    override func end(_ error: RPCError?) {
        if end == nil { end = error.map { .failure($0) } ?? .success(true) }
        waiter.take()?.resume(true)
    }

    var isEnded: Bool { end != nil }

    /// Everything that has arrived, the oldest first, and its credit; suspends until there is
    /// something. Nil at the end.
    func take() async throws(RPCError) -> (messages: [Response], credit: Int)? {
        while messages.isEmpty, end == nil { _ = await suspend { waiter = $0 } }
        if messages.isEmpty {
            _ = try end?.get()
            return nil
        }
        defer { (messages, credit) = ([], 0) }
        return (messages, credit)
    }
}

/// The answers of a server-streaming call, in order; for one consumer, inside the call's closure.
public struct ResponseStream<Response: Message>: AsyncSequence, Sendable {
    let connection: RPCConnection
    let stream: UInt32
    let sink: LoopBound<StreamSink<Response>>

    public struct AsyncIterator: AsyncIteratorProtocol {
        let responses: ResponseStream
        private var taken: [Response] = []
        private var index = 0

        init(_ responses: ResponseStream) { self.responses = responses }

        /// The next answer; nil when the call has ended in order.
        public mutating func next() async throws(RPCError) -> Response? {
            if index == taken.count {
                taken = try await responses.take()
                index = 0
                if taken.isEmpty { return nil }
            }
            defer { index += 1 }
            return taken[index]
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }

    private func take() async throws(RPCError) -> [Response] {
        if connection.loop.isCurrent { return try await takeOnLoop() }
        return try await onLoop(connection.loop) { () throws(RPCError) in
            try await takeOnLoop()
        }
    }

    private func takeOnLoop() async throws(RPCError) -> [Response] {
        let sink = sink.withValue { $0 }
        let (connection, stream) = (connection, stream)
        let result = await withTaskCancellationHandler {
            do throws(RPCError) {
                return Swift.Result<_, RPCError>.success(try await sink.take())
            } catch { return .failure(error) }
        } onCancel: {
            connection.loop.execute { connection.cancelCall(stream) }
        }
        guard let (messages, credit) = try result.get() else { return [] }
        connection.consumed(stream, credit)
        return messages
    }
}
