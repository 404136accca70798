import Transport

extension RPCConnection {
    /// Starts the handler of a request whose bytes are complete.
    func start(_ stream: UInt32, _ method: UInt32, _ deadline: UInt64, _ bytes: Span<UInt8>) {
        let handler = state.withValue { state in
            state.methodIDs.firstIndex(of: method).map { state.handlers[$0] }
        }
        guard let handler else {
            finish(
                stream,
                RPCError(
                    .unimplemented, "no service here has the method number \(method)",
                    certainty: .refused))
            return
        }
        guard handler.method.roles.contains(peer.role) else {
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

    /// Reads a request; answers and returns nil when it cannot be read.
    func decode<Request: Message>(
        _ bytes: Span<UInt8>, _ method: MethodDescriptor, _ stream: UInt32
    ) -> Request? {
        do throws(DecodingFailure) {
            return try Request(decoding: bytes)
        } catch {
            finish(
                stream,
                RPCError(
                    .internal, "the request to \(method.name) cannot be read: \(error)",
                    certainty: .refused))
            return nil
        }
    }

    /// Keeps a handler's task while its stream is open, so that it can be cancelled.
    func keep(_ task: Task<Void, Never>, _ stream: UInt32) {
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
    func answer(_ stream: UInt32, _ response: some Message) {
        onOwnLoop { [self] in
            let failure = state.withValue { state -> RPCError? in
                do throws(RPCError) {
                    _ = try state.core.answer(stream, response, isLast: true)
                    return nil
                } catch { return error }
            }
            if let failure { finish(stream, failure) } else { afterServing() }
        }
    }

    /// Ends a served stream.
    func finish(_ stream: UInt32, _ error: RPCError?) {
        onOwnLoop { [self] in
            state.withValue { $0.core.finish(stream, error) }
            afterServing()
        }
    }

    private func afterServing() {
        setNeedsFlush()
        if isDraining { closeIfDrained() }
    }

    private func onOwnLoop(_ body: @escaping @Sendable () -> Void) {
        if loop.isCurrent { body() } else { loop.execute(body) }
    }

    /// Sends one message of a stream of answers; only on the loop.
    func writeOnLoop(_ response: some Message, _ stream: UInt32) async throws(RPCError) {
        try await waitForBacklog(stream)
        if Task.isCancelled { throw RPCError(.cancelled, "the caller at \(peer) is gone") }
        let result = state.withValue { state -> Result<Bool, RPCError> in
            do throws(RPCError) {
                return .success(try state.core.answer(stream, response, isLast: false))
            } catch { return .failure(error) }
        }
        setNeedsFlush()
        if try !result.get() { try await waitForBacklog(stream) }
    }

    /// Suspends while a message of the stream waits for credit or the socket.
    private func waitForBacklog(_ stream: UInt32) async throws(RPCError) {
        while true {
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
                if !goesOn { throw RPCError(.cancelled, "the link to \(peer) is gone") }
            } else {
                // The handler still runs its first, immediate part: its task is kept when this
                // turn of the loop goes on.
                await Task.yield()
            }
        }
    }
}
