import Synchronization
public import Transport

extension RPCConnection {
    /// Calls a method with one answer; nil when it could not begin at once, on this task's loop.
    @inlinable @inline(__always)
    func atOnce<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions
    ) async throws(RPCError) -> Response? {
        guard loop.isCurrent, options.box == nil,
            let sink = try begin(method, options, { request.encode(into: &$0) })
        else { return nil }
        await sink.waitBriefly()
        if let response: Response = try arriving(sink, method) { return response }
        return try await lateAnswer(LoopReference(sink, of: loop), method)
    }

    /// Calls a method with one answer.
    @inlinable
    public func unary<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions
    ) async throws(RPCError) -> Response {
        if let response: Response = try await atOnce(method, request, options) { return response }
        return try await onLoop(loop) { () throws(RPCError) in
            if let response: Response = try await atOnce(method, request, options) {
                return response
            }
            return try await lateUnary(method, request, options)
        }
    }

    // What must happen on the loop stands in one function with the look at whether this is it, and
    // nothing that suspends between. A call of another asynchronous function begins with a change to
    // where the task belongs, which for one that prefers no loop is another thread, although it
    // may have run on the loop until then.

    /// Begins a call by `body` on the loop, once the peer serves fewer if need be.
    ///
    /// - Parameter body: Gets the deadline of a call that has waited.
    @inlinable
    func whenRoom<Result: Sendable>(
        _ method: MethodDescriptor, _ options: CallOptions,
        _ body: @Sendable (UInt64?) throws(RPCError) -> Result
    ) async throws(RPCError) -> Result {
        if loop.isCurrent, !needsQueue { return try body(nil) }
        return try await onLoop(loop) { () throws(RPCError) in
            let due = needsQueue ? try await queue(method, options) : nil
            return try body(due)
        }
    }

    /// The answer of a call that is not answered within ``brief``, or whose task did not run when
    /// the answer came.
    @inlinable
    func lateAnswer<Response: Message>(
        _ sink: LoopReference<UnarySink>, _ method: MethodDescriptor
    ) async throws(RPCError) -> Response {
        while loop.isCurrent {
            if sink.object.end != nil {
                guard let parts = try largeAnswer(sink.object, method) else {
                    return try response(sink.object, method)
                }
                return try await read(parts, method)
            }
            await sink.object.wait()
            if let response: Response = try arriving(sink.object, method) { return response }
        }
        return try await onLoop(loop) { () throws(RPCError) in try await lateAnswer(sink, method) }
    }

    /// Calls a method that could not begin at once: the peer serves as many calls as it may, or the
    /// caller wants to hear of more than the answer.
    @inlinable
    func lateUnary<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions
    ) async throws(RPCError) -> Response {
        let sink = try await whenRoom(method, options) { (due) throws(RPCError) in
            let sink = takeSink()
            try begin(method, options, sink, due: due) { request.encode(into: &$0) }
            return LoopReference(sink, of: loop)
        }
        return try await lateAnswer(sink, method)
    }

    /// The answer that is still where it arrived; nil when it must be looked for in its sink.
    @inlinable @inline(__always)
    func arriving<Response: Message>(_ sink: UnarySink, _ method: MethodDescriptor)
        throws(RPCError) -> Response?
    {
        guard let range = takeArriving(sink) else { return nil }
        var response: Response?
        var failure: DecodingFailure?
        loop.withLent { bytes in
            do throws(DecodingFailure) {
                response = try Response(decoding: bytes.extracting(range))
            } catch { failure = error }
        }
        if let failure { throw unreadable(method, failure) }
        return response
    }

    /// Where the answer is for which the sink's task runs now; nil when it is not there.
    @usableFromInline func takeArriving(_ sink: UnarySink) -> Range<Int>? {
        guard loop.isCurrent else { return nil }
        return state.withValue { state in
            guard state.arriving.stream == sink.stream else { return nil }
            state.arriving.stream = 0
            return state.arriving.range
        }
    }

    @usableFromInline func unreadable(_ method: MethodDescriptor, _ failure: DecodingFailure)
        -> RPCError
    {
        RPCError(.internal, "the answer of \(method.name) cannot be read: \(failure)")
    }

    /// The answer that has come to a sink, which is then used again, if it is a large one.
    @usableFromInline
    func largeAnswer(_ sink: UnarySink, _ method: MethodDescriptor) throws(RPCError) -> Assembly? {
        guard let parts = sink.takeLarge() else { return nil }
        try sink.check(method)
        giveBack(sink)
        return parts
    }

    /// Reads a large answer, over several turns of the loop.
    @inlinable
    func read<Response: Message>(_ parts: Assembly, _ method: MethodDescriptor)
        async throws(RPCError) -> Response
    {
        do throws(DecodingFailure) {
            return try await Response.read(parts, on: loop)
        } catch { throw unreadable(method, error) }
    }

    /// The answer that has come to a sink, which is then used again.
    @inlinable
    func response<Response: Message>(_ sink: UnarySink, _ method: MethodDescriptor)
        throws(RPCError) -> Response
    {
        try sink.check(method)
        do throws(DecodingFailure) {
            let response = try Response(decoding: sink.bytes.span)
            giveBack(sink)
            return response
        } catch {
            throw unreadable(method, error)
        }
    }

    /// Calls a method with a stream of answers, which lives as long as `body` runs; when `body`
    /// returns before the stream's end, the call is cancelled.
    @inlinable
    public func serverStreaming<Request: Message, Response: Message, Result>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions,
        _ body: (MessageStream<Response>) async throws(RPCError) -> Result
    ) async throws(RPCError) -> Result {
        let responses = try await whenRoom(method, options) { (due) throws(RPCError) in
            let responses = MessageStream<Response>(self, method)
            try begin(method, options, responses.sink, due: due) { request.encode(into: &$0) }
            return responses
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

    /// Calls a method with a stream of requests, which `send` writes; the answer follows its end.
    ///
    /// When the answer comes before `send` has ended, its writes throw, and the answer counts.
    @inlinable
    public func clientStreaming<Request: Message, Response: Message>(
        _ method: MethodDescriptor, _ options: CallOptions,
        _ send: (MessageWriter<Request>) async throws(RPCError) -> Void
    ) async throws(RPCError) -> Response {
        let (writer, call) = try await whenRoom(method, options) { (due) throws(RPCError) in
            let sink = takeSink()
            try begin(method, options, sink, due: due) { _ in }
            let call = LoopBound<MessageSink>(confined: sink, on: loop)
            return (MessageWriter<Request>(self, sink.stream, call), call)
        }
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
                guard let parts = try largeAnswer(unary, method) else {
                    return try response(unary, method)
                }
                return try await read(parts, method)
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
        let (writer, responses) = try await whenRoom(method, options) { (due) throws(RPCError) in
            let responses = MessageStream<Response>(self, method)
            let sink = responses.sink
            try begin(method, options, sink, due: due) { _ in }
            let call = LoopBound<MessageSink>(confined: sink, on: loop)
            return (MessageWriter<Request>(self, sink.stream, call), responses)
        }
        do throws(RPCError) {
            let result = try await body(writer, responses)
            responses.end()
            return result
        } catch {
            responses.end()
            throw error
        }
    }

    /// A sink for a unary call: one that an earlier call has left, where there is one.
    @usableFromInline func takeSink() -> UnarySink {
        state.withValue { $0.takeSink() } ?? UnarySink(self)
    }

    /// Keeps the sink of a call that has ended well for a later one.
    @usableFromInline func giveBack(_ sink: UnarySink) {
        sink.reset()
        state.withValue { state in
            if state.end == nil { state.keep(sink) }
        }
    }

    /// Begins a call for one answer, of which nothing else is to be told; nil when it must wait for
    /// room.
    @usableFromInline
    func begin(
        _ method: MethodDescriptor, _ options: CallOptions, _ encode: (inout WireWriter) -> Void
    ) throws(RPCError) -> UnarySink? {
        if isCurrentTaskCancelled { throw Self.cancelled(method) }
        let now = loop.now
        var terms = terms(method, options, nil, now)
        terms.isForOneAnswer = true
        let (sink, isTimerLate, isFirst) = try state.withValue {
            state throws(RPCError) -> (UnarySink?, Bool, Bool) in
            if state.needsQueue { return (nil, false, false) }
            let sink = state.takeSink() ?? UnarySink(self)
            sink.began = now
            sink.stream = try state.core.call(method, terms, now: now, sink, encode)
            state.tally.callsMade &+= 1
            state.needFlush()
            let isFirst = state.firstBrief == 0
            if isFirst { state.firstBrief = sink.stream }
            return (sink, state.core.streamsDue < state.timerAt, isFirst)
        }
        if isTimerLate { updateTimer() }
        if isFirst { scheduleBrief(now &+ Self.brief) }
        return sink
    }

    // To watch for the cancellation of its task costs as much as the rest of a call's wait, and most
    // calls are answered long before anybody could want that. So a call first waits without, and
    // its task is woken once to wait on with it.

    /// How long a call may wait without hearing that its task was cancelled, in nanoseconds.
    private static var brief: UInt64 { 10_000_000 }

    private func scheduleBrief(_ due: UInt64) {
        let timer = loop.schedule(at: due) { [self] in endBriefWaits() }
        state.withValue { $0.briefTimer = timer }
    }

    /// Wakes the callers that have waited for ``brief``.
    private func endBriefWaits() {
        let now = loop.now
        let (calls, next) = state.withValue { state -> ([CallState], UInt64?) in
            var (calls, stream) = ([CallState](), state.firstBrief)
            (state.firstBrief, state.briefTimer) = (0, nil)
            while stream < state.core.nextStream {
                if let slot = state.core.streams.slot(of: stream),
                    state.core.streams[slot].flags.contains(.awaitsAnswer),
                    let call = state.core.streams[slot].attachment
                {
                    let end = call.began &+ Self.brief
                    if end > now {
                        state.firstBrief = stream
                        return (calls, end)
                    }
                    calls.append(call)
                }
                stream += 2
            }
            return (calls, nil)
        }
        for call in calls { call.wake() }
        if let next { scheduleBrief(next) }
    }

    /// When a call must end, and how often it wants to hear of the other end until then.
    private func terms(
        _ method: MethodDescriptor, _ options: CallOptions, _ due: UInt64?, _ now: UInt64
    ) -> ConnectionCore<CallState>.CallTerms {
        var terms = ConnectionCore<CallState>.CallTerms()
        terms.deadline = due ?? deadline(method, options, now)
        if terms.deadline == .max {
            terms.heartbeat = max(
                method.idleNanoseconds / 3, ConnectionCore<CallState>.heartbeatFloor)
        }
        return terms
    }

    private static func cancelled(_ method: MethodDescriptor) -> RPCError {
        RPCError(
            .cancelled, "\(method.name) was cancelled before it was sent", certainty: .notSent)
    }

    /// Sends the request, or the head of a stream of them.
    @usableFromInline
    func begin(
        _ method: MethodDescriptor, _ options: CallOptions, _ sink: MessageSink,
        due: UInt64? = nil, _ encode: (inout WireWriter) -> Void
    ) throws(RPCError) {
        if isCurrentTaskCancelled { throw Self.cancelled(method) }
        let now = loop.now
        var terms = terms(method, options, due, now)
        terms.streamsRequest =
            method.kind == .clientStreaming || method.kind == .bidirectional
        if let more = options.more {
            sink.report = more.report
            if !more.metadata.isEmpty { terms.metadata = more.metadata }
            terms.isCompressed = more.compressesRequest && takesCompressed
        }
        sink.began = now
        let compressed =
            terms.isCompressed && !terms.streamsRequest ? deflate(encode) : nil
        let isTimerLate = try state.withValue { state throws(RPCError) -> Bool in
            sink.stream = try state.core.call(method, terms, now: now, sink) { writer in
                if let compressed {
                    writer.bytes.append(contentsOf: compressed)
                } else {
                    encode(&writer)
                }
            }
            state.tally.callsMade &+= 1
            state.needFlush()
            if terms.isCompressed, terms.streamsRequest {
                state.core.setCompression(sink.stream, true)
            }
            return state.core.streamsDue < state.timerAt
        }
        if isTimerLate { updateTimer() }
    }

    /// The earliest of what the caller, the schema and the call that this one is made for say.
    @usableFromInline
    func deadline(_ method: MethodDescriptor, _ options: CallOptions, _ now: UInt64)
        -> UInt64
    {
        let timeout = options.timeout?.nanoseconds ?? method.deadlineNanoseconds
        let (own, isFar) = now.addingReportingOverflow(timeout)
        return min(isFar ? .max : own, CallContext.currentDeadline)
    }

    /// Gives a call of ours up, if it has not ended; only on the loop.
    @usableFromInline func cancelCall(_ stream: UInt32) {
        guard state.withValue({ $0.core.isOurs(stream) }) else {
            // A handler's task that waits for requests was cancelled: the call is the peer's.
            requests(of: stream)?.finish(RPCError(.cancelled, "the call by \(peer) is over"))
            return
        }
        let attachment = withCore { $0.cancel(stream) }
        guard let sink = attachment?.sink else { return }
        sink.finish(
            RPCError(.cancelled, "the call to \(peer) was cancelled", certainty: .maybeProcessed))
        callOver()
    }

    /// Says that a call's stream of requests is whole; only on the loop.
    @usableFromInline func endRequest(_ stream: UInt32) {
        withCore { $0.endRequest(stream) }
        setNeedsFlush()
    }

    /// A call of ours has ended: others may begin.
    private func callOver() {
        let (hasQueue, isDraining) = state.withValue { state in
            state.needFlush()
            return (!state.queue.isEmpty, state.core.drain != .no)
        }
        if hasQueue { admitQueued() }
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
        let (call, isOver) = state.withValue { state -> (CallState?, Bool) in
            guard let slot = state.core.streams.slot(of: stream) else { return (nil, false) }
            if isLast, state.core.isOurs(stream) {
                if !body.isAssembled { state.core.owe(body.credit) }
                return (state.core.completeCall(slot, stream), true)
            }
            // From now on its sink has what came.
            state.core.streams[slot].flags.remove(.awaitsAnswer)
            guard let call = state.core.streams[slot].attachment else { return (nil, false) }
            state.core.note(body, slot, stream, isHeld: call.holdsMessages)
            return (call, false)
        }
        guard let call else { return }
        if !isOver { return receive(call, stream, body, isLast: isLast) }
        if let failure = read(body, into: call, credit: 0) { call.sink?.finish(failure) }
        call.sink?.finish(nil)
        callOver()
    }

    /// Runs the task of a call that has ended with its one answer, while that is where it arrived
    /// and ``State/arriving`` says where.
    func resumeCaller(_ call: CallState, _ range: Range<Int>) {
        loop.wakeNow(call)
        let (isTaken, isBusy) = state.withValue { state in
            let isTaken = state.arriving.stream == 0
            state.arriving.stream = 0
            if isTaken, let sink = call as? UnarySink, state.end == nil { state.keep(sink) }
            return (isTaken, !state.queue.isEmpty || state.core.drain != .no)
        }
        if !isTaken {
            // The task goes on elsewhere, or later: on its way back to the loop it finds this.
            _ = loop.withLent { call.receive($0.extracting(range), credit: 0) }
            call.sink?.finish(nil)
        }
        if isBusy { callOver() }
    }

    /// Gives a message of a stream that goes on, which the core has noted, to its reader; with
    /// `isLast`, no other follows.
    func receive(
        _ call: CallState, _ stream: UInt32, _ body: ConnectionCore<CallState>.Body,
        isLast: Bool
    ) {
        if let failure = read(body, into: call, credit: body.credit) {
            call.sink?.finish(failure)
            giveUp(stream, failure)
        } else if isLast {
            call.sink?.finish(nil)
        }
    }

    /// Reads a message into a call's sink.
    private func read(
        _ body: ConnectionCore<CallState>.Body, into call: CallState, credit: Int
    ) -> RPCError? {
        if !body.isAssembled, !body.isCompressed {
            return loop.withLent { call.receive($0.extracting(body.range), credit: credit) }
        }
        if body.isLarge, let sink = call as? UnarySink { return sink.receive(takeAssembled()) }
        if body.isCompressed, let sink = call.sink {
            sink.compressedCount += 1
            sink.report?.noteCompressed()
        }
        switch bytes(of: body) {
        case .success(let bytes): return call.receive(bytes.span, credit: credit)
        case .failure(let error): return error
        }
    }

    /// Ends a call of which a message cannot be read.
    private func giveUp(_ stream: UInt32, _ failure: RPCError) {
        let isOurs = state.withValue { $0.core.isOurs(stream) }
        if isOurs {
            _ = state.withValue { $0.core.cancel(stream) }
            callOver()
        } else {
            var failure = failure
            failure.certainty = .maybeProcessed
            let event = state.withValue { [failure] in $0.core.endServed(stream, failure) }
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
        withCore { $0.consumed(stream, credit) }
        setNeedsFlush()
    }
}
