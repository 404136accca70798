import CLinux
import Glibc

/// A non-blocking TCP socket on a loop, in TLS or not.
public final class SocketChannel: Channel, Pollable, @unchecked Sendable {
    // Safe because everything that changes is touched on the loop's thread only, which the
    // public calls check.

    private enum Phase { case connecting, handshaking, open, closed }

    private var descriptor: Descriptor?
    private let number: Int32
    private var generation: UInt32 = 0
    private var interest: UInt32 = 0
    private var phase: Phase
    private let tls: TLSSession?
    private var plainOutput: OutputBuffer
    private var handler: (any ChannelHandler)?
    private var isPaused = false
    private var isClosing = false
    /// Nothing more is sent: the end of the output has been told to the peer, or is on its way.
    private var isOutputOver = false
    /// Called when the handshake is done, or the channel closed before.
    var onHandshakeEnd: (() -> Void)?
    /// Why the socket takes nothing more, while it may still hold bytes to be read.
    private var writeFailure: TransportError?

    /// The bytes that may wait for the socket before nothing more is read: a peer that only sends
    /// can have OpenSSL answer it.
    static let readingLimit = 4 << 20

    init(
        _ descriptor: consuming Descriptor, to address: SocketAddress, on loop: EventLoop,
        tls: TLSContext?, isConnecting: Bool
    ) {
        number = descriptor.number
        self.descriptor = consume descriptor
        plainOutput = OutputBuffer(loop.spareMemory)
        self.tls = tls.map { TLSSession($0, target: address, loop.spareMemory) }
        phase = isConnecting ? .connecting : tls == nil ? .open : .handshaking
        super.init(to: address, on: loop)
        setNoDelay(number)
    }

    /// Begins to connect; `handler` hears what becomes of it.
    ///
    /// Only from the loop.
    public static func connect(
        to address: SocketAddress, on loop: EventLoop, tls: TLSContext?,
        handler: any ChannelHandler
    ) throws(TransportError) -> SocketChannel {
        let socket = try openSocket(for: address)
        let status = unsafe address.withSockaddr { unsafe Glibc.connect(socket.number, $0, $1) }
        if status != 0, errno != EINPROGRESS {
            throw TransportError(errno: errno, "cannot connect to \(address)")
        }
        let channel = SocketChannel(
            socket, to: address, on: loop, tls: tls, isConnecting: true)
        channel.start(handler)
        return channel
    }

    /// Begins to watch the socket of a channel from ``Listener/onAccept(_:)``.
    ///
    /// Only from the loop.
    public override func start(_ handler: any ChannelHandler) {
        precondition(loop.isCurrent, "channels are started on their loop")
        self.handler = handler
        interest = phase == .connecting ? UInt32(EPOLLOUT.rawValue) : UInt32(EPOLLIN.rawValue)
        generation = loop.add(self, number, events: interest)
        if phase == .open { handler.channelOpened() }
    }

    public override var isResumed: Bool { tls?.isResumed ?? false }

    override var pending: Int { tls?.output.count ?? plainOutput.count }

    /// Gives bytes to the socket's output, encrypted where there is TLS.
    ///
    /// Only from ``ChannelHandler/channelFlush()``, or before the end of a turn.
    public override func send(_ bytes: Span<UInt8>) {
        guard phase == .open, !isOutputOver, !bytes.isEmpty else { return }
        // Safe because both destinations copy the bytes before they return.
        let failure = unsafe bytes.withUnsafeBytes { buffer -> TransportError? in
            guard let tls else {
                unsafe plainOutput.append(buffer)
                return nil
            }
            do throws(TransportError) {
                try unsafe tls.write(buffer)
                return nil
            } catch { return error }
        }
        if let failure { close(failure) } else { setNeedsFlush() }
    }

    /// Stops reading from the socket until ``resumeReading()``: the peer feels the pressure.
    public override func pauseReading() {
        isPaused = true
        updateInterest()
    }

    public override func resumeReading() {
        isPaused = false
        updateInterest()
    }

    /// Closes once what was sent has left and the peer has closed too, or when the peer has taken
    /// nothing for 5 s; the handler is told.
    ///
    /// Only from the loop. Closing with unread bytes would reset the connection, and the peer would
    /// lose what is on its way to it.
    public override func closeAfterFlush() {
        guard phase != .closed, !isClosing else { return }
        isClosing = true
        limitClosing()
        resumeReading()
        setNeedsFlush()
    }

    override var sentCount: UInt64 { tls?.output.sentCount ?? plainOutput.sentCount }

    /// Closes at once.
    ///
    /// Only from the loop.
    public override func close(_ error: TransportError) { finish(error) }

    /// Closes at once with a reset.
    ///
    /// Only from the loop.
    public override func reset(_ error: TransportError) {
        if phase != .closed {
            var option = linger(l_onoff: 1, l_linger: 0)
            // Safe because SO_LINGER is a linger of the size given.
            unsafe setsockopt(
                number, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        }
        close(error)
    }

    override func flush() {
        isDirty = false
        // What the socket takes now opens the way: when all of it goes, epoll never tells so.
        if isCongested { writeOut() }
        let wasCongested = isCongested
        if phase == .open { handler?.channelFlush() }
        // Congested, the handler may have kept something back.
        if isClosing, phase == .open, !isDirty, !wasCongested, !isOutputOver {
            isOutputOver = true
            tls?.closeNotify()
        }
        writeOut()
        guard isClosing, phase != .closed, pending == 0, !isDirty else { return }
        if phase != .open {
            finish(nil)
        } else if isOutputOver {
            shutdown(number, Int32(SHUT_WR))
        } else {
            setNeedsFlush()
        }
    }

    private func writeOut() {
        guard phase != .closed, phase != .connecting else { return }
        let failure =
            tls.map { $0.output.send(to: number) } ?? plainOutput.send(to: number)
        if failure == EPIPE || failure == ECONNRESET {
            // What the peer sent before is read first: it may say why. Then the end is reported,
            // as epoll tells of it whatever is asked for.
            writeFailure = TransportError(
                errno: failure, "lost the connection to \(remoteAddress)")
            tls?.output.release()
            plainOutput.release()
        } else if failure != 0 {
            finish(TransportError(errno: failure, "lost the connection to \(remoteAddress)"))
            return
        }
        updateInterest()
    }

    private func updateInterest() {
        guard phase != .closed, phase != .connecting else { return }
        let wanted =
            (isPaused || pending > Self.readingLimit ? 0 : UInt32(EPOLLIN.rawValue))
            | (pending > 0 ? UInt32(EPOLLOUT.rawValue) : 0)
        if wanted == interest { return }
        interest = wanted
        loop.modify(number, events: wanted, generation: generation)
    }

    private func finish(_ error: TransportError?, lingers: Bool = false) {
        guard phase != .closed else { return }
        phase = .closed
        onHandshakeEnd.take()?()
        stopLimitingClosing()
        if generation != 0 { loop.remove(number) }
        if let descriptor = descriptor.take(), lingers {
            LingeringSocket.start(descriptor, on: loop)
        }
        let handler = self.handler
        self.handler = nil
        handler?.channelClosed(error)
    }

    // MARK: - Readiness

    func handle(events: UInt32) {
        switch phase {
        case .connecting: finishConnecting()
        case .closed: return
        case .handshaking, .open:
            if events & UInt32(EPOLLOUT.rawValue) != 0 {
                writeOut()
                if phase == .open || isClosing, pending < highWater / 2 { setNeedsFlush() }
            }
            let readable =
                UInt32(EPOLLIN.rawValue) | UInt32(EPOLLHUP.rawValue) | UInt32(EPOLLERR.rawValue)
            // Not when writing ended it: the descriptor's number may be another's by now.
            if events & readable != 0, phase != .closed { readOnce() }
        }
    }

    private func finishConnecting() {
        var status: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        // Safe because SO_ERROR is an int of the size given.
        unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &status, &size)
        if status != 0 {
            finish(TransportError(errno: status, "cannot connect to \(remoteAddress)"))
            return
        }
        phase = tls == nil ? .open : .handshaking
        updateInterest()
        if phase == .open {
            handler?.channelOpened()
        } else {
            unsafe shakeHands(UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }

    private func readOnce() {
        let count = unsafe recv(number, loop.readBuffer.baseAddress, loop.readBuffer.count, 0)
        if count < 0 {
            if errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR { return }
            let lost = TransportError(errno: errno, "lost the connection to \(remoteAddress)")
            finish(writeFailure ?? lost)
            return
        }
        if count == 0 {
            finish(
                phase == .open
                    ? writeFailure
                    : TransportError(
                        .closed, "\(remoteAddress) closed the connection during the TLS handshake"))
            return
        }
        // Safe because recv filled `count` bytes of the loop's buffer, which nobody else uses
        // until this returns.
        let arrived = unsafe UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count])
        if phase == .handshaking {
            unsafe shakeHands(arrived)
        } else if tls != nil {
            unsafe decrypt(arrived)
        } else {
            unsafe deliver(arrived)
        }
    }

    private func shakeHands(_ arrived: UnsafeRawBufferPointer) {
        guard let tls else { return }
        defer { tls.dropInput() }
        do throws(TransportError) {
            let progress = try unsafe tls.handshake(arrived)
            if progress == .done {
                peer = try tls.peerIdentity()
                phase = .open
                onHandshakeEnd.take()?()
            }
        } catch {
            // The alert that tells the peer why goes out first.
            _ = tls.output.send(to: number)
            finish(TransportError(error.code, "\(remoteAddress): \(error.message)"), lingers: true)
            return
        }
        writeOut()
        guard phase == .open else { return }
        handler?.channelOpened()
        unsafe decrypt(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    private func decrypt(_ arrived: UnsafeRawBufferPointer) {
        var arrived = unsafe arrived
        while phase == .open, let tls {
            do throws(TransportError) {
                guard let count = try unsafe tls.read(arrived, into: loop.plainBuffer) else {
                    finish(nil)
                    return
                }
                if count > 0 {
                    unsafe deliver(UnsafeRawBufferPointer(rebasing: loop.plainBuffer[..<count]))
                }
                if unsafe count < loop.plainBuffer.count { break }
                unsafe arrived = UnsafeRawBufferPointer(start: nil, count: 0)
            } catch {
                _ = tls.output.send(to: number)
                finish(
                    TransportError(error.code, "\(remoteAddress): \(error.message)"), lingers: true)
                return
            }
        }
        if phase == .open, tls?.isAtEnd == true { finish(nil) }
        if phase == .open, pending > 0 { setNeedsFlush() }
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer) {
        guard let handler else { return }
        // Safe because the bytes are in a buffer of the loop that stays as it is until the
        // handler returns, and a Span cannot be kept.
        let span = unsafe Span<UInt8>(_unsafeBytes: bytes)
        handler.channelReceived(span)
    }
}

/// A non-blocking TCP socket of the address's family.
func openSocket(
    for address: SocketAddress, type: __socket_type = SOCK_STREAM
) throws(TransportError) -> Descriptor {
    let type =
        Int32(type.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let number = socket(address.bytes.count == 4 ? AF_INET : AF_INET6, type, 0)
    guard number >= 0 else { throw TransportError(errno: errno, "cannot open a socket") }
    return Descriptor(owning: number)
}

/// Turns Nagle's algorithm off: output is gathered per turn already.
///
/// TCP keepalive finds peers that died without a word.
private func setNoDelay(_ number: Int32) {
    var one: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    // Safe because each option is an int of the size given.
    unsafe setsockopt(number, Int32(IPPROTO_TCP), TCP_NODELAY, &one, size)
    unsafe setsockopt(number, SOL_SOCKET, SO_KEEPALIVE, &one, size)
}
