import Synchronization
public import Transport

/// Dials a peer, once or for as long as its task runs.
public struct RPCDialler: Sendable {
    private let endpoint: RPCEndpoint
    let loop: EventLoop
    private let services: [ServiceHandlers]
    private let options: RPCOptions
    private let log: @Sendable (RPCEvent) -> Void

    /// - Parameters:
    ///   - address: `HOST:PORT`; the host may be a name, which is looked up at each attempt.
    ///   - tls: From `TLSContext.mutual`.
    ///   - loop: Where the links live.
    ///   - services: What the other end may call on the link.
    ///   - options: Limits and times.
    ///   - log: Hears of attempts and links.
    public init(
        address: String, tls: TLSContext, loop: EventLoop, services: [ServiceHandlers] = [],
        options: RPCOptions = RPCOptions(),
        log: @escaping @Sendable (RPCEvent) -> Void = { _ in }
    ) {
        self.init(
            to: .address(address, tls), loop: loop, services: services, options: options, log: log)
    }

    /// - Parameters:
    ///   - endpoint: What is dialled.
    ///   - loop: Where the links live.
    ///   - services: What the other end may call on the link.
    ///   - options: Limits and times.
    ///   - log: Hears of attempts and links.
    public init(
        to endpoint: RPCEndpoint, loop: EventLoop, services: [ServiceHandlers] = [],
        options: RPCOptions = RPCOptions(),
        log: @escaping @Sendable (RPCEvent) -> Void = { _ in }
    ) {
        self.endpoint = endpoint
        self.loop = loop
        self.services = services
        self.options = options
        self.log = log
        checkUnique(services)
    }

    /// One attempt: look the name up, connect, shake hands, exchange hellos; all of it within
    /// ``RPCOptions/connectTimeout``.
    ///
    /// An error's hop says which stage failed, and how long each took.
    public func connect() async throws(RPCError) -> RPCConnection {
        let began = loop.currentTime()
        let deadline = began &+ options.connectTimeout.nanoseconds
        let targets: [Target]
        do throws(TransportError) {
            targets = try await resolve()
        } catch { throw failure(.resolve, error.message, began, nil) }
        let resolved = loop.currentTime()
        var last = failure(.resolve, "no address", began, nil)
        for target in targets {
            do throws(TransportError) {
                return try await dial(target, deadline)
            } catch {
                let stage: Hop.Stage =
                    switch error.code {
                    case .tls: .tls
                    case .closed, .timedOut: .hello
                    default: .connect
                    }
                last = failure(stage, error.message, began, resolved)
                if error.code == .cancelled || loop.currentTime() >= deadline { break }
            }
        }
        throw last
    }

    private func failure(
        _ stage: Hop.Stage, _ why: String, _ began: UInt64, _ resolved: UInt64?
    ) -> RPCError {
        let now = loop.currentTime()
        let name = stage == .tls ? "TLS" : "\(stage)"
        var error = RPCError(.unavailable, "\(endpoint): \(name): \(why)", certainty: .notSent)
        var times = [Hop.Time(.resolve, microseconds: ((resolved ?? now) &- began) / 1000)]
        if let resolved { times.append(Hop.Time(stage, microseconds: (now &- resolved) / 1000)) }
        error.hops = [Hop(peer: "\(endpoint)", method: "", stage: stage, times: times)]
        return error
    }

    /// An address, and how a channel to it is opened.
    private struct Target: Sendable {
        let address: SocketAddress
        let open: RPCEndpoint.Opener
    }

    private func resolve() async throws(TransportError) -> [Target] {
        switch endpoint.kind {
        case .opener(_, let address, let open): return [Target(address: address, open: open)]
        case .address(let text, let tls):
            let (host, port) = try SocketAddress.split(text)
            let found = try await SocketAddress.resolve(
                host, port: port, on: loop, timeout: options.connectTimeout)
            return found.map { address in
                Target(address: address) { loop, handler throws(TransportError) in
                    try SocketChannel.connect(to: address, on: loop, tls: tls, handler: handler)
                }
            }
        }
    }

    private func dial(
        _ target: Target, _ deadline: UInt64
    ) async throws(TransportError) -> RPCConnection {
        let opened = OneShot<RPCConnection>()
        let made = Lock<RPCConnection?>(nil)
        do throws(TransportError) {
            return try await opened.value {
                loop.perform {
                    // Cancelled before the loop came to it.
                    if opened.isSettled { return }
                    let connection = begin(target, deadline, opened)
                    made.withLock { $0 = connection }
                    do throws(TransportError) {
                        connection.attach(try target.open(loop, connection))
                    } catch {
                        connection.channelClosed(error)
                    }
                }
            }
        } catch {
            made.withLock { $0 }?.close()
            throw error
        }
    }

    /// Makes the connection of an attempt, which settles `opened`; on the loop.
    private func begin(
        _ target: Target, _ deadline: UInt64, _ opened: OneShot<RPCConnection>
    ) -> RPCConnection {
        let late = TransportError(
            .timedOut,
            "\(target.address) was not reached within \(options.connectTimeout) (option connectTimeout)"
        )
        let timer = loop.schedule(at: deadline) { opened.settle(.failure(late)) }
        let connection = RPCConnection(
            .dialler, target.address, on: loop, services: services, options: options, log: log
        ) { ready in
            loop.cancel(timer)
            ready.limitLife(idle: options.idleTimeout, age: nil)
            // Cancelled meanwhile: nobody would have the link.
            if !opened.settle(.success(ready)) { ready.close() }
        }
        connection.whenEnded { error in
            loop.cancel(timer)
            let code: TransportError.Code = error.message.contains("TLS") ? .tls : .refused
            opened.settle(.failure(TransportError(code, error.message)))
        }
        return connection
    }

    /// What is heard of a link that is kept up.
    enum Progress: Sendable {
        /// An attempt begins.
        case dialling
        case up(RPCConnection)
        /// An attempt has failed; the next one comes later.
        case failed(RPCError)
        /// The link is no more, or its peer drains it.
        case down(RPCConnection)
    }

    /// Keeps a link up until the task is cancelled: dials, gives each link to `onLink`, and dials
    /// again when it ends.
    ///
    /// When the peer drains a link, the next one is made before it is dropped.
    /// Attempts back off from 100 ms by 1.6 to 10 s, ± 20 %, until a hello was good. On
    /// cancellation the link is drained within `grace`.
    ///
    /// - Parameters:
    ///   - random: Numbers in 0..<1, for the jitter.
    ///   - grace: How long calls under way may take at the end.
    ///   - onLink: Called with each new link.
    public func run(
        random: @escaping @Sendable () -> Double, grace: Duration = .seconds(5),
        _ onLink: @Sendable (RPCConnection) -> Void = { _ in }
    ) async {
        await follow(random: random, grace: grace) { progress in
            if case .up(let connection) = progress { onLink(connection) }
        }
    }

    /// The same as ``run(random:grace:_:)``, with everything that happens told.
    func follow(
        random: @escaping @Sendable () -> Double, grace: Duration,
        _ tell: @Sendable (Progress) -> Void
    ) async {
        var delay = 0.1
        var draining: RPCConnection?
        while !Task.isCancelled {
            tell(.dialling)
            do throws(RPCError) {
                let connection = try await connect()
                delay = 0.1
                log(RPCEvent(.info, "link to \(connection.peer) at \(endpoint) is up"))
                tell(.up(connection))
                draining?.replaced(grace: options.drainGrace)
                draining = nil
                let end = await connection.endOrDrain()
                tell(.down(connection))
                if Task.isCancelled {
                    // A task of its own, as this one is cancelled and could not wait.
                    await Task(executorPreference: loop) {
                        await connection.drain(grace: grace)
                    }.value
                    return
                }
                guard let end else {
                    draining = connection
                    continue
                }
                log(RPCEvent(.warning, "link to \(endpoint) ended: \(end.message)"))
            } catch {
                if Task.isCancelled { break }
                tell(.failed(error))
                log(RPCEvent(.warning, "no link to \(error.message)"))
            }
            let pause = delay * (0.8 + 0.4 * random())
            do throws(TransportError) {
                try await loop.sleep(for: .seconds(pause))
            } catch { break }
            delay = min(delay * 1.6, 10)
        }
        draining?.close()
    }
}
