/// What a channel tells its owner; always on the channel's loop.
public protocol ChannelHandler: AnyObject, Sendable {
    /// The connection stands, and with TLS the handshake is done: see ``Channel/peer``.
    func channelOpened()
    /// Bytes have arrived. The span is the loop's buffer: it is gone when this returns.
    func channelReceived(_ bytes: Span<UInt8>)
    /// The turn ends, or the channel takes bytes again: call ``Channel/send(_:)`` with what is
    /// gathered.
    func channelFlush()
    /// The connection is gone; the last call. `nil` when the peer closed it in order.
    func channelClosed(_ error: TransportError?)
}

/// One end of a connection on a loop: a ``SocketChannel``, or a ``MemoryChannel`` between two
/// parts of one program.
///
/// All of it only from the loop.
public class Channel: @unchecked Sendable {
    // Safe because everything that changes, here and in the subclasses, is touched on the loop's
    // thread only.

    public final let loop: EventLoop
    public final let remoteAddress: SocketAddress
    /// Who the other end is; nil without mutual TLS or before the handshake.
    public final internal(set) var peer: PeerIdentity?
    /// Whether the TLS handshake took up an earlier session.
    public var isResumed: Bool { false }

    /// Whether ``flush()`` is to come at the end of the turn.
    // Unchecked because no access to it lasts.
    @exclusivity(unchecked) @usableFromInline final var isMarked = false
    final var isDirty: Bool {
        get { unsafe isMarked }
        set { unsafe isMarked = newValue }
    }
    /// How long ``closeAfterFlush()`` waits for a peer that takes nothing, in nanoseconds.
    final var closingLimit: UInt64 = 5_000_000_000
    private final var closingTimer: TimerID?

    /// The bytes that may wait to be taken before ``isCongested``.
    final var highWater = 256 << 10

    init(to address: SocketAddress, on loop: EventLoop) {
        remoteAddress = address
        self.loop = loop
    }

    /// Begins to report to `handler`; a channel from ``Listener/onAccept(_:)`` is not started.
    public func start(_ handler: any ChannelHandler) { Self.isAbstract() }

    /// Whether so many bytes wait to be taken that nothing should be added.
    public final var isCongested: Bool { pending > highWater }

    /// The bytes that wait to be taken.
    var pending: Int { Self.isAbstract() }

    /// Calls ``ChannelHandler/channelFlush()`` and writes now, and again at the end of the turn.
    ///
    /// Only in a turn in which ``setNeedsFlush()`` was called.
    public final func flushNow() {
        guard isDirty else { return }
        flush()
        isDirty = true
    }

    /// Has ``ChannelHandler/channelFlush()`` called at the end of this turn.
    @inlinable @inline(__always)
    public final func setNeedsFlush() {
        if unsafe !isMarked { markDirty() }
    }

    @usableFromInline final func markDirty() {
        isDirty = true
        loop.setDirty(self)
    }

    /// Gives bytes to the output.
    ///
    /// Only from ``ChannelHandler/channelFlush()``, or before the end of a turn.
    public func send(_ bytes: Span<UInt8>) { Self.isAbstract() }

    /// Stops reading until ``resumeReading()``: the peer feels the pressure.
    public func pauseReading() { Self.isAbstract() }

    public func resumeReading() { Self.isAbstract() }

    /// Closes once what was sent has left and the peer has closed too, or when the peer has taken
    /// nothing for 5 s; the handler is told.
    ///
    /// Closing with unread bytes would reset the connection, and the peer would lose what is on
    /// its way to it.
    public func closeAfterFlush() { Self.isAbstract() }

    /// Closes at once.
    public func close(_ error: TransportError) { Self.isAbstract() }

    /// Closes at once, so that the peer finds the connection reset.
    public func reset(_ error: TransportError) { close(error) }

    /// Called by the loop at the end of a turn in which ``setNeedsFlush()`` was.
    func flush() { Self.isAbstract() }

    // MARK: - Closing

    /// The bytes that were taken in all.
    var sentCount: UInt64 { Self.isAbstract() }

    /// Closes when ``closingLimit`` passes without a byte being taken.
    final func limitClosing() {
        let before = sentCount
        closingTimer = loop.schedule(at: loop.currentTime() &+ closingLimit) { [self] in
            if sentCount != before { return limitClosing() }
            close(TransportError(.timedOut, "\(remoteAddress) did not close the connection"))
        }
    }

    final func stopLimitingClosing() {
        if let timer = closingTimer.take() { loop.cancel(timer) }
    }

    private static func isAbstract() -> Never {
        preconditionFailure("a channel is of a subclass, which has this method")
    }
}
