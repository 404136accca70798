public import Transport

/// The decoded messages of a stream that nobody has taken yet.
@usableFromInline final class StreamBuffer<Element: Message> {
    @usableFromInline var messages: [Element] = []

    @inlinable init() {}
}

/// The messages that the other end of a call sends, in order; for one reader, while the call lives.
///
/// Messages that are not read hold the sender up: it gets credit as they are taken.
public struct MessageStream<Element: Message>: AsyncSequence, Sendable {
    @usableFromInline let connection: RPCConnection
    @usableFromInline let arrived: LoopBound<(StreamSink, StreamBuffer<Element>)>

    /// Makes the stream of a sink that decodes into a buffer; only on the connection's loop.
    @inlinable init(_ connection: RPCConnection, _ method: MethodDescriptor) {
        let buffer = StreamBuffer<Element>()
        let sink = StreamSink(connection, method) { bytes in
            do throws(DecodingFailure) {
                buffer.messages.append(try Element(decoding: bytes))
                return nil
            } catch { return error }
        }
        self.connection = connection
        arrived = LoopBound((sink, buffer), on: connection.loop)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        @usableFromInline let stream: MessageStream
        @usableFromInline var taken: [Element] = []
        @usableFromInline var index = 0

        @inlinable init(_ stream: MessageStream) { self.stream = stream }

        /// The next message; nil when the other end has said all.
        ///
        /// Throws the status of a call that failed, once the messages before it have been taken.
        @inlinable public mutating func next() async throws(RPCError) -> Element? {
            try await next(isolation: nil)
        }

        /// The same, without leaving the caller's actor.
        @inlinable public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(RPCError) -> Element? {
            if index == taken.count {
                taken = try await stream.take()
                index = 0
                if taken.isEmpty { return nil }
            }
            defer { index += 1 }
            return taken[index]
        }
    }

    @inlinable public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }

    @inlinable var sink: StreamSink { arrived.withValue { $0.0 } }

    /// How many of the messages that have arrived came compressed.
    public func compressedCount() async throws(RPCError) -> Int {
        if connection.loop.isCurrent { return arrived.withValue { $0.0.compressedCount } }
        return try await onLoop(connection.loop) { () throws(RPCError) in
            arrived.withValue { $0.0.compressedCount }
        }
    }

    /// Everything that has arrived, the oldest first; empty at the end.
    @inlinable func take() async throws(RPCError) -> [Element] {
        // Looked at after each wait: an actor's task may go on where the actor is, and one without
        // a preference anywhere.
        while connection.loop.isCurrent {
            let messages = drain()
            if !messages.isEmpty { return messages }
            let sink = sink
            if let end = sink.end {
                _ = try end.get()
                return []
            }
            precondition(!sink.isWaiting, "a stream has one reader")
            await sink.wait()
        }
        return try await onLoop(connection.loop) { () throws(RPCError) in try await take() }
    }

    /// Empties the buffer and gives its credit back; only on the loop.
    @inlinable func drain() -> [Element] {
        let (sink, buffer) = arrived.withValue { $0 }
        if buffer.messages.isEmpty { return [] }
        let messages = buffer.messages
        buffer.messages = []
        let credit = sink.credit
        sink.credit = 0
        if credit > 0 { connection.consumed(sink.stream, credit) }
        return messages
    }

    /// Gives the call up, if it has not ended, and what was not taken.
    @inlinable func end() {
        connection.loop.perform {
            connection.cancelCall(sink.stream)
            _ = drain()
        }
    }
}
