import Synchronization
import Transport

extension RPCConnection {
    /// Takes no new calls either way, lets those under way end within `grace`, then closes.
    ///
    /// The peer hears of it first, and what it sent before it heard is still served. Open-ended
    /// calls are ended after ``RPCOptions/drainNotice``, with a resumable status.
    public func drain(grace: Duration) async {
        let gone = OneShot<Bool>()
        _ = try? await gone.value {
            loop.perform { [self] in
                // Not at the link's end already: its last bytes must have left.
                whenGone { gone.settle(.success(true)) }
                beginDrain("shutting down", grace: grace)
            }
        }
        close()
    }

    /// Has `body` called when the socket is closed, or now if it is; on the loop.
    private func whenGone(_ body: @escaping () -> Void) {
        let isGone = state.withValue { state in
            if !state.isGone { state.onGone.append(body) }
            return state.isGone
        }
        if isGone { body() }
    }

    func beginDrain(_ reason: String, grace: Duration) {
        let isFirst = !draining.exchange(true, ordering: .relaxed)
        withCore { $0.announceDrain(reason) }
        setNeedsFlush()
        updateTimer()
        if isFirst {
            after(options.drainNotice) { [self] in
                withCore { $0.refuseCalls(reason) }
                endOpenEnded()
                setNeedsFlush()
                closeIfDrained()
            }
        }
        after(grace) { [self] in
            shut(
                RPCError(
                    .unavailable, "the link was drained for \(grace) and closed",
                    certainty: .maybeProcessed))
        }
        closeIfDrained()
    }

    /// Runs `body` later, unless the link has ended.
    private func after(_ delay: Duration, _ body: @escaping () -> Void) {
        let timer = loop.schedule(at: loop.now &+ delay.nanoseconds, body)
        whenEnded { [loop] _ in loop.cancel(timer) }
    }

    /// Ends what would never end by itself, in a way that its caller can go on from elsewhere.
    private func endOpenEnded() {
        var error = RPCError(
            .unavailable, "the link drains: call again elsewhere", certainty: .processed)
        error.isResumable = true
        for stream in state.withValue({ $0.core.openEndedServed() }) {
            // Its messages have left, or it waits for the last to.
            let event = withCore { $0.endServed(stream, error) }
            if event != nil { cancelHandler(stream) }
        }
        for stream in state.withValue({ $0.core.openEndedCalls() }) {
            error.certainty = state.withValue { $0.core.certainty(of: stream) }
            guard let sink = withCore({ $0.cancel(stream) })?.sink else {
                continue
            }
            sink.finish(error)
        }
    }

    /// Closes a draining link whose last stream has ended.
    func closeIfDrained() {
        let isDone = state.withValue { state in
            state.core.phase == .open && state.core.drain == .refusing
                && state.core.fresh.stream == 0 && state.core.streams.isEmpty
        }
        if isDone { shut(RPCError(.unavailable, "the link was drained", certainty: .notSent)) }
    }

    /// Drains a link that has lived long enough.
    func retire(_ why: String) {
        log(RPCEvent(.info, "the link to \(peer) is drained: \(why)"))
        beginDrain(why, grace: options.drainGrace)
    }

    func peerDrains() {
        log(RPCEvent(.info, "\(peer) is draining"))
        let bodies = state.withValue { state in
            state.isPeerDraining = true
            defer { state.onPeerDrain = [] }
            return state.onPeerDrain
        }
        admitQueued()
        for body in bodies { body() }
        closeIfDrained()
    }

    /// Has `body` called when the peer drains, or now if it does; on the loop.
    func whenPeerDrains(_ body: @escaping () -> Void) {
        let isDraining = state.withValue { state in
            if !state.isPeerDraining { state.onPeerDrain.append(body) }
            return state.isPeerDraining
        }
        if isDraining { body() }
    }

    /// Returns when the link has ended, with the reason, or with nil when its peer drains it.
    func endOrDrain() async -> RPCError? {
        let over = OneShot<RPCError?>()
        do throws(TransportError) {
            return try await over.value {
                loop.perform { [self] in
                    whenEnded { over.settle(.success($0)) }
                    whenPeerDrains { over.settle(.success(nil)) }
                }
            }
        } catch {
            return RPCError(.cancelled, "the task that waited for the link's end was cancelled")
        }
    }

    /// Drains the link, as another one has taken its place.
    func replaced(grace: Duration) {
        loop.perform { [self] in beginDrain("a newer link is up", grace: grace) }
    }

    /// Serves another number of calls at once from now on, and tells the peer.
    public func setStreamsMax(_ count: Int) {
        loop.perform { [self] in
            withCore { $0.announce(streamsMax: count) }
            setNeedsFlush()
        }
    }

    /// Has the link drained when it has no calls for `idle`, or is `age` old.
    func limitLife(idle: Duration?, age: Duration?) {
        state.withValue { state in
            state.core.idleMax = idle?.nanoseconds ?? .max
            if let age { state.core.oldAt = loop.now &+ age.nanoseconds }
        }
        updateTimer()
    }

    /// Logs what differs between the services of both ends.
    func compareSchemas() {
        let theirs = state.withValue { $0.core.peerHello.services }
        for service in services {
            guard let notice = theirs.first(where: { $0.name == service.descriptor.name }),
                notice.fingerprint != service.descriptor.fingerprint
            else { continue }
            logVerdicts(service.descriptor, notice)
        }
    }

    private func logVerdicts(_ service: ServiceDescriptor, _ notice: ServiceNotice) {
        for method in service.methods {
            let theirs = notice.methods.first { $0.method == method.id }
            let (level, verdict): (RPCEvent.Level, String) =
                switch theirs {
                case nil: (.warning, "is not known to")
                case let theirs? where theirs.fingerprint == method.fingerprint:
                    (.debug, "is the same at")
                default: (.warning, "differs at")
                }
            log(RPCEvent(level, "schema: \(method.name) \(verdict) \(peer)"))
        }
    }
}
