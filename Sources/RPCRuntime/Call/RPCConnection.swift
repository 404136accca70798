import Synchronization
public import Transport

/// One link: a connection on which both ends may call each other.
///
/// It lives on one event loop. Calls may be made from anywhere; they are cheapest from tasks that
/// run on that loop, where a call takes no lock and changes no thread.
public final class RPCConnection: ChannelHandler {
    struct State {
        var core: ConnectionCore<CallState>
        var channel: Channel?
        /// The beginning of a frame whose rest has not arrived.
        var input: [UInt8] = []
        /// How far the bytes that are being read have been handled.
        var cursor = 0
        /// The task that runs handlers now, and the stream it is at; 0 for none.
        var runner: UInt64 = 0
        var runnerCount: UInt64 = 0
        var running: UInt32 = 0
        var context: CallContext?
        var contextOwners: UInt = 0
        /// Whose request was found last.
        var handler: MethodHandler?
        /// The request that the runner found for another method's handler.
        var staged: (MethodHandler, IncomingCall)?
        /// Whether the channel has been told that there is something to send.
        var isMarked = false
        /// Output beyond which it is sent before the turn's end: doubles within a turn.
        var earlyOutput = State.earlyOutputLeast
        /// An empty buffer that keeps its memory for the next turn's output.
        var spare: [UInt8] = []
        var timer: TimerID?
        var timerAt = UInt64.max
        /// What this peer may call.
        var routes = RouteTable()
        /// The first stream whose caller may wait briefly, for which a timer is set; 0 for none.
        var firstBrief: UInt32 = 0
        var briefTimer: TimerID?
        /// The answer for which a task runs now, among the bytes that are lent; stream 0 for none.
        var arriving: (stream: UInt32, range: Range<Int>) = (0, 0..<0)
        /// Sinks of calls that have ended, for later calls; the first stands apart.
        var idleSink: UnarySink?
        var sinks: [UnarySink] = []
        /// Calls that wait until the peer serves fewer.
        var queue: [RoomWaiter] = []
        var deflater: Deflater?
        var inflater: Inflater?
        var isReadingPaused = false
        var isPeerDraining = false
        var onReady: (@Sendable (RPCConnection) -> Void)?
        var onEnd: [(RPCError) -> Void] = []
        /// Called when the peer drains.
        var onPeerDrain: [() -> Void] = []
        /// Called when the socket is closed, which is later than the end.
        var onGone: [() -> Void] = []
        var isGone = false
        var end: RPCError?
        var tally = LinkTally()

        /// About 32 small messages: the peer may work on them while this end works on the next.
        static var earlyOutputLeast: Int { 4096 }

        /// Has the output sent at the end of the turn.
        mutating func needFlush() {
            guard !isMarked, let channel else { return }
            isMarked = true
            channel.setNeedsFlush()
        }

        /// A sink that an earlier call has left.
        mutating func takeSink() -> UnarySink? { idleSink.take() ?? sinks.popLast() }

        /// Keeps the sink of a call that has ended well for a later one.
        @inline(__always)
        mutating func keep(_ sink: UnarySink) {
            if idleSink == nil {
                idleSink = sink
            } else if sinks.count < Self.sinksMax {
                sinks.append(sink)
            }
        }

        private static var sinksMax: Int { 256 }

        /// Whether a call must wait, because the peer serves no more at once, or others wait already.
        var needsQueue: Bool {
            core.phase == .open && (!core.hasRoomForCall || !queue.isEmpty)
        }
    }

    let state: LoopBound<State>
    public let remoteAddress: SocketAddress
    let services: [ServiceHandlers]
    let options: RPCOptions
    let log: @Sendable (RPCEvent) -> Void
    private let accounts: PeerAccounts?
    private let identity = Lock<PeerIdentity?>(nil)
    let draining = Atomic(false)

    public let loop: EventLoop

    /// Output that waits for the socket beyond which nothing more is read from the peer.
    private static var outputLimit: Int { 1 << 20 }

    /// Output that is not left for the turn's end, when other connections have had their turn: it
    /// is still in the processor's nearest cache.
    private static var hotOutput: Int { 2048 }

    /// Makes the connection of a channel that is about to be started, or to connect.
    init(
        _ role: ConnectionCore<CallState>.Role, _ address: SocketAddress, on loop: EventLoop,
        services: [ServiceHandlers], options: RPCOptions, accounts: PeerAccounts? = nil,
        log: @escaping @Sendable (RPCEvent) -> Void,
        onReady: @escaping @Sendable (RPCConnection) -> Void
    ) {
        precondition(loop.isCurrent, "links are made on their loop")
        remoteAddress = address
        self.services = services
        self.options = options
        self.accounts = accounts
        self.log = log
        var core = ConnectionCore<CallState>(
            role, options, peerName: "the peer at \(address)",
            services: services.map(\.descriptor), now: loop.now)
        core.streamingMethods = services.flatMap(\.methods).map(\.method)
            .filter { $0.kind == .clientStreaming || $0.kind == .bidirectional }.map(\.id)
        var state = State(core: core)
        state.onReady = onReady
        state.tally.since = loop.now
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

    /// Changes the core, which is told the time.
    func withCore<Result>(_ body: (inout ConnectionCore<CallState>) -> Result) -> Result {
        state.withValue { state in
            state.core.now = loop.now
            return body(&state.core)
        }
    }

    // MARK: - The channel's events

    public func channelOpened() {
        guard let peer = state.withValue({ $0.channel?.peer }) else {
            shut(RPCError(.unauthenticated, "\(remoteAddress) showed no identity"))
            return
        }
        identity.withLock { $0 = peer }
        let account = accounts?.account(of: peer, loop.now)
        state.withValue { state in
            // Flushes of the handshake did not come here.
            state.isMarked = false
            state.core.peerName = peer.description
            if let account { state.core.use(account) }
            state.routes = RouteTable(services.flatMap(\.methods), peer)
        }
        setNeedsFlush()
    }

    public func channelReceived(_ bytes: Span<UInt8>) {
        var rest = state.withValue { state in
            defer { state.input = [] }
            state.cursor = 0
            state.tally.bytesReceived &+= UInt64(bytes.count)
            return state.input
        }
        if rest.isEmpty {
            loop.lend(bytes) { process() }
            let used = state.withValue { $0.cursor }
            if used < bytes.count { rest.append(bytes, used..<bytes.count) }
        } else {
            rest.append(bytes, 0..<bytes.count)
            loop.lend(rest.span) { process() }
            rest.removeFirst(state.withValue { $0.cursor })
        }
        let (full, flooded) = state.withValue { state -> (Channel?, Channel?) in
            state.input = rest
            state.needFlush()
            let count = state.core.output.bytes.count
            let full = count >= Self.hotOutput ? state.channel : nil
            if state.isReadingPaused || count <= Self.outputLimit { return (full, nil) }
            state.isReadingPaused = true
            return (full, state.channel)
        }
        flooded?.pauseReading()
        full?.flushNow()
        updateTimer()
        if isDraining { closeIfDrained() }
    }

    /// Handles an event that asks for no handler; false when no complete frame is left.
    func handle(_ event: ConnectionCore<CallState>.Event) {
        switch event {
        case .needsBytes, .request: break
        case .message(let stream, let body, let isLast, let hasHead):
            deliver(stream, body, isLast: isLast, hasHead: hasHead)
        case .head(let stream): noteHead(stream)
        case .requestEnded(let stream): requests(of: stream)?.finish(nil)
        case .ready: ready()
        case .ended: callEnded()
        case .cancelled(let stream): cancelHandler(stream)
        case .draining: peerDrains()
        case .limitsChanged: admitQueued()
        case .idle: retire("it had no calls for \(options.idleTimeout ?? .zero)")
        case .old: retire("it is older than \(options.ageMax ?? .zero)")
        case .failed:
            shut(
                state.withValue { $0.core.detail.error }
                    ?? RPCError(.internal, "the link failed"))
        }
    }

    private func ready() {
        let onReady = state.withValue { state in
            defer { state.onReady = nil }
            return state.onReady
        }
        compareSchemas()
        onReady?(self)
    }

    func attachment(of stream: UInt32) -> CallState? {
        state.withValue { state in
            state.core.streams.slot(of: stream).flatMap { state.core.streams[$0].attachment }
        }
    }

    public func channelFlush() {
        let (output, channel, drained, resumed) = state.withValue {
            state -> ([UInt8], Channel?, [UInt32], Bool) in
            state.isMarked = false
            state.earlyOutput = State.earlyOutputLeast
            if state.channel?.isCongested ?? true {
                // Streams given up meanwhile: their writers need not wait for the socket.
                return ([UInt8](), state.channel, state.core.takeDrained(), false)
            }
            state.core.now = loop.now
            state.core.pump()
            var output = state.spare
            swap(&output, &state.core.output.bytes)
            state.spare = []
            let resumed = state.isReadingPaused
            state.isReadingPaused = false
            state.tally.bytesSent &+= UInt64(output.count)
            return (output, state.channel, state.core.takeDrained(), resumed)
        }
        guard let channel else { return }
        if !output.isEmpty { channel.send(output.span) }
        if resumed { channel.resumeReading() }
        keepSpare(output)
        for stream in drained { attachment(of: stream)?.wakeWriters() }
        if !drained.isEmpty { closeIfDrained() }
    }

    /// Keeps the memory of an output that has been sent.
    private func keepSpare(_ output: consuming [UInt8]) {
        var buffer = output
        guard buffer.capacity > 0, buffer.capacity <= 256 << 10 else { return }
        buffer.removeAll(keepingCapacity: true)
        state.withValue { state in
            if state.spare.capacity < buffer.capacity { state.spare = buffer }
        }
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
    func shut(_ error: RPCError) {
        let channel = state.withValue { state in
            state.core.fail(error)
            return state.channel
        }
        finishEverything(error)
        channel?.closeAfterFlush()
    }

    /// Tells every call and handler that the link is gone.
    private func finishEverything(_ error: RPCError) {
        let (streams, queue, onEnd, timers) = state.withValue { state in
            if state.end == nil { state.end = error }
            state.core.phase = .closed
            defer {
                (state.onEnd, state.timer, state.onReady, state.queue) = ([], nil, nil, [])
                state.briefTimer = nil
                (state.onPeerDrain, state.idleSink, state.sinks) = ([], nil, [])
                (state.deflater, state.inflater, state.handler) = (nil, nil, nil)
            }
            return (
                state.core.takeAll(), state.queue, state.onEnd,
                [state.timer, state.briefTimer].compactMap(\.self)
            )
        }
        for timer in timers { loop.cancel(timer) }
        for waiter in queue { waiter.wake() }
        for (_, stream) in streams {
            if let served = stream.attachment?.served {
                served.task?.cancel()
                served.wakeWriters()
                served.requests?.finish(
                    RPCError(.cancelled, "the link to the caller ended: \(error.message)"))
            } else if let sink = stream.attachment?.sink {
                var told = RPCError(.unavailable, error.message, certainty: .maybeProcessed)
                if !state.withValue({ $0.core.hasBegunToLeave(stream) }) {
                    told.certainty = .notSent
                }
                sink.finish(told)
            }
        }
        if let peer = identity.withLock({ $0 }) { accounts?.release(peer, loop.now) }
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

    /// Closes at once; calls under way fail.
    public func close() {
        loop.perform { [self] in
            shut(RPCError(.unavailable, "the link was closed", certainty: .maybeProcessed))
        }
    }

    // MARK: - Turns and timers

    /// Has the output sent at the end of the turn.
    func setNeedsFlush() { state.withValue { $0.needFlush() } }

    /// Sends the output in the middle of a turn, once there is much: the first answers of many
    /// need not wait for the last.
    func flushEarly() {
        let (channel, limit) = state.withValue { ($0.channel, $0.earlyOutput * 2) }
        channel?.flushNow()
        state.withValue { $0.earlyOutput = limit }
    }

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

extension RPCConnection: Hashable {
    public static func == (left: RPCConnection, right: RPCConnection) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
