import Synchronization
public import Transport

extension RPCConnection {
    // Handlers run in a task that goes from one request to the next, as long as none has to wait:
    // most calls cost no task of their own. When a handler waits, the task is that call's for the
    // rest of its life, and the requests behind it get another.

    /// Handles every complete frame of the bytes that are lent.
    func process() {
        while let (handler, incoming) = nextRequest() { run(handler, incoming) }
    }

    /// The answer of a call, if that is what comes next, and its task may run now.
    private func nextAnswer() -> ConnectionCore<CallState>.Answer? {
        let now = loop.now
        return loop.withLent { bytes in
            state.withValue { state in
                // No task runs within another one, which a handler's is.
                if state.runner != 0 || state.core.output.bytes.count >= state.earlyOutput {
                    return nil
                }
                let answer = state.core.nextAnswer(bytes, &state.cursor, now: now)
                if let answer { state.arriving = (answer.stream, answer.range) }
                return answer
            }
        }
    }

    /// Handles frames up to the next request that has a handler; nil when no complete one is left.
    private func nextRequest() -> (MethodHandler, IncomingCall)? {
        let now = loop.now
        while true {
            while let answer = nextAnswer() { resumeCaller(answer.call, answer.range) }
            let event = loop.withLent { bytes in
                state.withValue { state in
                    state.core.output.bytes.count >= state.earlyOutput
                        ? nil : state.core.next(bytes, &state.cursor, now: now)
                }
            }
            guard let event else {
                flushEarly()
                continue
            }
            switch event {
            case .request(let request):
                if let found = admit(request) { return found }
            case .needsBytes:
                state.withValue { state in
                    state.runner = 0
                    state.context = nil
                }
                return nil
            default: handle(event)
            }
        }
    }

    /// The handler of a request; nil when it is refused.
    private func admit(_ request: ConnectionCore<CallState>.Request)
        -> (MethodHandler, IncomingCall)?
    {
        let (route, runner) = state.withValue { state -> (RouteTable.Route?, UInt64) in
            state.tally.callsServed &+= 1
            state.running = request.stream
            state.context?.deadline.store(request.deadline, ordering: .relaxed)
            let route = state.routes.route(request.method)
            if state.handler !== route?.handler { state.handler = route?.handler }
            return (route, state.runner)
        }
        guard let route, route.isAllowed else {
            refuse(request, route?.handler.method)
            return nil
        }
        if request.deadline != .max, options.refusesDoomedCalls,
            route.handler.load.dooms(request.deadline - min(loop.now, request.deadline))
        {
            refuseDoomed(request.stream, request.deadline, route.handler.method)
            return nil
        }
        let metadata =
            request.hasMetadata ? state.withValue { $0.core.detail.metadata } : nil
        let incoming = IncomingCall(
            stream: request.stream, deadline: request.deadline, body: request.body,
            isLast: request.isLast, metadata: metadata, runner: runner)
        return (route.handler, incoming)
    }

    private func refuse(
        _ request: ConnectionCore<CallState>.Request, _ method: MethodDescriptor?
    ) {
        guard let method else {
            return refuse(
                request.stream, .unimplemented,
                "no service here has the method number \(request.method)")
        }
        refuse(
            request.stream, .permissionDenied,
            "\(method.name) may be called by \(method.roles.joined(separator: ", ")), not by \(peer)"
        )
    }

    private func refuseDoomed(_ stream: UInt32, _ deadline: UInt64, _ method: MethodDescriptor) {
        let left = Duration.nanoseconds(Int64(clamping: deadline &- loop.now))
        refuse(
            stream, .deadlineExceeded,
            "\(method.name) usually takes longer than the \(left) that were left (option refusesDoomedCalls)"
        )
    }

    /// Answers a request that no handler sees; the peer pays for it.
    private func refuse(_ stream: UInt32, _ code: RPCError.Code, _ why: String) {
        finish(stream, RPCError(code, why, certainty: .refused))
        if let end = withCore({ $0.charge(1, "a call that was refused") }) { handle(end) }
    }

    /// Runs handlers, beginning with this one, until one waits or no request is left.
    private func run(_ handler: MethodHandler, _ incoming: IncomingCall) {
        let context = CallContext()
        context.deadline.store(incoming.deadline, ordering: .relaxed)
        var incoming = incoming
        incoming.runner = state.withValue { state in
            state.runnerCount += 1
            state.runner = state.runnerCount
            state.context = context
            return state.runnerCount
        }
        let number = incoming.runner
        let task = CallContext.$current.withValue(context) { [incoming] in
            Task.immediate(executorPreference: loop) { [self] in
                await serve(handler, incoming)
            }
        }
        keep(task, number)
    }

    private func serve(_ first: MethodHandler, _ firstCall: IncomingCall) async {
        var (handler, incoming) = (first, firstCall)
        let number = firstCall.runner
        state.withValue { $0.contextOwners = Self.owners($0.context) }
        while true {
            await handler.run(self, incoming)
            guard loop.isCurrent else { return }
            let staged = state.withValue { state -> (MethodHandler, IncomingCall)? in
                guard state.runner == number else { return nil }
                defer { state.staged = nil }
                return state.staged
            }
            if let staged {
                (handler, incoming) = staged
            } else if handler.method.kind != .unary, mayGoOn(number), let next = nextRequest() {
                (handler, incoming) = next
            } else {
                return
            }
        }
    }

    /// The next request, for a handler that has answered the one before; false when it is to
    /// return.
    @usableFromInline
    func next(
        _ method: MethodDescriptor, _ incoming: inout IncomingCall, _ call: inout ServerCall
    ) -> Bool {
        while true {
            switch nextRequest(of: method, &incoming) {
            case .found:
                call.become(incoming)
                return true
            case .doomed: refuseDoomed(incoming.stream, incoming.deadline, method)
            case .other: return nextOther(method, &incoming, &call)
            }
        }
    }

    private enum Found { case found, doomed, other }

    /// The next request, if it is one of the method whose handler has just answered.
    private func nextRequest(of method: MethodDescriptor, _ incoming: inout IncomingCall) -> Found {
        guard loop.isCurrent else { return .other }
        let now = loop.now
        return loop.withLent { bytes in
            state.withValue { state in
                guard Self.mayGoOn(incoming.runner, state),
                    state.core.output.bytes.count < state.earlyOutput,
                    let range = state.core.nextRequest(
                        of: method.id, bytes, &state.cursor, now: now)
                else { return .other }
                let (stream, deadline) = (state.core.fresh.stream, state.core.fresh.deadline)
                state.tally.callsServed &+= 1
                state.running = stream
                state.context?.deadline.store(deadline, ordering: .relaxed)
                incoming.become(stream, deadline: deadline, range)
                let isDoomed =
                    deadline != .max && options.refusesDoomedCalls
                    && state.handler?.load.dooms(deadline - min(now, deadline)) ?? false
                return isDoomed ? .doomed : .found
            }
        }
    }

    private func nextOther(
        _ method: MethodDescriptor, _ incoming: inout IncomingCall, _ call: inout ServerCall
    ) -> Bool {
        guard mayGoOn(incoming.runner), let (handler, next) = nextRequest() else { return false }
        if handler.method === method {
            incoming = next
            call.become(next)
            return true
        }
        state.withValue { $0.staged = (handler, next) }
        return false
    }

    /// Whether the task of a handler that has answered goes on with other requests.
    ///
    /// Not when it was suspended: the connection has gone on without it. Nor when the handler left
    /// a task behind that has this call's context.
    private func mayGoOn(_ number: UInt64) -> Bool {
        guard loop.isCurrent else { return false }
        return state.withValue { Self.mayGoOn(number, $0) }
    }

    @inline(__always)
    private static func mayGoOn(_ number: UInt64, _ state: borrowing State) -> Bool {
        state.runner == number && owners(state.context) == state.contextOwners
    }

    /// How many hold a context; comparable between calls of this function alone.
    @inline(never)
    private static func owners(_ context: CallContext?) -> UInt {
        context.map { _getRetainCount($0) } ?? 0
    }

    /// Keeps a task that has stopped at a handler which waits, so that it can be cancelled.
    private func keep(_ task: Task<Void, Never>, _ number: UInt64) {
        let isOver = state.withValue { state -> Bool in
            guard state.runner == number else { return false }
            state.runner = 0
            state.context = nil
            state.staged = nil
            let stream = state.running
            guard let slot = state.core.slot(of: stream) else {
                // It has answered, or lost its link.
                return state.end != nil
            }
            let served =
                state.core.streams[slot].attachment?.served
                ?? makeServed(state.core.streams[slot].method, &state)
            guard let served else { return true }
            served.task = task
            served.began = loop.now
            state.core.streams[slot].attachment = served
            return state.core.streams[slot].flags.contains(.abandoned)
        }
        if isOver { task.cancel() }
    }

    private func makeServed(_ method: UInt32, _ state: inout State) -> ServedCall? {
        state.routes.route(method).map { ServedCall(self, $0.handler) }
    }

    /// Has a stream of requests delivered to a sink.
    @usableFromInline func take(_ incoming: IncomingCall, _ sink: StreamSink) {
        let stream = incoming.stream
        sink.stream = stream
        let isOpen = state.withValue { state -> Bool in
            guard let slot = state.core.slot(of: stream),
                let served = makeServed(state.core.streams[slot].method, &state)
            else { return false }
            served.requests = sink
            state.core.streams[slot].attachment = served
            if let body = incoming.body { state.core.note(body, slot, stream, isHeld: true) }
            return true
        }
        guard isOpen else {
            return sink.finish(RPCError(.cancelled, "the call is over"))
        }
        if let body = incoming.body {
            receive(sink, stream, body, isLast: incoming.isLast)
        } else if incoming.isLast {
            sink.finish(nil)
        }
    }

    func requests(of stream: UInt32) -> MessageSink? {
        attachment(of: stream)?.served?.requests
    }

    /// Cancels the handler of a stream that is over.
    func cancelHandler(_ stream: UInt32) {
        guard let served = attachment(of: stream)?.served else { return }
        served.task?.cancel()
        served.wakeWriters()
        served.requests?.finish(RPCError(.cancelled, "the caller at \(peer) is gone"))
    }

    /// The one message of a request; nil when it cannot be read, and has been refused.
    @inlinable
    func request<Request: Message>(_ incoming: IncomingCall, _ method: MethodDescriptor)
        -> Request?
    {
        var request: Request?
        var failure: DecodingFailure?
        withBody(incoming) { bytes in
            do throws(DecodingFailure) {
                request = try Request(decoding: bytes)
            } catch { failure = error }
        }
        if let failure { refuse(incoming.stream, method, failure) }
        return request
    }

    /// The one message of a large request, which is read over several turns of the loop.
    @inlinable
    func largeRequest<Request: Message>(_ incoming: IncomingCall, _ method: MethodDescriptor)
        async -> Request?
    {
        let parts = takeAssembled()
        do throws(DecodingFailure) {
            return try await Request.read(parts, on: loop)
        } catch {
            loop.perform { [self] in refuse(incoming.stream, method, error) }
            return nil
        }
    }

    /// Answers a request that cannot be read.
    @usableFromInline
    func refuse(_ stream: UInt32, _ method: MethodDescriptor, _ failure: DecodingFailure) {
        refuse(
            stream, .invalidArgument, "the request to \(method.name) cannot be read: \(failure)")
    }

    /// Gives the request's bytes to `body`, or refuses the call.
    @usableFromInline
    func withBody(_ incoming: IncomingCall, _ body: (Span<UInt8>) -> Void) {
        guard let place = incoming.body else {
            return refuse(incoming.stream, .unimplemented, "the request has no message")
        }
        if !place.isAssembled, !place.isCompressed {
            return loop.withLent { body($0.extracting(place.range)) }
        }
        switch bytes(of: place) {
        case .success(let bytes): body(bytes.span)
        case .failure(let error):
            refuse(incoming.stream, error.code, error.message)
        }
    }

    /// Sends a unary call's answer.
    @usableFromInline
    func answer(_ stream: UInt32, _ encode: (inout WireWriter) -> Void) {
        guard loop.isCurrent else {
            // A service that moved its task elsewhere: the answer is encoded here and sent there.
            var writer = WireWriter()
            encode(&writer)
            let bytes = writer.bytes
            return loop.execute { [self] in answer(stream) { $0.bytes.append(contentsOf: bytes) } }
        }
        let (failure, isPlain) = state.withValue { state -> (RPCError?, Bool) in
            guard stream == state.core.fresh.stream else { return (nil, false) }
            do throws(RPCError) {
                _ = try state.core.send(stream, endsStream: true, encode)
                return (nil, true)
            } catch { return (error, true) }
        }
        if let failure { return finish(stream, failure) }
        if !isPlain { answerLate(stream, encode) }
    }

    /// Sends the answer of a call that had to wait.
    private func answerLate(_ stream: UInt32, _ encode: (inout WireWriter) -> Void) {
        noteLoad(stream)
        do throws(RPCError) {
            let hasTrailers = state.withValue { $0.core.hasTrailers(stream) }
            _ = try send(stream, endsStream: !hasTrailers, encode)
            if hasTrailers { return finish(stream, nil) }
        } catch { return finish(stream, error) }
        afterServing()
    }

    private func noteLoad(_ stream: UInt32) {
        guard let served = attachment(of: stream)?.served, served.began != 0,
            served.handler.method.deadline != nil
        else { return }
        served.handler.load.note(loop.now &- served.began)
    }

    /// Ends a served stream.
    @usableFromInline
    func finish(_ stream: UInt32, _ error: RPCError?) {
        loop.perform { [self] in
            let call = attachment(of: stream)
            if let error { noteFailure(stream, error) }
            withCore { $0.finish(stream, error) }
            // Writers that outlive the handler.
            call?.wakeWriters()
            afterServing()
        }
    }

    /// Answers with the error that a handler threw.
    @usableFromInline
    func fail(_ stream: UInt32, _ error: RPCError) {
        var told = error
        // An error of a call that the handler made: this one has run, whatever became of that.
        if told.certainty == .refused { told.certainty = .processed }
        finish(stream, told)
    }

    private func afterServing() {
        setNeedsFlush()
        updateTimer()
        if isDraining { closeIfDrained() }
    }

    /// Changes what goes out on a served stream.
    func change(
        _ stream: UInt32,
        _ body: @Sendable (inout ConnectionCore<CallState>) throws(RPCError) -> Void
    ) async throws(RPCError) {
        guard loop.isCurrent else {
            return try await onLoop(loop) { () throws(RPCError) in
                try await change(stream, body)
            }
        }
        try state.withValue { state throws(RPCError) in
            state.core.now = loop.now
            try body(&state.core)
        }
        setNeedsFlush()
    }

    // MARK: - Streams of messages, by either end

    /// What became of a message given to ``write(_:_:)``.
    @usableFromInline enum Written {
        /// It is on its way.
        case sent
        /// It waits for credit or the socket.
        case waits
        /// It was not taken: an earlier one still waits.
        case busy
    }

    /// Sends one message of a stream; only on the loop.
    @usableFromInline
    func write(_ stream: UInt32, _ encode: (inout WireWriter) -> Void) throws(RPCError) -> Written {
        if isCurrentTaskCancelled { throw over() }
        let isBusy = state.withValue { state in
            state.core.streams.slot(of: stream).flatMap { state.core.backlog($0) } != nil
        }
        if isBusy { return .busy }
        if case .waits = try send(stream, endsStream: false, encode) { return .waits }
        return .sent
    }

    private func over() -> RPCError {
        RPCError(.cancelled, "the call at \(peer) is over", certainty: .maybeProcessed)
    }

    /// Sends a message, compressed where its stream says so.
    func send(
        _ stream: UInt32, endsStream: Bool, _ encode: (inout WireWriter) -> Void
    ) throws(RPCError) -> ConnectionCore<CallState>.Sent {
        defer { setNeedsFlush() }
        guard state.withValue({ $0.core.isCompressed(stream) }) else {
            return try state.withValue { state throws(RPCError) in
                state.core.now = loop.now
                return try state.core.send(stream, endsStream: endsStream, encode)
            }
        }
        let bytes = deflate(encode)
        return try state.withValue { state throws(RPCError) in
            state.core.now = loop.now
            return try state.core.send(stream, endsStream: endsStream, isCompressed: true) {
                $0.bytes.append(contentsOf: bytes)
            }
        }
    }

    /// Suspends while a message of the stream waits for credit or the socket.
    @usableFromInline func waitForBacklog(_ stream: UInt32) async throws(RPCError) {
        // Looked at after each wait: an actor's task may go on where the actor is.
        while loop.isCurrent {
            let (hasBacklog, isOver, call) = state.withValue { state -> (Bool, Bool, CallState?) in
                guard let slot = state.core.streams.slot(of: stream),
                    state.core.backlog(slot) != nil
                else { return (false, false, nil) }
                let stream = state.core.streams[slot]
                return (true, stream.flags.contains(.answered), stream.attachment)
            }
            guard hasBacklog else { return }
            // The handler has returned, and this task has outlived it.
            if isOver || isCurrentTaskCancelled { throw over() }
            updateTimer()
            if let call {
                let waiter = WriterWaiter(self, stream)
                call.writers.append(waiter)
                await waiter.wait()
            } else {
                // The handler still runs its first part: its task is kept when this turn of the
                // loop goes on.
                await Task.yield()
            }
        }
        try await onLoop(loop) { () throws(RPCError) in try await waitForBacklog(stream) }
    }
}
