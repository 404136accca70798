public import Transport

extension RPCConnection {
    /// Calls a method with one answer; generated clients come here.
    @inlinable
    public func unary<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions
    ) async throws(RPCError) -> Response {
        if loop.isCurrent { return try await unaryOnLoop(method, request, options) }
        return try await onLoop(loop) { () throws(RPCError) in
            try await unaryOnLoop(method, request, options)
        }
    }

    @inlinable @inline(__always)
    func unaryOnLoop<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions
    ) async throws(RPCError) -> Response {
        let sink = takeSink()
        let stream = try begin(method, options, sink) { request.encode(into: &$0) }
        while sink.end == nil { await wait(for: sink, stream) }
        try sink.check(method)
        do throws(DecodingFailure) {
            let response = try Response(decoding: sink.bytes.span)
            giveBack(sink)
            return response
        } catch {
            throw RPCError(.internal, "the answer of \(method.name) cannot be read: \(error)")
        }
    }

    /// Calls a method with a stream of answers, which lives as long as `body` runs; when `body`
    /// returns before the stream's end, the call is cancelled.
    @inlinable
    public func serverStreaming<Request: Message, Response: Message, Result>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions,
        _ body: (MessageStream<Response>) async throws(RPCError) -> Result
    ) async throws(RPCError) -> Result {
        let responses: MessageStream<Response>
        if loop.isCurrent {
            responses = try open(method, request, options)
        } else {
            responses = try await onLoop(loop) { () throws(RPCError) in
                try open(method, request, options)
            }
        }
        do throws(RPCError) {
            let result = try await body(responses)
            responses.end()
            return result
        } catch {
            responses.end()
            throw error
        }
    }

    @inlinable
    func open<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions
    ) throws(RPCError) -> MessageStream<Response> {
        let buffer = StreamBuffer<Response>()
        let sink = StreamSink(method) { bytes in
            do throws(DecodingFailure) {
                buffer.messages.append(try Response(decoding: bytes))
                return nil
            } catch { return error }
        }
        let stream = try begin(method, options, sink) { request.encode(into: &$0) }
        return MessageStream(self, stream, LoopBound((sink, buffer), on: loop))
    }

    /// A sink for a unary call: one that an earlier call has left, where there is one.
    @usableFromInline func takeSink() -> UnarySink {
        state.withValue { $0.sinks.popLast() } ?? UnarySink()
    }

    /// Keeps the sink of a call that has ended well for a later one.
    @usableFromInline func giveBack(_ sink: UnarySink) {
        // The task may have gone on elsewhere, as an actor's does.
        guard loop.isCurrent else { return }
        sink.reset()
        state.withValue { state in
            if state.sinks.count < 64 { state.sinks.append(sink) }
        }
    }

    /// Suspends until a message or the end has come to the sink, or the task is cancelled, which
    /// ends the call.
    ///
    /// Inlined with its callers: each level of asynchronous calls costs a look-up of the executor.
    @inlinable @inline(__always)
    func wait(for sink: ResponseSink, _ stream: UInt32) async {
        await withTaskCancellationHandler {
            _ = await suspend { sink.waiter = $0 }
        } onCancel: {
            loop.execute { [self] in cancelCall(stream) }
        }
    }

    /// Sends the request; the call's stream.
    @usableFromInline
    func begin(
        _ method: MethodDescriptor, _ options: CallOptions, _ sink: ResponseSink,
        _ encode: (inout WireWriter) -> Void
    ) throws(RPCError) -> UInt32 {
        if Task.isCancelled {
            throw RPCError(
                .cancelled, "\(method.name) was cancelled before it was sent", certainty: .notSent)
        }
        let now = loop.now
        var deadline = UInt64.max
        if let timeout = options.timeout?.nanoseconds ?? method.deadlineNanoseconds {
            deadline = now &+ timeout
        }
        let (stream, channel, isTimerLate) = try state.withValue { state throws(RPCError) in
            let stream = try state.core.call(
                method, deadline: deadline, now: now, .call(sink), encode)
            return (stream, state.channel, deadline < state.timerAt)
        }
        channel?.setNeedsFlush()
        if isTimerLate { updateTimer() }
        return stream
    }

    /// Gives a call of ours up, if it has not ended; only on the loop.
    @usableFromInline func cancelCall(_ stream: UInt32) {
        let attachment = state.withValue { $0.core.cancel(stream) }
        guard case .call(let sink)? = attachment else { return }
        sink.finish(
            RPCError(.cancelled, "the call to \(peer) was cancelled", certainty: .maybeProcessed))
        setNeedsFlush()
        if isDraining { closeIfDrained() }
    }

    /// Gives a message of an answer to its call.
    func deliver(_ stream: UInt32, _ bytes: Span<UInt8>, _ credit: Int, _ isLast: Bool) {
        let sink = state.withValue { state -> ResponseSink? in
            guard let slot = state.core.streams.slot(of: stream),
                case .call(let sink)? = state.core.streams[slot].attachment
            else { return nil }
            if isLast {
                state.core.completeCall(slot: slot)
                state.core.owe(credit)
            } else if sink.consumesAtOnce {
                state.core.consumed(stream, credit)
            }
            return sink
        }
        guard let sink else { return }
        let failure = sink.receive(bytes, credit: isLast || sink.consumesAtOnce ? 0 : credit)
        if isLast {
            sink.finish(failure)
        } else if let failure {
            state.withValue { state in
                _ = state.core.cancel(stream)
                if !sink.consumesAtOnce { state.core.owe(credit) }
            }
            sink.finish(failure)
        }
    }

    /// The caller has taken messages: their bytes are credited to the peer.
    @usableFromInline func consumed(_ stream: UInt32, _ credit: Int) {
        state.withValue { $0.core.consumed(stream, credit) }
        setNeedsFlush()
    }
}
