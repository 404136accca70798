public import Transport

/// Sends the messages of a stream: a caller's requests, or a handler's answers.
public struct MessageWriter<Element: Message>: Sendable {
    @usableFromInline let connection: RPCConnection
    @usableFromInline let stream: UInt32
    /// Of a call of ours: where its answer goes, which says why it ended.
    @usableFromInline let call: LoopBound<MessageSink>?

    @inlinable init(
        _ connection: RPCConnection, _ stream: UInt32, _ call: LoopBound<MessageSink>? = nil
    ) {
        self.connection = connection
        self.stream = stream
        self.call = call
    }

    /// Sends one message; suspends while the peer's credit or the socket does not take it.
    ///
    /// Throws what ended the call: for a handler `.cancelled` when the caller is gone or the call's
    /// time is over, and a resumable `.unavailable` when the server drains; for a caller the
    /// status that the handler answered with, or `.cancelled`.
    @inlinable public func write(_ message: Element) async throws(RPCError) {
        while connection.loop.isCurrent {
            if let call { _ = try call.withValue { $0.end }?.get() }
            switch try connection.write(stream, { message.encode(into: &$0) }) {
            case .sent: return
            case .waits: return try await connection.waitForBacklog(stream)
            // Another task's message of this stream is still waiting.
            case .busy: try await connection.waitForBacklog(stream)
            }
        }
        try await onLoop(connection.loop) { () throws(RPCError) in try await write(message) }
    }

    /// Has the messages that follow compressed or not, where the other end takes that.
    public func compress(_ isOn: Bool = true) async throws(RPCError) {
        try await connection.change(stream) { (core) throws(RPCError) in
            core.setCompression(stream, isOn)
        }
    }

    /// Tells the other end of a request stream that no further message comes.
    ///
    /// The answers go on. Without it, the end of the call's closure says so.
    public func finish() {
        connection.loop.perform { connection.endRequest(stream) }
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
