public import Transport

/// Where the answer of a call of ours goes; used on the connection's loop only.
@usableFromInline class ResponseSink {
    /// How the call ended: true, or the error.
    @usableFromInline final var end: Result<Bool, RPCError>?
    /// The task that waits for a message or the end.
    @usableFromInline final var waiter: Waiter<Bool>?

    @usableFromInline init() {}

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
}

/// The answer of a unary call, which its caller decodes.
///
/// Sinks are used again for later calls of their connection, with the memory of their buffer; and
/// they are not generic, since the methods of a generic class are not specialised.
@usableFromInline final class UnarySink: ResponseSink {
    @usableFromInline var bytes: [UInt8] = []
    private var messageCount = 0

    /// Memory beyond this is not kept for the next call.
    private static let keptBytesMax = 16 << 10

    override func receive(_ bytes: Span<UInt8>, credit: Int) -> RPCError? {
        messageCount += 1
        if messageCount > 1 {
            return RPCError(.unimplemented, "a unary call was answered with several messages")
        }
        self.bytes.append(bytes, 0..<bytes.count)
        return nil
    }

    /// Makes the sink ready for another call; only once its call has ended.
    func reset() {
        end = nil
        messageCount = 0
        if bytes.capacity > Self.keptBytesMax {
            bytes = []
        } else {
            bytes.removeAll(keepingCapacity: true)
        }
    }

    /// Checks that the call ended with a message.
    @usableFromInline func check(_ method: MethodDescriptor) throws(RPCError) {
        _ = try end?.get()
        guard messageCount == 1 else {
            throw RPCError(.unimplemented, "\(method.name) was answered without a message")
        }
    }
}

/// The answers of a server-streaming call on their way to its buffer.
@usableFromInline final class StreamSink: ResponseSink {
    @usableFromInline typealias Accept = (Span<UInt8>) -> DecodingFailure?

    private let method: MethodDescriptor
    /// Decodes a message into the call's buffer.
    private let accept: Accept
    /// The credit of the messages in the buffer.
    @usableFromInline var credit = 0

    @usableFromInline init(_ method: MethodDescriptor, _ accept: @escaping Accept) {
        self.method = method
        self.accept = accept
        super.init()
    }

    override var consumesAtOnce: Bool { false }

    override func receive(_ bytes: Span<UInt8>, credit: Int) -> RPCError? {
        if let failure = accept(bytes) {
            return RPCError(.internal, "an answer of \(method.name) cannot be read: \(failure)")
        }
        self.credit += credit
        wake()
        return nil
    }
}

/// The decoded answers of a server-streaming call that nobody has taken yet.
@usableFromInline final class StreamBuffer<Response: Message> {
    @usableFromInline var messages: [Response] = []

    @inlinable init() {}
}

/// The answers of a server-streaming call, in order; for one consumer, inside the call's closure.
public struct MessageStream<Response: Message>: AsyncSequence, Sendable {
    @usableFromInline let connection: RPCConnection
    @usableFromInline let stream: UInt32
    @usableFromInline let arrived: LoopBound<(StreamSink, StreamBuffer<Response>)>

    @inlinable init(
        _ connection: RPCConnection, _ stream: UInt32,
        _ arrived: LoopBound<(StreamSink, StreamBuffer<Response>)>
    ) {
        self.connection = connection
        self.stream = stream
        self.arrived = arrived
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        @usableFromInline let responses: MessageStream
        @usableFromInline var taken: [Response] = []
        @usableFromInline var index = 0

        @inlinable init(_ responses: MessageStream) { self.responses = responses }

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
        // Looked at after each wait: an actor's task may go on where the actor is, and one without
        // a preference anywhere.
        while connection.loop.isCurrent {
            let (sink, buffer) = arrived.withValue { $0 }
            if !buffer.messages.isEmpty {
                let messages = buffer.messages
                forget()
                return messages
            }
            if let end = sink.end {
                _ = try end.get()
                return []
            }
            await connection.wait(for: sink, stream)
        }
        return try await onLoop(connection.loop) { () throws(RPCError) in try await take() }
    }

    /// Empties the buffer and gives its credit back; only on the loop.
    @inlinable func forget() {
        let (sink, buffer) = arrived.withValue { $0 }
        buffer.messages = []
        let credit = sink.credit
        sink.credit = 0
        if credit > 0 { connection.consumed(stream, credit) }
    }

    /// Gives the call up, if it has not ended, and what was not taken.
    @inlinable func end() {
        connection.loop.perform {
            connection.cancelCall(stream)
            forget()
        }
    }
}
