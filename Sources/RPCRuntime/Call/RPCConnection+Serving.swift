import Transport

extension RPCConnection {
    /// Starts the handler of a request whose bytes are complete.
    func start(
        _ stream: UInt32, _ method: UInt32, _ route: Route?, _ deadline: UInt64,
        _ bytes: Span<UInt8>
    ) {
        guard let route else {
            finish(
                stream,
                RPCError(
                    .unimplemented, "no service here has the method number \(method)",
                    certainty: .refused))
            return
        }
        let handler = route.handler
        guard route.isAllowed else {
            finish(
                stream,
                RPCError(
                    .permissionDenied,
                    "\(handler.method.name) may be called by \(handler.method.roles.joined(separator: ", ")), not by \(peer)",
                    certainty: .refused))
            return
        }
        handler.start(self, stream, deadline, bytes)
    }

    /// Answers a request that cannot be read.
    @usableFromInline
    func refuse(_ stream: UInt32, _ method: MethodDescriptor, _ failure: DecodingFailure) {
        finish(
            stream,
            RPCError(
                .invalidArgument, "the request to \(method.name) cannot be read: \(failure)",
                certainty: .refused))
    }

    /// Keeps a handler's task while its stream is open, so that it can be cancelled.
    @usableFromInline func keep(_ task: Task<Void, Never>, _ stream: UInt32) {
        let isOver = state.withValue { state in
            guard let slot = state.core.streams.slot(of: stream) else {
                // Most handlers have answered by now; others lost their link meanwhile.
                return state.end != nil
            }
            state.core.streams[slot].attachment = .served(ServedStream(task))
            return state.core.streams[slot].isAbandoned
        }
        if isOver { task.cancel() }
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
        let (failure, channel) = state.withValue { state -> (RPCError?, Channel?) in
            do throws(RPCError) {
                _ = try state.core.answer(stream, isLast: true, encode)
                return (nil, state.channel)
            } catch { return (error, nil) }
        }
        if let failure { return finish(stream, failure) }
        channel?.setNeedsFlush()
        if isDraining { closeIfDrained() }
    }

    /// Ends a served stream.
    @usableFromInline
    func finish(_ stream: UInt32, _ error: RPCError?) {
        loop.perform { [self] in
            // Writers that outlive the handler.
            resumeWriters(stream, false)
            state.withValue { $0.core.finish(stream, error) }
            afterServing()
        }
    }

    private func afterServing() {
        setNeedsFlush()
        if isDraining { closeIfDrained() }
    }

    /// What became of a message given to ``write(_:_:)``.
    @usableFromInline enum Written {
        /// It is on its way.
        case sent
        /// It waits for credit or the socket.
        case waits
        /// It was not taken: an earlier one still waits.
        case busy
    }

    /// Sends one message of a stream of answers; only on the loop.
    @usableFromInline
    func write(_ stream: UInt32, _ encode: (inout WireWriter) -> Void) throws(RPCError) -> Written {
        if Task.isCancelled { throw RPCError(.cancelled, "the caller at \(peer) is gone") }
        let written = try state.withValue { state throws(RPCError) -> Written in
            if let slot = state.core.streams.slot(of: stream),
                state.core.streams[slot].backlog != nil, !state.core.streams[slot].isAnswered
            {
                return .busy
            }
            return try state.core.answer(stream, isLast: false, encode) ? .sent : .waits
        }
        setNeedsFlush()
        return written
    }

    /// Suspends while a message of the stream waits for credit or the socket.
    @usableFromInline func waitForBacklog(_ stream: UInt32) async throws(RPCError) {
        // Looked at after each wait: an actor's task may go on where the actor is.
        while loop.isCurrent {
            let (hasBacklog, served) = state.withValue { state -> (Bool, ServedStream?) in
                guard let slot = state.core.streams.slot(of: stream),
                    state.core.streams[slot].backlog != nil
                else { return (false, nil) }
                if case .served(let served)? = state.core.streams[slot].attachment {
                    return (true, served)
                }
                return (true, nil)
            }
            guard hasBacklog else { return }
            if let served {
                let goesOn = await suspend { served.writers.append($0) }
                if !goesOn { throw RPCError(.cancelled, "the call from \(peer) is over") }
            } else {
                // The handler still runs its first, immediate part: its task is kept when this
                // turn of the loop goes on.
                await Task.yield()
            }
        }
        try await onLoop(loop) { () throws(RPCError) in try await waitForBacklog(stream) }
    }
}
