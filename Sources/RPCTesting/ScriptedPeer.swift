public import RPCRuntime
public import Transport

/// A peer that sends what a test tells it to, byte by byte or frame by frame, and shows what came.
///
///     let peer = try await ScriptedPeer.dial(network, from: me, to: gateway)
///     try await peer.greet()
///     peer.send(RawFrame(type: 7, payload: [1, 2, 3]))  // a ping that is too short
///     #expect(try await peer.next()?.type == 10)        // the epitaph
///     #expect(try await peer.next() == nil)             // and the end
///
/// For one task at a time; over links in memory, and over sockets with ``open(on:_:)``.
public final class ScriptedPeer: Sendable {
    private struct State {
        var channel: Channel?
        var input: [UInt8] = []
        var output: [UInt8] = []
        var isOpen = false
        /// How the connection ended; an orderly end has no error.
        var end: Result<Bool, TransportError>?
        var waiter: OneShot<Bool>?
    }

    private let state: LoopBound<State>
    private var loop: EventLoop { state.loop }

    private init(on loop: EventLoop) { state = LoopBound(State(), on: loop) }

    /// Opens a channel as an ``RPCEndpoint`` does, and waits until it stands.
    public static func open(
        on loop: EventLoop, _ open: @escaping RPCEndpoint.Opener
    ) async throws(TransportError) -> ScriptedPeer {
        let peer = ScriptedPeer(on: loop)
        loop.perform {
            let events = Events(peer)
            do throws(TransportError) {
                let channel = try open(loop, events)
                peer.state.withValue { $0.channel = channel }
            } catch {
                peer.ended(error)
            }
        }
        try await peer.wait { $0.isOpen }
        return peer
    }

    /// Dials `listener` on a network in memory.
    public static func dial(
        _ network: MemoryNetwork, from dialler: PeerIdentity, to listener: PeerIdentity,
        on loop: EventLoop
    ) async throws(TransportError) -> ScriptedPeer {
        try await open(on: loop) { _, handler in
            network.connect(from: dialler, to: listener, handler: handler)
        }
    }

    /// Takes over a channel that was accepted and is not started; on its loop.
    public static func accepting(_ channel: Channel) -> ScriptedPeer {
        let peer = ScriptedPeer(on: channel.loop)
        peer.state.withValue { $0.channel = channel }
        channel.start(Events(peer))
        return peer
    }

    // MARK: - What it says

    /// Sends bytes as they are.
    public func send(_ bytes: [UInt8]) {
        loop.perform { [self] in
            state.withValue { $0.output += bytes }
            state.withValue { $0.channel }?.setNeedsFlush()
        }
    }

    /// Sends frames.
    public func send(_ frames: RawFrame...) { send(frames.flatMap(\.bytes)) }

    /// Reads the other end's hello, and says the same: limits and windows are the other end's own.
    @discardableResult
    public func greet(timeout: Duration = .seconds(10)) async throws(TransportError) -> RawFrame {
        guard let hello = try await next(timeout: timeout) else {
            throw TransportError(.closed, "the peer closed the connection before its hello")
        }
        send(hello)
        return hello
    }

    /// Closes behind what was sent.
    public func finish() {
        loop.perform { [self] in state.withValue { $0.channel }?.closeAfterFlush() }
    }

    /// Closes at once.
    public func close() {
        loop.perform { [self] in
            state.withValue { $0.channel }?.close(
                TransportError(.closed, "the script closed the connection"))
        }
    }

    /// Reads nothing more until ``resumeReading()``.
    public func pauseReading() {
        loop.perform { [self] in state.withValue { $0.channel }?.pauseReading() }
    }

    public func resumeReading() {
        loop.perform { [self] in state.withValue { $0.channel }?.resumeReading() }
    }

    // MARK: - What it hears

    /// The next frame; nil at the connection's orderly end.
    ///
    /// Throws `.timedOut`, after which nothing is lost, and the error of a connection that was
    /// lost.
    public func next(timeout: Duration = .seconds(10)) async throws(TransportError) -> RawFrame? {
        while true {
            // In one step: what arrives behind it is seen by the wait.
            let (frame, end, seen) = try await look { state in
                let frame = RawFrame.take(from: &state.input)
                return (frame, frame == nil ? state.end : nil, state.input.count)
            }
            if let frame { return frame }
            if let end {
                _ = try end.get()
                return nil
            }
            try await wait(timeout) { $0.input.count > seen || $0.end != nil }
        }
    }

    /// Skips frames up to the first of a type.
    public func next(
        type: UInt8, timeout: Duration = .seconds(10)
    ) async throws(TransportError) -> RawFrame {
        while let frame = try await next(timeout: timeout) {
            if frame.type == type { return frame }
        }
        throw TransportError(.closed, "the connection ended without a frame of type \(type)")
    }

    // MARK: - On the loop

    private func look<Value: Sendable>(
        _ body: @escaping @Sendable (inout State) -> Value
    ) async throws(TransportError) -> Value {
        let seen = OneShot<Value>()
        return try await seen.value {
            loop.perform { [self] in seen.settle(.success(state.withValue { body(&$0) })) }
        }
    }

    /// Returns when `condition` holds; it is looked at after each event.
    private func wait(
        _ timeout: Duration = .seconds(10), until condition: @escaping @Sendable (State) -> Bool
    ) async throws(TransportError) {
        while true {
            let changed = OneShot<Bool>()
            let isDone = try await changed.value {
                loop.perform { [self] in
                    let (holds, failure) = state.withValue { state in
                        if condition(state) { return (true, TransportError?.none) }
                        if case .failure(let error) = state.end { return (false, error) }
                        state.waiter = changed
                        return (false, nil)
                    }
                    if holds { changed.settle(.success(true)) }
                    if let failure { changed.settle(.failure(failure)) }
                    if holds || failure != nil { return }
                    let deadline = loop.currentTime() &+ timeout.clampedNanoseconds
                    let timer = loop.schedule(at: deadline) {
                        changed.settle(
                            .failure(
                                TransportError(.timedOut, "the peer said nothing for \(timeout)")))
                    }
                    changed.onSettled { [loop] in loop.perform { loop.cancel(timer) } }
                }
            }
            if isDone { return }
        }
    }

    private func changed() {
        let waiter = state.withValue { $0.waiter.take() }
        waiter?.settle(.success(false))
    }

    fileprivate func opened() {
        state.withValue { $0.isOpen = true }
        state.withValue { $0.channel }?.setNeedsFlush()
        changed()
    }

    fileprivate func received(_ bytes: Span<UInt8>) {
        state.withValue { state in
            for index in bytes.indices { state.input.append(bytes[index]) }
        }
        changed()
    }

    fileprivate func flush() {
        let (channel, output) = state.withValue { state in
            defer { if state.isOpen { state.output = [] } }
            return (state.channel, state.isOpen ? state.output : [])
        }
        channel?.send(output.span)
    }

    fileprivate func ended(_ error: TransportError?) {
        state.withValue { state in
            state.end = error.map { .failure($0) } ?? .success(true)
            state.channel = nil
        }
        changed()
    }
}

/// The channel's way to its peer.
private final class Events: ChannelHandler {
    private let peer: ScriptedPeer

    init(_ peer: ScriptedPeer) { self.peer = peer }

    func channelOpened() { peer.opened() }
    func channelReceived(_ bytes: Span<UInt8>) { peer.received(bytes) }
    func channelFlush() { peer.flush() }
    func channelClosed(_ error: TransportError?) { peer.ended(error) }
}
