/// One end of a link in memory: what a ``SocketChannel`` is, without the kernel and without TLS.
///
/// Both ends live on one loop, which may be that of ``SimulatedTime``. What passes between them is
/// decided by ``LinkConditions`` and a seed alone.
public final class MemoryChannel: Channel, @unchecked Sendable {
    // Safe because everything that changes is touched on the loop's thread only.

    private enum Phase { case connecting, accepted, open, closed }

    private let outgoing: MemoryFlow
    private let incoming: MemoryFlow
    /// The other end, until this one is closed.
    private var partner: MemoryChannel?
    private var phase: Phase
    private var handler: (any ChannelHandler)?
    /// What has arrived and is not taken.
    private var arrivals: [MemoryFlow.Parcel] = []
    private var isPaused = false
    private var isDelivering = false
    private var isClosing = false
    private var isOutputOver = false

    private init(
        _ phase: Phase, to address: SocketAddress, _ peer: PeerIdentity?, on loop: EventLoop,
        outgoing: MemoryFlow, incoming: MemoryFlow, highWater: Int
    ) {
        self.phase = phase
        self.outgoing = outgoing
        self.incoming = incoming
        super.init(to: address, on: loop)
        self.peer = peer
        self.highWater = highWater
        incoming.receiver = self
    }

    /// Who dials, and who listens.
    public struct Ends: Sendable {
        public var diallerIdentity: PeerIdentity?
        public var diallerAddress: SocketAddress
        public var listenerIdentity: PeerIdentity?
        public var listenerAddress: SocketAddress

        public init(
            dialler: PeerIdentity?, at diallerAddress: SocketAddress, listener: PeerIdentity?,
            at listenerAddress: SocketAddress
        ) {
            diallerIdentity = dialler
            self.diallerAddress = diallerAddress
            listenerIdentity = listener
            self.listenerAddress = listenerAddress
        }
    }

    /// Begins to connect; `accept` gets the other end, not started, or does not want it.
    ///
    /// - Parameters:
    ///   - ends: Who the two are, as each is told of the other.
    ///   - conditions: How the link carries bytes.
    ///   - seed: Decides what the conditions leave open.
    ///   - observe: Hears of all that arrives.
    ///   - handler: Hears what becomes of the dialler's end, which is the result.
    ///   - accept: Called after the link's latency; false refuses the connection.
    public static func connect(
        _ ends: Ends, on loop: EventLoop, _ conditions: LinkConditions = LinkConditions(),
        seed: UInt64 = 0, observe: ((LinkEvent) -> Void)? = nil, handler: any ChannelHandler,
        accept: @escaping (MemoryChannel) -> Bool
    ) -> MemoryChannel {
        precondition(loop.isCurrent, "channels are connected on their loop")
        var random = SeededRandom(seed: seed)
        func flow(_ direction: LinkFault.Direction) -> MemoryFlow {
            MemoryFlow(direction, on: loop, conditions, seed: random.next(), observe: observe)
        }
        let (there, back) = (flow(.fromDialler), flow(.fromListener))
        let near = MemoryChannel(
            .connecting, to: ends.listenerAddress, ends.listenerIdentity, on: loop,
            outgoing: there, incoming: back, highWater: conditions.highWater)
        let far = MemoryChannel(
            .accepted, to: ends.diallerAddress, ends.diallerIdentity, on: loop,
            outgoing: back, incoming: there, highWater: conditions.highWater)
        (near.partner, far.partner) = (far, near)
        near.handler = handler
        near.onArrivalOfDialler = { [unowned near] in
            if accept(far) { return }
            near.partner = nil
            far.finish(nil)
            near.finish(
                TransportError(
                    .refused, "cannot connect to \(ends.listenerAddress): Connection refused"))
        }
        there.open()
        return near
    }

    /// What the listener does when the dialler's first word arrives.
    private var onArrivalOfDialler: (() -> Void)?

    /// Begins to report to `handler`; only for the listener's end.
    public override func start(_ handler: any ChannelHandler) {
        precondition(loop.isCurrent, "channels are started on their loop")
        guard phase == .accepted else { return }
        self.handler = handler
        phase = .open
        outgoing.open()
        handler.channelOpened()
        deliver()
    }

    override var pending: Int { outgoing.pending }

    override var sentCount: UInt64 { outgoing.sentCount }

    public override func send(_ bytes: Span<UInt8>) {
        guard phase == .open, !isOutputOver, !bytes.isEmpty else { return }
        outgoing.append(bytes)
        setNeedsFlush()
    }

    public override func pauseReading() { isPaused = true }

    public override func resumeReading() {
        guard isPaused else { return }
        isPaused = false
        // Not at once: the caller may be inside a call of its handler.
        if !arrivals.isEmpty {
            loop.scheduleArrival(at: loop.now) { [self] in deliver() }
        }
    }

    public override func closeAfterFlush() {
        guard phase != .closed, !isClosing else { return }
        isClosing = true
        limitClosing()
        resumeReading()
        setNeedsFlush()
    }

    public override func close(_ error: TransportError) { finish(error) }

    /// Resets the connection for both ends, as a router that forgets it does.
    public func cut() {
        outgoing.lose(TransportError(.reset, "the link was cut"))
        incoming.lose(TransportError(.reset, "the link was cut"))
    }

    override func flush() {
        isDirty = false
        if isCongested { transfer() }
        let wasCongested = isCongested
        if phase == .open { handler?.channelFlush() }
        // Congested, the handler may have kept something back.
        if isClosing, phase == .open, !isDirty, !wasCongested { isOutputOver = true }
        transfer()
        guard isClosing, phase != .closed, pending == 0, !isDirty else { return }
        if phase != .open {
            finish(nil)
        } else if isOutputOver {
            outgoing.end()
        } else {
            setNeedsFlush()
        }
    }

    private func transfer() {
        guard phase == .open else { return }
        let isCut = outgoing.transfer()
        if isCut { cut() }
    }

    private func finish(_ error: TransportError?) {
        guard phase != .closed else { return }
        phase = .closed
        stopLimitingClosing()
        if arrivals.isEmpty {
            outgoing.end()
        } else {
            // As a kernel does when bytes were not read.
            outgoing.lose(reset)
        }
        arrivals = []
        partner = nil
        onArrivalOfDialler = nil
        let handler = self.handler
        self.handler = nil
        handler?.channelClosed(error)
    }

    private var reset: TransportError {
        TransportError(.reset, "lost the connection to \(remoteAddress): Connection reset by peer")
    }

    // MARK: - What arrives

    func arrived(_ parcel: MemoryFlow.Parcel) {
        switch (phase, parcel) {
        case (.closed, .bytes): outgoing.lose(reset)
        case (.closed, _): return
        case (.accepted, .opened): partner?.onArrivalOfDialler.take()?()
        default:
            arrivals.append(parcel)
            deliver()
        }
    }

    private func deliver() {
        guard !isDelivering else { return }
        isDelivering = true
        defer { isDelivering = false }
        while phase != .closed, phase != .accepted, canTake, !arrivals.isEmpty {
            switch arrivals.removeFirst() {
            case .opened: open()
            case .bytes(let bytes):
                handler?.channelReceived(bytes.span)
                incoming.took(bytes.count)
                partner?.hasRoom()
            case .end: finish(phase == .open ? nil : reset)
            case .lost(let error):
                finish(TransportError(error.code, "\(remoteAddress): \(error.message)"))
            }
        }
    }

    /// A lost connection is reported to paused readers too.
    private var canTake: Bool {
        if !isPaused { return true }
        return arrivals.contains { if case .lost = $0 { true } else { false } }
    }

    private func open() {
        guard phase == .connecting else { return }
        phase = .open
        handler?.channelOpened()
        setNeedsFlush()
    }

    /// The other end has taken bytes.
    private func hasRoom() {
        if pending == 0 { return }
        transfer()
        if phase == .open, pending < highWater / 2 { setNeedsFlush() }
    }
}
