public import Transport

/// The decoded messages of a stream that nobody has taken yet.
@usableFromInline struct Untaken<Element: Message> {
    @usableFromInline var messages: [Element] = []
    @usableFromInline var credit = 0

    @inlinable init() {}
}

/// The messages that the other end of a call sends, in order; for one reader, while the call lives.
///
/// Messages that are not read hold the sender up: it gets credit as they are taken.
public struct MessageStream<Element: Message>: AsyncSequence, Sendable {
    @usableFromInline let connection: RPCConnection
    @usableFromInline let untaken: LoopBound<Untaken<Element>>
    @usableFromInline let call: LoopReference<StreamSink>

    /// Makes the stream of a sink that decodes into a buffer; only on the connection's loop.
    @inlinable init(_ connection: RPCConnection, _ method: MethodDescriptor) {
        let untaken = LoopBound(Untaken<Element>(), on: connection.loop)
        let sink = StreamSink(connection, method) { bytes, credit in
            do throws(DecodingFailure) {
                try untaken.withValue { untaken throws(DecodingFailure) in
                    untaken.messages.append(try Element(decoding: bytes))
                    untaken.credit += credit
                }
                return nil
            } catch { return error }
        }
        self.connection = connection
        self.untaken = untaken
        call = LoopReference(sink, of: connection.loop)
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
        @inlinable @inline(__always) public mutating func next(
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

    @inlinable var sink: StreamSink { call.object }

    /// How many of the messages that have arrived came compressed.
    public func compressedCount() async throws(RPCError) -> Int {
        if connection.loop.isCurrent { return sink.compressedCount }
        return try await onLoop(connection.loop) { () throws(RPCError) in sink.compressedCount }
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
        let taken = untaken.withValue { untaken in
            var taken = Untaken<Element>()
            swap(&taken, &untaken)
            return taken
        }
        if taken.credit > 0 { connection.consumed(sink.stream, taken.credit) }
        return taken.messages
    }

    /// Gives the call up, if it has not ended, and what was not taken.
    @inlinable func end() {
        connection.loop.perform {
            connection.cancelCall(sink.stream)
            _ = drain()
        }
    }
}
