import Synchronization
public import Transport

/// One link: a connection on which both ends may call each other.
///
/// It lives on one event loop. Calls may be made from anywhere; they are cheapest from tasks that
/// run on that loop, where a call takes no lock and changes no thread.
public final class RPCConnection: ChannelHandler {
    /// What is kept with a stream.
    enum Attachment {
        case call(ResponseSink)
        case served(ServedStream)
    }

    /// A handler that is under way.
    final class ServedStream {
        let task: Task<Void, Never>
        /// Writers that wait for the stream's backlog.
        var writers: [Waiter<Bool>] = []

        init(_ task: Task<Void, Never>) { self.task = task }
    }

    /// A method that is served, and whether this peer may call it.
    struct Route {
        let handler: MethodHandler
        let isAllowed: Bool
    }

    struct State {
        var core: ConnectionCore<Attachment>
        var channel: Channel?
        /// The beginning of a frame whose rest has not arrived.
        var input: [UInt8] = []
        /// An empty buffer that keeps its memory for the next turn's output.
        var spare: [UInt8] = []
        var timer: TimerID?
        var timerAt = UInt64.max
        /// What this peer may call, and the handler of each.
        var methodIDs: [UInt32] = []
        var routes: [Route] = []
        /// Sinks of calls that have ended, for later calls.
        var sinks: [UnarySink] = []
        var isReadingPaused = false
        var onReady: (@Sendable (RPCConnection) -> Void)?
        var onEnd: [(RPCError) -> Void] = []
        /// Called when the socket is closed, which is later than the end.
        var onGone: [() -> Void] = []
        var isGone = false
        var end: RPCError?

        func route(_ method: UInt32) -> Route? {
            methodIDs.firstIndex(of: method).map { routes[$0] }
        }
    }

    let state: LoopBound<State>
    public let remoteAddress: SocketAddress
    private let services: [ServiceHandlers]
    private let log: @Sendable (RPCEvent) -> Void
    private let identity = Mutex<PeerIdentity?>(nil)
    private let draining = Atomic(false)

    public let loop: EventLoop

    /// Output that waits for the socket beyond which nothing more is read from the peer.
    private static let outputLimit = 1 << 20

    /// Makes the connection of a channel that is about to be started, or to connect.
    init(
        _ role: ConnectionCore<Attachment>.Role, _ address: SocketAddress, on loop: EventLoop,
        services: [ServiceHandlers], options: RPCOptions,
        log: @escaping @Sendable (RPCEvent) -> Void,
        onReady: @escaping @Sendable (RPCConnection) -> Void
    ) {
        precondition(loop.isCurrent, "links are made on their loop")
        remoteAddress = address
        self.services = services
        self.log = log
        let core = ConnectionCore<Attachment>(
            role, options, peerName: "the peer at \(address)",
            services: services.map(\.descriptor), now: loop.now)
        var state = State(core: core)
        state.onReady = onReady
        self.loop = loop
        self.state = LoopBound(state, on: loop)
    }

    /// Who the other end is, as verified in the TLS handshake.
    public var peer: PeerIdentity {
        guard let peer = identity.withLock({ $0 }) else {
            preconditionFailure("a link is given out when its peer is known")
        }
        return peer
    }

    /// Whether this end takes no new calls.
    public var isDraining: Bool { draining.load(ordering: .relaxed) }

    func attach(_ channel: Channel) {
        state.withValue { $0.channel = channel }
        updateTimer()
    }

    // MARK: - The channel's events

    public func channelOpened() {
        guard let peer = state.withValue({ $0.channel?.peer }) else {
            shut(RPCError(.unauthenticated, "\(remoteAddress) showed no identity"))
            return
        }
        identity.withLock { $0 = peer }
        let methods = services.flatMap(\.methods)
        state.withValue { state in
            state.core.peerName = peer.description
            state.methodIDs = methods.map(\.method.id)
            state.routes = methods.map {
                Route(handler: $0, isAllowed: $0.method.roles.contains(peer.role))
            }
        }
        setNeedsFlush()
    }

    public func channelReceived(_ bytes: Span<UInt8>) {
        var rest = state.withValue { state in
            defer { state.input = [] }
            return state.input
        }
        if rest.isEmpty {
            let used = process(bytes)
            if used < bytes.count { rest.append(bytes, used..<bytes.count) }
        } else {
            rest.append(bytes, 0..<bytes.count)
            let used = process(rest.span)
            rest.removeFirst(used)
        }
        let isFlooded = state.withValue { state in
            state.input = rest
            let isFlooded =
                !state.isReadingPaused && state.core.output.bytes.count > Self.outputLimit
            if isFlooded { state.isReadingPaused = true }
            return isFlooded ? state.channel : nil
        }
        isFlooded?.pauseReading()
        setNeedsFlush()
        updateTimer()
        if isDraining { closeIfDrained() }
    }

    /// Handles every complete frame; how many bytes they were.
    private func process(_ bytes: Span<UInt8>) -> Int {
        var cursor = 0
        let now = loop.now
        while true {
            let (event, route) = state.withValue {
                state -> (ConnectionCore<Attachment>.Event, Route?) in
                let event = state.core.next(bytes, &cursor, now: now)
                guard case .request(_, let method, _, _) = event else { return (event, nil) }
                return (event, state.route(method))
            }
            switch event {
            case .needsBytes: return cursor
            case .request(let stream, let method, let deadline, .inPlace(let range)):
                start(stream, method, route, deadline, bytes.extracting(range))
            case .request(let stream, let method, let deadline, .assembled(let whole)):
                start(stream, method, route, deadline, whole.span)
            case .message(let stream, .inPlace(let range), let credit, let isLast):
                deliver(stream, bytes.extracting(range), credit, isLast)
            case .message(let stream, .assembled(let whole), let credit, let isLast):
                deliver(stream, whole.span, credit, isLast)
            default:
                handle(event)
            }
        }
    }

    /// Handles an event without a body.
    private func handle(_ event: ConnectionCore<Attachment>.Event) {
        switch event {
        case .needsBytes, .request, .message: break
        case .ready:
            let onReady = state.withValue { state in
                defer { state.onReady = nil }
                return state.onReady
            }
            onReady?(self)
        case .ended(let attachment, let error):
            if case .call(let sink)? = attachment { sink.finish(error) }
        case .cancelled(let stream):
            if case .served(let served)? = attachment(of: stream) { served.task.cancel() }
        case .draining:
            log(RPCEvent(.info, "\(peer) is draining"))
            closeIfDrained()
        case .failed(let error):
            shut(error)
        }
    }

    private func attachment(of stream: UInt32) -> Attachment? {
        state.withValue { state in
            state.core.streams.slot(of: stream).flatMap { state.core.streams[$0].attachment }
        }
    }

    public func channelFlush() {
        let (output, channel, drained, resumed) = state.withValue { state in
            if state.channel?.isCongested ?? true {
                // Streams given up meanwhile: their handlers need not wait for the socket.
                return ([UInt8](), state.channel, state.core.takeDrained(), false)
            }
            state.core.pump()
            let output = state.core.output.bytes
            state.core.output.bytes = state.spare
            state.spare = []
            let resumed = state.isReadingPaused
            state.isReadingPaused = false
            return (output, state.channel, state.core.takeDrained(), resumed)
        }
        guard let channel else { return }
        if !output.isEmpty { channel.send(output.span) }
        if resumed { channel.resumeReading() }
        keepSpare(output)
        for stream in drained { resumeWriters(stream, true) }
        if !drained.isEmpty { closeIfDrained() }
    }

    /// Keeps the memory of an output that has been sent.
    private func keepSpare(_ output: consuming [UInt8]) {
        var buffer = output
        guard buffer.capacity > 0, buffer.capacity <= 256 << 10 else { return }
        buffer.removeAll(keepingCapacity: true)
        state.withValue { $0.spare = buffer }
    }

    /// Lets a stream's writers go on, or tells them that the call is over.
    func resumeWriters(_ stream: UInt32, _ goesOn: Bool) {
        guard case .served(let served)? = attachment(of: stream) else { return }
        let writers = served.writers
        served.writers = []
        for writer in writers { writer.resume(goesOn) }
    }

    public func channelClosed(_ error: TransportError?) {
        let why = error?.message ?? "\(remoteAddress) closed the connection"
        finishEverything(RPCError(.unavailable, why, certainty: .maybeProcessed))
        let onGone = state.withValue { state in
            state.isGone = true
            state.channel = nil
            defer { state.onGone = [] }
            return state.onGone
        }
        for body in onGone { body() }
    }

    // MARK: - The end

    /// Sends what is gathered, the epitaph last, and closes.
    private func shut(_ error: RPCError) {
        let channel = state.withValue { state in
            state.core.fail(error)
            return state.channel
        }
        finishEverything(error)
        channel?.closeAfterFlush()
    }

    /// Tells every call and handler that the link is gone.
    private func finishEverything(_ error: RPCError) {
        let (streams, onEnd, timer) = state.withValue { state in
            if state.end == nil { state.end = error }
            state.core.phase = .closed
            defer { (state.onEnd, state.timer, state.onReady) = ([], nil, nil) }
            return (state.core.takeAll(), state.onEnd, state.timer)
        }
        if let timer { loop.cancel(timer) }
        for (_, stream) in streams {
            switch stream.attachment {
            case .call(let sink)?:
                var told = RPCError(.unavailable, error.message, certainty: .maybeProcessed)
                if stream.backlog?.head != nil { told.certainty = .notSent }
                sink.finish(told)
            case .served(let served)?:
                served.task.cancel()
                let writers = served.writers
                served.writers = []
                for writer in writers { writer.resume(false) }
            case nil: break
            }
        }
        for body in onEnd { body(error) }
    }

    /// Returns when the link has ended, with the reason.
    public func closed() async -> RPCError {
        let ended = OneShot<RPCError>()
        do throws(TransportError) {
            return try await ended.value {
                loop.perform { [self] in whenEnded { ended.settle(.success($0)) } }
            }
        } catch {
            return RPCError(.cancelled, "the task that waited for the link's end was cancelled")
        }
    }

    /// Has `body` called at the link's end, or now if it has ended; on the loop.
    func whenEnded(_ body: @escaping (RPCError) -> Void) {
        let end = state.withValue { state in
            if state.end == nil { state.onEnd.append(body) }
            return state.end
        }
        if let end { body(end) }
    }

    /// Has `body` called when the socket is closed, or now if it is; on the loop.
    private func whenGone(_ body: @escaping () -> Void) {
        let isGone = state.withValue { state in
            if !state.isGone { state.onGone.append(body) }
            return state.isGone
        }
        if isGone { body() }
    }

    /// Closes at once; calls under way fail.
    public func close() {
        loop.perform { [self] in
            shut(RPCError(.unavailable, "the link was closed", certainty: .maybeProcessed))
        }
    }

    /// Takes no new calls either way, lets those under way end within `grace`, then closes.
    public func drain(grace: Duration) async {
        let gone = OneShot<Bool>()
        _ = try? await gone.value {
            loop.perform { [self] in
                draining.store(true, ordering: .relaxed)
                state.withValue { $0.core.beginDraining("shutting down") }
                setNeedsFlush()
                let timer = loop.schedule(at: loop.now &+ grace.nanoseconds) { [self] in
                    shut(
                        RPCError(.unavailable, "the link was drained for \(grace) and closed"))
                }
                // Not at the link's end already: its last bytes must have left.
                whenGone { [self] in
                    loop.cancel(timer)
                    gone.settle(.success(true))
                }
                closeIfDrained()
            }
        }
        close()
    }

    /// Closes a draining link whose last stream has ended.
    func closeIfDrained() {
        let isDone = state.withValue { state in
            state.core.phase == .open && state.core.streams.isEmpty && state.core.isDraining
        }
        if isDone { shut(RPCError(.unavailable, "the link was drained")) }
    }

    // MARK: - Turns and timers

    /// Has the output sent at the end of the turn.
    func setNeedsFlush() { state.withValue { $0.channel }?.setNeedsFlush() }

    /// Sets the timer for the core's next tick, unless an earlier one is set.
    func updateTimer() {
        let (due, old) = state.withValue { state -> (UInt64?, TimerID?) in
            let due = state.core.nextTick
            if due >= state.timerAt || state.end != nil { return (nil, nil) }
            state.timerAt = due
            return (due, state.timer)
        }
        guard let due else { return }
        if let old { loop.cancel(old) }
        // Held strongly, until the link's end cancels it: one weak reference would put every
        // retain and release of the connection on the slow path.
        let timer = loop.schedule(at: due) { [self] in tick() }
        state.withValue { $0.timer = timer }
    }

    private func tick() {
        state.withValue { state in
            state.timer = nil
            state.timerAt = .max
        }
        let now = loop.now
        while let event = state.withValue({ $0.core.tick(now) }) { handle(event) }
        setNeedsFlush()
        updateTimer()
        closeIfDrained()
    }
}

extension [UInt8] {
    /// Appends a part of a span in one step.
    mutating func append(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        // Appending nothing to an empty array writes to the one that all empty arrays share.
        if range.isEmpty { return }
        append(addingCapacity: range.count) { output in
            for index in range { output.append(bytes[index]) }
        }
    }
}

extension RPCConnection: Hashable {
    public static func == (left: RPCConnection, right: RPCConnection) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
