import Synchronization
import Transport

/// A link that is kept up, for clients that outlive connections.
///
/// Run it in a task of yours; clients made on it call by the newest connection:
///
///     let link = RPCLink(dialler)
///     async let running: Void = link.run(random: { .random(in: 0..<1) })
///     let client = Echo.Client(link)
///
/// A call fails at once while the last attempt at a connection has failed, with that attempt's
/// error, and waits while one is under way; with ``CallOptions/waitsForReady`` it waits for a
/// connection as long as its deadline lets it.
public final class RPCLink: Sendable {
    private struct State: Sendable {
        var current: RPCConnection?
        /// Why the last attempt failed; nil while one is under way.
        var failure: RPCError?
        var attempts = 0
        var hasRun = false
        var waiters: [UInt64: OneShot<Bool>] = [:]
        var lastWaiter: UInt64 = 0
    }

    private let dialler: RPCDialler
    private let loop: EventLoop
    private let state = Lock(State())

    /// - Parameter dialler: How connections are made.
    public init(_ dialler: RPCDialler) {
        self.dialler = dialler
        loop = dialler.loop
    }

    /// The newest connection; nil while there is none.
    public var connection: RPCConnection? { state.withLock { $0.current } }

    /// Keeps the link up until the task is cancelled; see ``RPCDialler/run(random:grace:_:)``.
    public func run(
        random: @escaping @Sendable () -> Double, grace: Duration = .seconds(5),
        _ onLink: @escaping @Sendable (RPCConnection) -> Void = { _ in }
    ) async {
        await dialler.follow(random: random, grace: grace) { [self] progress in
            if case .up(let connection) = progress { onLink(connection) }
            note(progress)
        }
    }

    private func note(_ progress: RPCDialler.Progress) {
        let waiting = state.withLock { state -> [OneShot<Bool>] in
            switch progress {
            case .dialling:
                state.hasRun = true
                state.failure = nil
                state.attempts += 1
                return []
            case .up(let connection):
                state.current = connection
                state.attempts = 0
            case .failed(let error): state.failure = error
            case .down(let connection):
                if state.current == connection { state.current = nil }
                return []
            }
            defer { state.waiters = [:] }
            return state.waiters.sorted { $0.key < $1.key }.map(\.value)
        }
        for waiter in waiting { waiter.settle(.success(true)) }
    }

    /// What a call finds.
    private enum Found {
        case ready(RPCConnection)
        case failed(RPCError)
        case wait(UInt64, OneShot<Bool>)
    }

    /// The connection for a call; what its time was spent on waiting is taken from its options.
    func ready(_ method: MethodDescriptor, _ options: inout CallOptions) async throws(RPCError)
        -> RPCConnection
    {
        if let current = state.withLock({ $0.current }) { return current }
        let began = loop.currentTime()
        let timeout = options.timeout?.nanoseconds ?? method.deadlineNanoseconds
        let (own, isFar) = began.addingReportingOverflow(timeout)
        let inherited = CallContext.currentDeadline
        let deadline = min(isFar ? .max : own, inherited)
        while true {
            switch find(method, waits: options.waitsForReady) {
            case .ready(let connection):
                let now = loop.currentTime()
                if deadline != .max {
                    options.timeout = .nanoseconds(
                        Int64(clamping: deadline > now ? deadline - now : 0))
                }
                return connection
            case .failed(let error): throw error
            case .wait(let number, let news):
                try await wait(number, news, method, began, deadline)
            }
        }
    }

    private func find(_ method: MethodDescriptor, waits: Bool) -> Found {
        state.withLock { state in
            if let current = state.current { return .ready(current) }
            if !waits, let failure = state.failure {
                var error = failure
                error.message = "\(method.name) was not sent: no link: \(failure.message)"
                var hop = failure.hops.first ?? Hop(peer: "", method: "", stage: .connect)
                hop.method = method.name
                hop.attempts = state.attempts
                error.hops = [hop]
                return .failed(error)
            }
            state.lastWaiter += 1
            let news = OneShot<Bool>()
            state.waiters[state.lastWaiter] = news
            return .wait(state.lastWaiter, news)
        }
    }

    private func wait(
        _ number: UInt64, _ news: OneShot<Bool>, _ method: MethodDescriptor, _ began: UInt64,
        _ deadline: UInt64
    ) async throws(RPCError) {
        let isInTime: Bool
        do throws(TransportError) {
            isInTime = try await news.value {
                if deadline == .max { return }
                loop.perform { [self] in
                    let timer = loop.schedule(at: deadline) { news.settle(.success(false)) }
                    news.onSettled { [self] in loop.perform { [self] in loop.cancel(timer) } }
                }
            }
        } catch {
            state.withLock { $0.waiters[number] = nil }
            throw RPCError(
                .cancelled, "\(method.name) was cancelled while it waited for a link",
                certainty: .notSent)
        }
        if isInTime { return }
        let (failure, attempts, hasRun) = state.withLock { state in
            state.waiters[number] = nil
            return (state.failure, state.attempts, state.hasRun)
        }
        let why =
            failure?.message
            ?? (hasRun
                ? "an attempt is under way" : "nobody has called RPCLink.run, which makes it")
        var error = RPCError(
            .deadlineExceeded, "\(method.name) was not sent: no link in time: \(why)",
            certainty: .notSent)
        let elapsed = (loop.currentTime() &- began) / 1000
        error.hops = [
            Hop(
                peer: failure?.hops.first?.peer ?? "", method: method.name, stage: .queue,
                attempts: attempts, times: [Hop.Time(.queue, microseconds: elapsed)])
        ]
        throw error
    }
}
