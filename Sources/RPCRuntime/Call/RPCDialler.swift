import Synchronization
public import Transport

/// Dials a peer, once or for as long as its task runs.
public struct RPCDialler: Sendable {
    private let endpoint: RPCEndpoint
    private let loop: EventLoop
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
    public func connect() async throws(RPCError) -> RPCConnection {
        func failure(_ stage: String, _ why: String) -> RPCError {
            RPCError(.unavailable, "\(endpoint): \(stage): \(why)", certainty: .notSent)
        }
        let deadline = loop.currentTime() &+ options.connectTimeout.nanoseconds
        let targets: [Target]
        do throws(TransportError) {
            targets = try await resolve()
        } catch { throw failure("resolve", error.message) }
        var last = failure("resolve", "no address")
        for target in targets {
            do throws(TransportError) {
                return try await dial(target, deadline)
            } catch {
                let stage =
                    switch error.code {
                    case .tls: "TLS"
                    case .closed, .timedOut: "hello"
                    default: "connect"
                    }
                last = failure(stage, error.message)
                if error.code == .cancelled || loop.currentTime() >= deadline { break }
            }
        }
        throw last
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
        let made = Mutex<RPCConnection?>(nil)
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

    /// Keeps a link up until the task is cancelled: dials, gives each link to `onLink`, and dials
    /// again when it ends.
    ///
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
        var delay = 0.1
        while !Task.isCancelled {
            do throws(RPCError) {
                let connection = try await connect()
                delay = 0.1
                log(RPCEvent(.info, "link to \(connection.peer) at \(endpoint) is up"))
                onLink(connection)
                let end = await connection.closed()
                if Task.isCancelled {
                    // A task of its own, as this one is cancelled and could not wait.
                    await Task(executorPreference: loop) {
                        await connection.drain(grace: grace)
                    }.value
                    return
                }
                log(RPCEvent(.warning, "link to \(endpoint) ended: \(end.message)"))
            } catch {
                if Task.isCancelled { return }
                log(RPCEvent(.warning, "no link to \(error.message)"))
            }
            let pause = delay * (0.8 + 0.4 * random())
            do throws(TransportError) {
                try await loop.sleep(for: .seconds(pause))
            } catch { return }
            delay = min(delay * 1.6, 10)
        }
    }
}
