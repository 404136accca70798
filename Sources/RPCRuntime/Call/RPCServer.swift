import Synchronization
public import Transport

/// Accepts links and serves them.
public final class RPCServer: Sendable {
    private struct Members: Sendable {
        var listeners: [Listener] = []
        /// By the order in which they came.
        var connections: [UInt64: RPCConnection] = [:]
        var lastNumber: UInt64 = 0
        var isShuttingDown = false

        var inOrder: [RPCConnection] {
            connections.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    let tls: TLSContext?
    private let loops: [EventLoop]
    private let services: [ServiceHandlers]
    private let options: RPCOptions
    private let log: @Sendable (RPCEvent) -> Void
    private let random: @Sendable () -> Double
    private let onConnection: @Sendable (RPCConnection) -> Void
    private let members = Lock(Members())
    private let accounts: PeerAccounts

    /// - Parameters:
    ///   - tls: From `TLSContext.mutual`; nil
    ///     for a server that is given all of its channels.
    ///   - loops: Where the links live: each new one on the next of them. One serves hundreds of
    ///     thousands of calls a second. A peer's limits hold over all of them, but calls that come
    ///     at the same moment on several may each be taken for the last that has room.
    ///   - services: What is served on each link.
    ///   - options: Limits and times.
    ///   - log: Hears of links that come and go, and why others are refused.
    ///   - random: Numbers in 0..<1, for the jitter of ``RPCOptions/ageMax``.
    ///   - onConnection: Called on its loop with each link whose hello was good.
    public init(
        tls: TLSContext?, loops: [EventLoop], services: [ServiceHandlers],
        options: RPCOptions = RPCOptions(),
        log: @escaping @Sendable (RPCEvent) -> Void = { _ in },
        random: @escaping @Sendable () -> Double = { 0.5 },
        onConnection: @escaping @Sendable (RPCConnection) -> Void = { _ in }
    ) {
        precondition(!loops.isEmpty, "a server needs a loop")
        self.tls = tls
        self.loops = loops
        self.services = services
        self.options = options
        self.log = log
        self.random = random
        self.onConnection = onConnection
        accounts = PeerAccounts(options)
        checkUnique(services)
    }

    /// Makes a server whose links live on one loop.
    public convenience init(
        tls: TLSContext?, loop: EventLoop, services: [ServiceHandlers],
        options: RPCOptions = RPCOptions(),
        log: @escaping @Sendable (RPCEvent) -> Void = { _ in },
        random: @escaping @Sendable () -> Double = { 0.5 },
        onConnection: @escaping @Sendable (RPCConnection) -> Void = { _ in }
    ) {
        self.init(
            tls: tls, loops: [loop], services: services, options: options, log: log,
            random: random, onConnection: onConnection)
    }

    /// Listens on a further address; the one that was bound, with its port.
    @discardableResult
    public func listen(on address: SocketAddress) throws(TransportError) -> SocketAddress {
        guard let tls else {
            throw TransportError(.tls, "a server without a TLS context does not listen on sockets")
        }
        let listener = try Listener.bind(
            to: address, on: loops[0], sharedWith: Array(loops.dropFirst()), tls: tls)
        members.withLock { $0.listeners.append(listener) }
        listener.onAccept { [self] channel in accept(channel) }
        return listener.localAddress
    }

    /// The links that are up.
    public var connections: [RPCConnection] { members.withLock { $0.inOrder } }

    /// Serves a channel that is not started, such as an end of a link in memory; on its loop.
    ///
    /// Channels of the listeners come here by themselves.
    public func accept(_ channel: Channel) { accept(channel, isLocal: false) }

    /// Links from this program last: there is nothing that they could spread over.
    func accept(_ channel: Channel, isLocal: Bool) {
        let address = channel.remoteAddress
        let number = members.withLock { members in
            members.lastNumber += 1
            return members.lastNumber
        }
        let wasReady = Lock(false)
        let connection = RPCConnection(
            .listener, address, on: channel.loop, services: services, options: options,
            accounts: accounts, log: log
        ) { [self] connection in
            wasReady.withLock { $0 = true }
            let isLate = members.withLock { members in
                members.connections[number] = connection
                return members.isShuttingDown
            }
            if isLate { return connection.close() }
            if !isLocal {
                connection.limitLife(
                    idle: options.idleTimeout.map { $0 + .seconds(300) },
                    age: options.ageMax.map { $0 * (0.9 + 0.2 * random()) })
            }
            log(RPCEvent(.info, "link from \(connection.peer) at \(address) is up"))
            onConnection(connection)
        }
        connection.attach(channel)
        connection.whenEnded { [self] error in
            members.withLock { $0.connections[number] = nil }
            if wasReady.withLock({ $0 }) {
                log(
                    RPCEvent(
                        .info, "link from \(connection.peer) at \(address) ended: \(error.message)")
                )
            } else {
                // What went wrong on the socket names the address already.
                let why =
                    error.message.hasPrefix(address.description)
                    ? error.message : "\(address): \(error.message)"
                log(RPCEvent(.warning, "refused a link from \(why)"))
            }
        }
        channel.start(connection)
    }

    /// Stops accepting, drains every link within `grace`, and closes them.
    public func shutdown(grace: Duration) async {
        let (listeners, connections) = members.withLock { members in
            members.isShuttingDown = true
            defer { members.listeners = [] }
            return (members.listeners, members.inOrder)
        }
        for listener in listeners { listener.close() }
        await withTaskGroup(of: Void.self) { group in
            for connection in connections {
                group.addTask { await connection.drain(grace: grace) }
            }
        }
    }
}

/// Two methods with one number would be served by whichever comes first.
func checkUnique(_ services: [ServiceHandlers]) {
    var names: [UInt32: String] = [:]
    for handler in services.flatMap(\.methods) {
        let other = names.updateValue(handler.method.name, forKey: handler.method.id)
        precondition(
            other == nil,
            "\(handler.method.name) and \(other ?? "") have one number: rename one of them")
    }
}
