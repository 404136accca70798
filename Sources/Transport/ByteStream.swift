import Synchronization

/// A TCP connection, in TLS or not, for one reading and one writing task.
public final class ByteStream: Sendable {
    private struct State {
        var channel: Channel?
        var isOpen = false
        var input: [UInt8] = []
        var inputStart = 0
        var output: [UInt8] = []
        /// How the stream ended; a nil error is the peer's orderly end.
        var end: Result<Bool, TransportError>?
        var opener: OneShot<Bool>?
        var reader: OneShot<[UInt8]>?
        var readLimit = 0
        var writer: OneShot<Bool>?
        var isPaused = false
    }

    private let state: LoopBound<State>
    public let remoteAddress: SocketAddress
    private let identity = Lock<PeerIdentity?>(nil)
    private let resumed = Atomic(false)

    private var loop: EventLoop { state.loop }

    /// Input that waits for a reader before the socket is left alone.
    private static let inputLimit = 1 << 20

    private init(_ address: SocketAddress, on loop: EventLoop) {
        remoteAddress = address
        state = LoopBound(State(), on: loop)
    }

    /// Who the other end is; nil without mutual TLS or before the handshake.
    public var peer: PeerIdentity? { identity.withLock { $0 } }

    /// Whether the TLS handshake took up an earlier session.
    public var isResumed: Bool { resumed.load(ordering: .relaxed) }

    /// Connects and, with `tls`, shakes hands; all of it within `timeout`.
    public static func connect(
        to address: SocketAddress, on loop: EventLoop, tls: TLSContext? = nil, timeout: Duration
    ) async throws(TransportError) -> ByteStream {
        let stream = ByteStream(address, on: loop)
        let opened = OneShot<Bool>()
        do throws(TransportError) {
            _ = try await opened.value {
                loop.perform { stream.open(opened, tls, timeout) }
            }
        } catch {
            stream.close()
            throw error
        }
        return stream
    }

    private func open(_ opened: OneShot<Bool>, _ tls: TLSContext?, _ timeout: Duration) {
        state.withValue { $0.opener = opened }
        do throws(TransportError) {
            let channel = try SocketChannel.connect(
                to: remoteAddress, on: loop, tls: tls, handler: Events(self))
            state.withValue { $0.channel = channel }
        } catch {
            ended(error)
            return
        }
        fail(opened, after: timeout, "connecting to \(remoteAddress)")
    }

    /// Takes over a channel that was accepted.
    static func adopting(_ channel: Channel) async -> ByteStream {
        let stream = ByteStream(channel.remoteAddress, on: channel.loop)
        channel.loop.perform {
            stream.state.withValue { $0.channel = channel }
            channel.start(Events(stream))
        }
        return stream
    }

    /// Finishes the TLS handshake of an accepted stream; nothing to do without TLS.
    public func handshake(timeout: Duration) async throws(TransportError) {
        let opened = OneShot<Bool>()
        _ = try await opened.value {
            loop.perform { [self] in
                let settled = state.withValue { state -> Result<Bool, TransportError>? in
                    if state.isOpen { return .success(true) }
                    if let end = state.end { return end }
                    state.opener = opened
                    return nil
                }
                if let settled {
                    opened.settle(settled)
                } else {
                    fail(opened, after: timeout, "the TLS handshake with \(remoteAddress)")
                }
            }
        }
    }

    /// What has arrived, at least a byte; empty at the end of the stream.
    ///
    /// After `.timedOut` or `.cancelled` the stream is as before and can be read again. A `waker`
    /// ends the wait with `.timedOut` before its time.
    public func read(atMost limit: Int = 65_536, timeout: Duration? = nil, waker: Waker? = nil)
        async throws(TransportError) -> [UInt8]
    {
        precondition(limit > 0, "a read needs room")
        let arrived = OneShot<[UInt8]>()
        defer { waker?.disarm() }
        return try await arrived.value {
            waker?.arm { arrived.settle(.failure(TransportError(.timedOut, "the wait was ended"))) }
            loop.perform { [self] in
                state.withValue { state in
                    state.reader = arrived
                    state.readLimit = limit
                }
                serveReader()
                if let timeout { fail(arrived, after: timeout, "reading from \(remoteAddress)") }
            }
        }
    }

    /// Returns once the bytes are with the kernel.
    ///
    /// One call, one segment where they fit.
    public func write(_ bytes: [UInt8], timeout: Duration? = nil) async throws(TransportError) {
        let written = OneShot<Bool>()
        _ = try await written.value {
            loop.perform { [self] in
                startWriting(bytes, written)
                if let timeout { fail(written, after: timeout, "writing to \(remoteAddress)") }
            }
        }
    }

    /// Closes at once; idempotent.
    ///
    /// Readers and writers that wait get `.closed`.
    public func close() {
        loop.perform { [self] in
            let channel = state.withValue { $0.channel }
            let error = TransportError(
                .closed, "the connection to \(remoteAddress) was closed here")
            if let channel { channel.close(error) } else { ended(error) }
        }
    }

    /// Closes at once with a reset, as a peer does that has crashed; idempotent.
    public func reset() {
        loop.perform { [self] in
            let error = TransportError(
                .closed, "the connection to \(remoteAddress) was reset here")
            state.withValue { $0.channel }?.reset(error)
        }
    }

    // MARK: - On the loop

    private func fail<Value>(_ shot: OneShot<Value>, after timeout: Duration, _ what: String) {
        guard !shot.isSettled else { return }
        let timer = loop.schedule(at: loop.currentTime() &+ timeout.clampedNanoseconds) {
            shot.settle(.failure(TransportError(.timedOut, "\(what) took longer than \(timeout)")))
        }
        shot.onSettled { [loop] in loop.perform { loop.cancel(timer) } }
    }

    private func startWriting(_ bytes: [UInt8], _ written: OneShot<Bool>) {
        let refused = state.withValue { state -> TransportError? in
            if let end = state.end {
                if case .failure(let error) = end { return error }
                return TransportError(.closed, "\(remoteAddress) closed the connection")
            }
            precondition(
                state.writer?.isSettled ?? true, "a ByteStream has one writing task")
            state.output.append(contentsOf: bytes)
            state.writer = written
            return nil
        }
        if let refused {
            written.settle(.failure(refused))
        } else {
            state.withValue { $0.channel }?.setNeedsFlush()
        }
    }

    /// Gives the reader what there is.
    private func serveReader() {
        let channel = state.withValue { state -> Channel? in
            guard let reader = state.reader else { return nil }
            let available = state.input.count - state.inputStart
            if available > 0 {
                let count = min(available, state.readLimit)
                let range = state.inputStart..<state.inputStart + count
                let isAll = range == state.input.indices
                // The reader may be gone, by timeout or cancellation: then nothing is lost.
                guard reader.settle(.success(isAll ? state.input : Array(state.input[range])))
                else {
                    state.reader = nil
                    return nil
                }
                state.inputStart += count
                if state.inputStart == state.input.count {
                    state.input = []
                    state.inputStart = 0
                }
                state.reader = nil
            } else if let end = state.end {
                reader.settle(end.map { _ in [] })
                state.reader = nil
            }
            guard state.isPaused, state.input.count - state.inputStart < Self.inputLimit / 2 else {
                return nil
            }
            state.isPaused = false
            return state.channel
        }
        channel?.resumeReading()
    }

    fileprivate func opened() {
        let (opener, channel) = state.withValue { state in
            state.isOpen = true
            defer { state.opener = nil }
            return (state.opener, state.channel)
        }
        identity.withLock { $0 = channel?.peer }
        resumed.store(channel?.isResumed ?? false, ordering: .relaxed)
        opener?.settle(.success(true))
        if state.withValue({ !$0.output.isEmpty }) {
            state.withValue { $0.channel }?.setNeedsFlush()
        }
    }

    fileprivate func received(_ bytes: Span<UInt8>) {
        let channel = state.withValue { state -> Channel? in
            if state.inputStart > 0 {
                state.input.removeFirst(state.inputStart)
                state.inputStart = 0
            }
            append(bytes, to: &state.input)
            if state.input.count >= Self.inputLimit, !state.isPaused {
                state.isPaused = true
                return state.channel
            }
            return nil
        }
        channel?.pauseReading()
        serveReader()
    }

    fileprivate func flush() {
        let (channel, output) = state.withValue { state in
            defer { state.output = [] }
            return (state.channel, state.output)
        }
        guard let channel else { return }
        if !output.isEmpty { channel.send(output.span) }
        let writer = state.withValue { state -> OneShot<Bool>? in
            guard !channel.isCongested, state.output.isEmpty else { return nil }
            defer { state.writer = nil }
            return state.writer
        }
        writer?.settle(.success(true))
    }

    fileprivate func ended(_ error: TransportError?) {
        let (opener, writer) = state.withValue { state in
            let failure =
                error ?? TransportError(.closed, "\(remoteAddress) closed the connection")
            if state.end == nil { state.end = error.map { .failure($0) } ?? .success(true) }
            state.channel = nil
            defer { (state.opener, state.writer) = (nil, nil) }
            return (
                state.opener.map { ($0, failure) }, state.writer.map { ($0, failure) }
            )
        }
        if let (opener, failure) = opener { opener.settle(.failure(failure)) }
        if let (writer, failure) = writer { writer.settle(.failure(failure)) }
        serveReader()
    }
}

/// The channel's way to its stream.
private final class Events: ChannelHandler {
    private let stream: ByteStream

    init(_ stream: ByteStream) { self.stream = stream }

    func channelOpened() { stream.opened() }
    func channelReceived(_ bytes: Span<UInt8>) { stream.received(bytes) }
    func channelFlush() { stream.flush() }
    func channelClosed(_ error: TransportError?) { stream.ended(error) }
}

/// Appends a span's bytes in one copy.
private func append(_ bytes: Span<UInt8>, to array: inout [UInt8]) {
    // Safe because the array copies the bytes before the span's buffer changes.
    unsafe bytes.withUnsafeBufferPointer { unsafe array.append(contentsOf: $0) }
}
