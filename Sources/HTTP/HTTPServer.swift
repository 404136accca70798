import Synchronization
public import Transport

/// A request with its whole body.
public struct HTTPRequest: Sendable {
    public let head: RequestHead
    public let body: [UInt8]
    /// Where it came from.
    public let remote: SocketAddress
}

/// How a server behaves towards its clients.
public struct HTTPServerOptions: Sendable {
    public var limits = HTTPLimits()
    /// Connections at once; one more costs the one that has waited longest without a request,
    /// and is closed itself when all are busy.
    public var maxConnections = 1000
    /// The TLS handshake.
    public var handshakeTimeout = Duration.seconds(10)
    /// From the first byte of a request to the end of its head.
    public var headTimeout = Duration.seconds(10)
    /// Between two requests.
    public var idleTimeout = Duration.seconds(75)
    /// A body must bring ``bodyProgress`` bytes, or end, in each such span.
    public var bodyTimeout = Duration.seconds(10)
    public var bodyProgress = 1024
    /// A response, or a piece of a streamed one, must be with the kernel within this time.
    public var writeTimeout = Duration.seconds(30)
    /// How long a refused connection is read on, so that the refusal is not lost in a reset.
    public var lingerTimeout = Duration.seconds(1)
    /// What requests in progress get at shutdown.
    public var grace = Duration.seconds(10)
    /// Bytes of all bodies held at once; a request that would exceed them is answered with 503.
    public var bodyBudget = Int.max
    /// Serve plain HTTP on any address: for clients that know nothing else.
    public var allowsPlainAnywhere = false

    public init() {}
}

/// The clocks of a server, given by the program.
public struct HTTPClock: Sendable {
    /// Seconds since 1970, for the `Date` field.
    public var unixSeconds: @Sendable () -> Int64
    /// A clock that never goes back, for timeouts.
    public var uptime: @Sendable () -> Duration

    public init(
        unixSeconds: @escaping @Sendable () -> Int64, uptime: @escaping @Sendable () -> Duration
    ) {
        self.unixSeconds = unixSeconds
        self.uptime = uptime
    }

    /// The machine's clocks.
    public static let system = HTTPClock(
        unixSeconds: { TLSContext.systemTime() },
        uptime: { .nanoseconds(Int64(clamping: CPUClock.monotonic())) })
}

/// What a server tells its program for the log.
public enum HTTPServerEvent: Sendable {
    case handshakeFailed(remote: SocketAddress, TransportError)
    case refused(remote: SocketAddress, HTTPError)
    /// There are too many connections.
    case crowded(remote: SocketAddress)
    case acceptFailed(TransportError)
    /// A streamed body ended early.
    case bodyFailed(remote: SocketAddress, message: String)
}

/// Serves HTTP/1.1 on one address.
public final class HTTPServer: Sendable {
    public typealias Handler = @Sendable (HTTPRequest) async -> HTTPResponse

    let loop: EventLoop
    let options: HTTPServerOptions
    let clock: HTTPClock
    let handler: Handler
    let report: @Sendable (HTTPServerEvent) -> Void
    private let listener: Listener
    private let drainRequested: AsyncStream<Void>
    private let requestDrain: AsyncStream<Void>.Continuation
    private let state = Lock(State())

    private struct State {
        var isDraining = false
        var bodyBytes = 0
        var nextID = 0
        var connections: [Int: Entry] = [:]
    }

    private struct Entry {
        let stream: ByteStream
        /// Since when it waits for a request; nil while it has one.
        var idleSince: Duration?
    }

    /// Binds the address.
    ///
    /// Without TLS it must be a loopback address: keys and people's data do not cross a network
    /// in clear text.
    public init(
        address: SocketAddress, loop: EventLoop, tls: TLSContext? = nil, clock: HTTPClock,
        options: HTTPServerOptions = HTTPServerOptions(),
        report: @escaping @Sendable (HTTPServerEvent) -> Void = { _ in },
        handler: @escaping Handler
    ) throws(TransportError) {
        guard tls != nil || options.allowsPlainAnywhere || Self.isLoopback(address) else {
            throw TransportError(
                .invalidAddress,
                "plain HTTP is served on a loopback address only, not on \(address): "
                    + "set a TLS certificate and key, or listen on 127.0.0.1 behind a proxy")
        }
        listener = try Listener.bind(to: address, on: loop, tls: tls)
        self.loop = loop
        self.options = options
        self.clock = clock
        self.report = report
        self.handler = handler
        (drainRequested, requestDrain) = AsyncStream.makeStream()
    }

    public var localAddress: SocketAddress { listener.localAddress }

    static func isLoopback(_ address: SocketAddress) -> Bool {
        address.host == "::1" || address.host.hasPrefix("127.")
    }

    /// Serves until ``drain()`` was called and the last connection has ended, or the task is
    /// cancelled, which cuts connections off.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.acceptConnections() }
            group.addTask { await self.closeAfterGrace() }
            // The first to end is the accepting task with all its connections, or the grace.
            await group.next()
            closeAll()
            group.cancelAll()
        }
    }

    /// Stops accepting, closes idle connections and lets requests in progress finish within the
    /// grace time; ``run()`` then returns.
    public func drain() {
        let idle = state.withLock { state in
            state.isDraining = true
            return state.connections.values.filter { $0.idleSince != nil }
        }
        listener.close()
        for entry in idle { entry.stream.close() }
        requestDrain.finish()
    }

    private func closeAfterGrace() async {
        for await _ in drainRequested {}
        if Task.isCancelled { return }
        // Cancelled when the last connection has ended before the grace has.
        _ = try? await loop.sleep(for: options.grace)
    }

    private func closeAll() {
        listener.close()
        let all = state.withLock { Array($0.connections.values) }
        for entry in all { entry.stream.close() }
    }

    private func acceptConnections() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled, !isDraining {
                do throws(TransportError) {
                    let stream = try await listener.accept()
                    guard let id = admit(stream) else {
                        report(.crowded(remote: stream.remoteAddress))
                        stream.close()
                        continue
                    }
                    group.addTask(executorPreference: loop) { [self] in
                        await HTTPConnection(server: self, stream: stream, id: id).run()
                        stream.close()
                        state.withLock { _ = $0.connections.removeValue(forKey: id) }
                    }
                } catch {
                    if isDraining || error.code == .closed || error.code == .cancelled { return }
                    report(.acceptFailed(error))
                    // Out of descriptors, as a rule: some are given back meanwhile.
                    _ = try? await loop.sleep(for: .milliseconds(100))
                }
            }
        }
    }

    /// Takes a connection in, at the cost of the idlest when there is no room; nil when all are
    /// busy.
    private func admit(_ stream: ByteStream) -> Int? {
        let now = clock.uptime()
        return state.withLock { state in
            if state.connections.count >= options.maxConnections {
                var idlest: (id: Int, since: Duration)?
                for (id, entry) in state.connections {
                    guard let since = entry.idleSince else { continue }
                    if idlest.map({ since < $0.since }) ?? true { idlest = (id, since) }
                }
                guard let idlest else { return nil }
                state.connections.removeValue(forKey: idlest.id)?.stream.close()
            }
            let id = state.nextID
            state.nextID += 1
            state.connections[id] = Entry(stream: stream, idleSince: now)
            return id
        }
    }

    var isDraining: Bool { state.withLock { $0.isDraining } }

    /// Takes room for a piece of a body; false where all of it is taken.
    func reserveBody(_ bytes: Int) -> Bool {
        state.withLock { state in
            guard bytes <= options.bodyBudget - state.bodyBytes else { return false }
            state.bodyBytes += bytes
            return true
        }
    }

    /// Gives back what ``reserveBody(_:)`` took.
    func releaseBody(_ bytes: Int) { state.withLock { $0.bodyBytes -= bytes } }

    /// Notes that a connection waits for a request, or has one; false when it must not wait.
    func setIdle(_ idle: Bool, id: Int) -> Bool {
        let now = clock.uptime()
        return state.withLock { state in
            if idle, state.isDraining { return false }
            guard state.connections[id] != nil else { return false }
            state.connections[id]?.idleSince = idle ? now : nil
            return true
        }
    }
}
