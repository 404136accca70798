import Synchronization
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
        if needsQueue { try await queue(method, options) }
        try begin(method, options, sink) { request.encode(into: &$0) }
        while sink.end == nil { await sink.wait() }
        return try response(sink, method)
    }

    /// The answer that has come to a sink, which is then used again.
    @inlinable @inline(__always)
    func response<Response: Message>(_ sink: UnarySink, _ method: MethodDescriptor)
        throws(RPCError) -> Response
    {
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
            responses = try await open(method, request, options)
        } else {
            responses = try await onLoop(loop) { () throws(RPCError) in
                try await open(method, request, options)
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
    ) async throws(RPCError) -> MessageStream<Response> {
        if needsQueue { try await queue(method, options) }
        let responses = MessageStream<Response>(self, method)
        try begin(method, options, responses.sink) { request.encode(into: &$0) }
        return responses
    }

    /// Calls a method with a stream of requests, which `send` writes; the answer follows its end.
    ///
    /// When the answer comes before `send` has ended, its writes throw, and the answer counts.
    @inlinable
    public func clientStreaming<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ options: CallOptions,
        _ send: (MessageWriter<Request>) async throws(RPCError) -> Void
    ) async throws(RPCError) -> Response {
        let (writer, call) = try await openUpload(Request.self, method, options)
        do throws(RPCError) {
            try await send(writer)
            writer.finish()
        } catch {
            guard try await hasAnswer(call) else {
                loop.perform { [self] in cancelCall(writer.stream) }
                throw error
            }
        }
        return try await answer(call, method)
    }

    @inlinable
    func openUpload<Request: Message>(
        _: Request.Type, _ method: MethodDescriptor, _ options: CallOptions
    ) async throws(RPCError) -> (MessageWriter<Request>, LoopBound<MessageSink>) {
        guard loop.isCurrent else {
            return try await onLoop(loop) { () throws(RPCError) in
                try await openUpload(Request.self, method, options)
            }
        }
        if needsQueue { try await queue(method, options) }
        let sink = takeSink()
        try begin(method, options, sink) { _ in }
        let call = LoopBound<MessageSink>(confined: sink, on: loop)
        return (MessageWriter(self, sink.stream, call), call)
    }

    /// Whether an answer has come in order.
    @usableFromInline
    func hasAnswer(_ call: LoopBound<MessageSink>) async throws(RPCError) -> Bool {
        guard loop.isCurrent else {
            return try await onLoop(loop) { () throws(RPCError) in try await hasAnswer(call) }
        }
        if case .success? = call.withValue({ $0.end }) { return true }
        return false
    }

    @inlinable
    func answer<Response: Message>(_ call: LoopBound<MessageSink>, _ method: MethodDescriptor)
        async throws(RPCError) -> Response
    {
        while loop.isCurrent {
            let sink = call.withValue { $0 }
            guard sink.end == nil else {
                guard let unary = sink as? UnarySink else {
                    throw RPCError(.internal, "\(method.name) has no answer")
                }
                return try response(unary, method)
            }
            await sink.wait()
        }
        return try await onLoop(loop) { () throws(RPCError) in try await answer(call, method) }
    }

    /// Calls a method with a stream each way, which live as long as `body` runs; when `body`
    /// returns before the end of the answers, the call is cancelled.
    @inlinable
    public func bidirectional<Request: Message, Response: Message, Result>(
        _ method: MethodDescriptor, _ options: CallOptions,
        _ body: (MessageWriter<Request>, MessageStream<Response>) async throws(RPCError) -> Result
    ) async throws(RPCError) -> Result {
        let responses: MessageStream<Response>
        let writer: MessageWriter<Request>
        (writer, responses) = try await openBoth(method, options)
        do throws(RPCError) {
            let result = try await body(writer, responses)
            responses.end()
            return result
        } catch {
            responses.end()
            throw error
        }
    }

    @inlinable
    func openBoth<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ options: CallOptions
    ) async throws(RPCError) -> (MessageWriter<Request>, MessageStream<Response>) {
        guard loop.isCurrent else {
            return try await onLoop(loop) { () throws(RPCError) in
                try await openBoth(method, options)
            }
        }
        if needsQueue { try await queue(method, options) }
        let responses = MessageStream<Response>(self, method)
        let sink = responses.sink
        try begin(method, options, sink) { _ in }
        let call = LoopBound<MessageSink>(confined: sink, on: loop)
        return (MessageWriter(self, sink.stream, call), responses)
    }

    /// A sink for a unary call: one that an earlier call has left, where there is one.
    @usableFromInline func takeSink() -> UnarySink {
        state.withValue { $0.sinks.popLast() } ?? UnarySink(self)
    }

    /// Keeps the sink of a call that has ended well for a later one.
    @usableFromInline func giveBack(_ sink: UnarySink) {
        // The task may have gone on elsewhere, as an actor's does.
        guard loop.isCurrent else { return }
        sink.reset()
        state.withValue { state in
            if state.sinks.count < 64, state.end == nil { state.sinks.append(sink) }
        }
    }

    /// Sends the request, or the head of a stream of them.
    @usableFromInline
    func begin(
        _ method: MethodDescriptor, _ options: CallOptions, _ sink: MessageSink,
        _ encode: (inout WireWriter) -> Void
    ) throws(RPCError) {
        if Task.isCancelled {
            throw RPCError(
                .cancelled, "\(method.name) was cancelled before it was sent", certainty: .notSent)
        }
        let now = loop.now
        var terms = ConnectionCore<CallState>.CallTerms()
        terms.deadline = deadline(method, options, now)
        if terms.deadline == .max { terms.heartbeat = method.idleNanoseconds / 3 }
        terms.streamsRequest =
            method.kind == .clientStreaming || method.kind == .bidirectional
        if let more = options.more {
            sink.report = more.report
            if !more.metadata.isEmpty { terms.metadata = more.metadata }
            terms.isCompressed = more.compressesRequest && takesCompressed
        }
        sink.began = now
        var compressed: [UInt8] = []
        if terms.isCompressed, !terms.streamsRequest { compressed = deflate(encode) }
        let (channel, isTimerLate) = try state.withValue {
            state throws(RPCError) -> (Channel?, Bool) in
            sink.stream = try state.core.call(method, terms, now: now, sink) { writer in
                if terms.isCompressed, !terms.streamsRequest {
                    writer.bytes.append(contentsOf: compressed)
                } else {
                    encode(&writer)
                }
            }
            state.tally.callsMade &+= 1
            return (state.channel, state.core.streamsDue < state.timerAt)
        }
        channel?.setNeedsFlush()
        if isTimerLate { updateTimer() }
        if terms.isCompressed, terms.streamsRequest {
            state.withValue { $0.core.setCompression(sink.stream, true) }
        }
    }

    /// The earliest of what the caller, the schema and the call that this one is made for say.
    func deadline(_ method: MethodDescriptor, _ options: CallOptions, _ now: UInt64)
        -> UInt64
    {
        let timeout = options.timeout?.nanoseconds ?? method.deadlineNanoseconds
        let (own, isFar) = now.addingReportingOverflow(timeout)
        let inherited = CallContext.current?.deadline.load(ordering: .relaxed) ?? .max
        return min(isFar ? .max : own, inherited)
    }

    /// Gives a call of ours up, if it has not ended; only on the loop.
    @usableFromInline func cancelCall(_ stream: UInt32) {
        let attachment = state.withValue { $0.core.cancel(stream) }
        guard let sink = attachment?.sink else { return }
        sink.finish(
            RPCError(.cancelled, "the call to \(peer) was cancelled", certainty: .maybeProcessed))
        callOver()
    }

    /// Says that a call's stream of requests is whole; only on the loop.
    @usableFromInline func endRequest(_ stream: UInt32) {
        state.withValue { $0.core.endRequest(stream) }
        setNeedsFlush()
    }

    /// A call of ours has ended: others may begin.
    private func callOver() {
        setNeedsFlush()
        admitQueued()
        if isDraining { closeIfDrained() }
    }

    /// The call that the core has ended.
    func callEnded() {
        let (attachment, error, metadata) = state.withValue { state in
            defer { state.core.detail.metadata = Metadata() }
            return (
                state.core.detail.attachment, state.core.detail.error, state.core.detail.metadata
            )
        }
        guard let sink = attachment?.sink else { return }
        state.withValue { $0.core.detail.attachment = nil }
        if !metadata.isEmpty { sink.report?.note(trailers: metadata) }
        sink.finish(error.map { explained($0, sink) })
        callOver()
    }

    /// The error with the hop that this call was.
    private func explained(_ error: RPCError, _ sink: MessageSink) -> RPCError {
        var error = error
        let stage: Hop.Stage =
            switch (error.code, error.certainty) {
            case (.deadlineExceeded, .notSent): .send
            case (.deadlineExceeded, _): .deadline
            case (_, .notSent): .send
            default: .handler
            }
        let elapsed = (loop.now &- sink.began) / 1000
        error.hops.insert(
            Hop(
                peer: peer.description, method: sink.methodName, stage: stage,
                times: [Hop.Time(stage == .send ? .send : .handler, microseconds: elapsed)]),
            at: 0)
        return error
    }

    // MARK: - Messages that come

    /// Gives a message to its reader.
    func deliver(
        _ stream: UInt32, _ body: ConnectionCore<CallState>.Body, isLast: Bool, hasHead: Bool
    ) {
        if hasHead { noteHead(stream) }
        let place = IncomingBody(
            range: body.range, isAssembled: body.isAssembled, isCompressed: body.isCompressed,
            credit: body.credit)
        let (sink, isOurs) = state.withValue { state -> (MessageSink?, Bool) in
            guard let slot = state.core.streams.slot(of: stream) else { return (nil, false) }
            let sink = state.core.streams[slot].attachment?.sink
            let isOurs = state.core.isOurs(stream)
            if isOurs, isLast { state.core.takeCall(stream) }
            return (sink, isOurs)
        }
        guard let sink else { return }
        receive(sink, isLast ? 0 : stream, place)
        guard isLast else { return }
        sink.finish(nil)
        if isOurs { callOver() }
    }

    /// Reads a message into a sink; `stream` is 0 when it has ended.
    func receive(_ sink: MessageSink, _ stream: UInt32, _ place: IncomingBody) {
        let holds = sink.holdsMessages && stream != 0
        state.withValue { state in
            if holds {
                state.core.hold(stream, place.credit, isAssembled: place.isAssembled)
            } else if stream != 0 {
                if !place.isAssembled { state.core.owe(place.credit) }
                state.core.consumed(stream, place.credit)
            } else if !place.isAssembled {
                state.core.owe(place.credit)
            }
        }
        let credit = holds ? place.credit : 0
        var failure: RPCError?
        if !place.isAssembled, !place.isCompressed {
            failure = loop.withLent { sink.receive($0.extracting(place.range), credit: credit) }
        } else {
            if place.isCompressed { sink.report?.noteCompressed() }
            switch bytes(of: place) {
            case .success(let bytes): failure = sink.receive(bytes.span, credit: credit)
            case .failure(let error): failure = error
            }
        }
        guard let failure else { return }
        sink.finish(failure)
        if stream != 0 { giveUp(stream, failure) }
    }

    /// Ends a call of which a message cannot be read.
    private func giveUp(_ stream: UInt32, _ failure: RPCError) {
        let isOurs = state.withValue { $0.core.isOurs(stream) }
        if isOurs {
            _ = state.withValue { $0.core.cancel(stream) }
            callOver()
        } else {
            let event = state.withValue { $0.core.endServed(stream, failure) }
            if event != nil { cancelHandler(stream) }
        }
    }

    /// Tells a caller of the metadata at the head of its answer.
    func noteHead(_ stream: UInt32) {
        let metadata = state.withValue { state in
            defer { state.core.detail.metadata = Metadata() }
            return state.core.detail.metadata
        }
        attachment(of: stream)?.sink?.report?.note(head: metadata)
    }

    /// A reader has taken messages: their bytes are credited to the peer.
    @usableFromInline func consumed(_ stream: UInt32, _ credit: Int) {
        state.withValue { $0.core.consumed(stream, credit) }
        setNeedsFlush()
    }
}
