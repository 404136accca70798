public import Transport

/// Where the answer of a call of ours goes; used on the connection's loop only.
@usableFromInline class ResponseSink {
    @usableFromInline let method: MethodDescriptor
    /// How the call ended: true, or the error.
    @usableFromInline final var end: Result<Bool, RPCError>?
    /// The task that waits for a message or the end.
    final var waiter: Waiter<Bool>?

    @usableFromInline init(_ method: MethodDescriptor) { self.method = method }

    /// Whether the credit of messages is given back as they arrive.
    @usableFromInline var consumesAtOnce: Bool { true }

    /// Takes a message; an error when it is not what the caller expects, and the call is to end.
    @usableFromInline func receive(_ bytes: Span<UInt8>, credit: Int) -> RPCError? { nil }

    /// The call has ended: with an error, or in order.
    final func finish(_ error: RPCError?) {
        if end == nil { end = error.map { .failure($0) } ?? .success(true) }
        wake()
    }

    @usableFromInline final func wake() { waiter.take()?.resume(true) }

    @usableFromInline final func unreadable(_ failure: DecodingFailure) -> RPCError {
        RPCError(.internal, "an answer of \(method.name) cannot be read: \(failure)")
    }
}

/// The answer of a unary call.
@usableFromInline final class UnarySink<Response: Message>: ResponseSink {
    @usableFromInline var response: Response?

    @inlinable override init(_ method: MethodDescriptor) {
        response = nil
        super.init(method)
    }

    @inlinable override func receive(_ bytes: Span<UInt8>, credit: Int) -> RPCError? {
        guard response == nil else {
            return RPCError(.unimplemented, "\(method.name) was answered with several messages")
        }
        do throws(DecodingFailure) {
            response = try Response(decoding: bytes)
            return nil
        } catch { return unreadable(error) }
    }

    /// What the call came to; it has ended.
    @inlinable func result() throws(RPCError) -> Response {
        _ = try end?.get()
        guard let response else {
            throw RPCError(.unimplemented, "\(method.name) was answered without a message")
        }
        return response
    }
}

/// The answers of a server-streaming call that nobody has taken yet.
@usableFromInline final class StreamSink<Response: Message>: ResponseSink {
    @usableFromInline var messages: [Response] = []
    @usableFromInline var credit = 0

    @inlinable override init(_ method: MethodDescriptor) { super.init(method) }

    @inlinable override var consumesAtOnce: Bool { false }

    @inlinable override func receive(_ bytes: Span<UInt8>, credit: Int) -> RPCError? {
        do throws(DecodingFailure) {
            messages.append(try Response(decoding: bytes))
            self.credit += credit
        } catch { return unreadable(error) }
        wake()
        return nil
    }
}

/// The answers of a server-streaming call, in order; for one consumer, inside the call's closure.
public struct ResponseStream<Response: Message>: AsyncSequence, Sendable {
    @usableFromInline let connection: RPCConnection
    @usableFromInline let stream: UInt32
    @usableFromInline let sink: LoopBound<StreamSink<Response>>

    @inlinable init(
        _ connection: RPCConnection, _ stream: UInt32, _ sink: LoopBound<StreamSink<Response>>
    ) {
        self.connection = connection
        self.stream = stream
        self.sink = sink
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        @usableFromInline let responses: ResponseStream
        @usableFromInline var taken: [Response] = []
        @usableFromInline var index = 0

        @inlinable init(_ responses: ResponseStream) { self.responses = responses }

        /// The next answer; nil when the call has ended in order.
        @inlinable public mutating func next() async throws(RPCError) -> Response? {
            if index == taken.count {
                taken = try await responses.take()
                index = 0
                if taken.isEmpty { return nil }
            }
            defer { index += 1 }
            return taken[index]
        }
    }

    @inlinable public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }

    /// Everything that has arrived, the oldest first; empty at the end.
    @inlinable func take() async throws(RPCError) -> [Response] {
        if connection.loop.isCurrent { return try await takeOnLoop() }
        return try await onLoop(connection.loop) { () throws(RPCError) in
            try await takeOnLoop()
        }
    }

    @inlinable func takeOnLoop() async throws(RPCError) -> [Response] {
        let sink = sink.withValue { $0 }
        while sink.messages.isEmpty, sink.end == nil {
            await connection.wait(for: sink, stream)
        }
        if sink.messages.isEmpty {
            _ = try sink.end?.get()
            return []
        }
        let messages = sink.messages
        sink.messages = []
        connection.consumed(stream, sink.credit)
        sink.credit = 0
        return messages
    }
}
