public import RPCRuntime
import Synchronization
public import Transport

/// A mesh on one thread: servers, diallers and handlers on one loop in simulated time, with links
/// in memory, where everything follows from one seed.
///
///     let mesh = SimulatedMesh(seed: 7)
///     try mesh.run {
///         mesh.serve(as: "gateway/main", [Registry.handlers(for: registry)])
///         let link = try await mesh.connect(from: "location/cairo", to: "gateway/main")
///         try await mesh.sleep(for: .seconds(3600))
///         #expect(try await Registry.Client(link).check(request) == answer, "\(mesh)")
///     }
///
/// Tasks must stay on the loop: those of ``run(within:_:)``, of handlers, and their child tasks
/// do. `Task {}`, `Task.sleep`, detached tasks and the main actor leave it, which is noticed:
/// give tasks `executorPreference: mesh.loop`, and sleep with ``sleep(for:)``.
public final class SimulatedMesh: Sendable, CustomStringConvertible {
    public let seed: UInt64
    public let time: SimulatedTime
    public let network: MemoryNetwork
    private let trustDomain: String
    private let random: Lock<SeededRandom>
    private let trace: Trace

    public var loop: EventLoop { time.loop }

    /// - Parameters:
    ///   - seed: Decides everything that the program leaves open.
    ///   - conditions: How links carry bytes, unless the network gets a plan.
    ///   - trustDomain: Of all identities.
    ///   - keepsTrace: Whether ``traceLines`` is kept, beside its hash.
    public init(
        seed: UInt64, conditions: LinkConditions = LinkConditions(),
        trustDomain: String = "simulation", keepsTrace: Bool = false
    ) {
        self.seed = seed
        self.trustDomain = trustDomain
        time = SimulatedTime()
        var random = SeededRandom(seed: seed)
        let trace = Trace(keepsLines: keepsTrace)
        network = MemoryNetwork(
            on: time.loop, seed: random.next(), conditions: conditions,
            observe: { trace.note($0) })
        self.trace = trace
        self.random = Lock(random)
    }

    deinit { time.end() }

    public var description: String { "seed \(seed) at \(elapsed)" }

    /// The simulated time since the beginning.
    public var elapsed: Duration { .nanoseconds(Int64(clamping: time.now)) - .seconds(1) }

    // MARK: - Running

    /// Runs `body`, and with it everything that happens meanwhile.
    ///
    /// Throws a ``SimulationFailure``, which tells the seed, when `body` throws, waits for what
    /// never comes, or is not done within `limit` of simulated time.
    public func run<Result: Sendable>(
        within limit: Duration = .seconds(86_400),
        _ body: @escaping @Sendable () async throws -> Result
    ) throws -> Result {
        let outcome = Outcome<Result>()
        time.perform {
            Task.immediate(executorPreference: loop) {
                do {
                    outcome.set(.success(try await body()))
                } catch {
                    outcome.set(.failure(error))
                }
            }
        }
        let end = time.now &+ limit.clampedNanoseconds
        while true {
            let isSettled = time.settle()
            if time.hasStrayed { throw failure(.strayed) }
            guard isSettled else { throw failure(.restless) }
            if let result = outcome.value {
                do { return try result.get() } catch { throw failure(.body(error)) }
            }
            guard let next = time.next else { throw failure(.stuck) }
            guard next <= end else { throw failure(.late(limit)) }
            time.advance(to: next)
        }
    }

    /// Lets everything happen that is to happen within `limit`; what is set for later stays.
    public func settle(within limit: Duration = .zero) throws {
        let end = time.now &+ limit.clampedNanoseconds
        while true {
            let isSettled = time.settle()
            if time.hasStrayed { throw failure(.strayed) }
            guard isSettled else { throw failure(.restless) }
            guard let next = time.next, next <= end else { break }
            time.advance(to: next)
        }
        time.advance(to: end)
    }

    /// Forgets listeners, plans and timers, whose closures may hold the mesh itself, so that its
    /// memory is freed.
    ///
    /// Only a program of many simulations needs it; nothing runs afterwards.
    public func end() {
        network.forget()
        time.end()
    }

    private func failure(_ reason: SimulationFailure.Reason) -> SimulationFailure {
        SimulationFailure(seed: seed, elapsed: elapsed, reason: reason)
    }

    /// Suspends in simulated time.
    public func sleep(for duration: Duration) async throws(TransportError) {
        try await loop.sleep(for: duration)
    }

    // MARK: - Programs of the mesh

    /// The identity `spiffe://<trust domain>/<role>/<name>` of `role/name`.
    public func identity(_ name: String) -> PeerIdentity {
        guard let identity = PeerIdentity(uri: "spiffe://\(trustDomain)/\(name)") else {
            preconditionFailure("'\(name)' is not of the form role/name")
        }
        return identity
    }

    /// Serves as `name`, which is `role/name`.
    @discardableResult
    public func serve(
        as name: String, _ services: [ServiceHandlers], options: RPCOptions = RPCOptions(),
        log: @escaping @Sendable (RPCEvent) -> Void = { _ in },
        onConnection: @escaping @Sendable (RPCConnection) -> Void = { _ in }
    ) -> RPCServer {
        let server = RPCServer(
            tls: nil, loop: loop, services: services, options: options, log: log,
            onConnection: onConnection)
        network.listen(as: identity(name), server)
        return server
    }

    /// What dials `listener` as `dialler`; both are `role/name`.
    public func dialler(
        from dialler: String, to listener: String, services: [ServiceHandlers] = [],
        options: RPCOptions = RPCOptions(),
        log: @escaping @Sendable (RPCEvent) -> Void = { _ in }
    ) -> RPCDialler {
        RPCDialler(
            to: network.endpoint(from: identity(dialler), to: identity(listener)), loop: loop,
            services: services, options: options, log: log)
    }

    /// Dials once.
    public func connect(
        from dialler: String, to listener: String, services: [ServiceHandlers] = [],
        options: RPCOptions = RPCOptions()
    ) async throws(RPCError) -> RPCConnection {
        try await self.dialler(
            from: dialler, to: listener, services: services, options: options
        ).connect()
    }

    // MARK: - Chance and trace

    /// Calls `body` with the mesh's random numbers.
    public func withRandom<Result: Sendable>(
        _ body: (inout SeededRandom) -> Result
    ) -> Result {
        random.withLock { body(&$0) }
    }

    /// A number in 0..<1, such as ``RPCDialler/run(random:grace:_:)`` wants.
    public func randomFraction() -> Double { withRandom { Double.random(in: 0..<1, using: &$0) } }

    /// Adds a line to the trace, with the time.
    public func note(_ line: @autoclosure () -> String) { trace.note("\(time.now) \(line())") }

    /// A hash of all that happened on links and was noted: equal for equal runs.
    public var traceHash: UInt64 { trace.hash }

    /// What the hash was made of, where it is kept.
    public var traceLines: [String] { trace.lines }
}

/// Why a simulation did not end well; its text tells the seed to run it again.
public struct SimulationFailure: Error, CustomStringConvertible {
    public enum Reason: Sendable {
        /// The body threw.
        case body(any Error)
        /// Nothing is left to happen, and the body is not done.
        case stuck
        /// The body was not done in this time.
        case late(Duration)
        /// Tasks went on without end at one moment.
        case restless
        /// A task ran on another thread.
        case strayed
    }

    public let seed: UInt64
    /// The simulated time at which it happened.
    public let elapsed: Duration
    public let reason: Reason

    public var description: String {
        let why =
            switch reason {
            case .body(let error): "\(error)"
            case .stuck:
                "nothing is left to happen, and the body still waits (for a continuation that "
                    + "nobody resumes, or for a task outside of the loop, such as Task.sleep)"
            case .late(let limit): "the body was not done within \(limit) of simulated time"
            case .restless: "tasks went on without end at one moment of simulated time"
            case .strayed:
                "a task ran outside of the loop: give it executorPreference: mesh.loop, and sleep "
                    + "with mesh.sleep(for:)"
            }
        return "seed \(seed) at \(elapsed): \(why); SimulatedMesh(seed: \(seed)) does it again"
    }
}

/// What a body came to.
private final class Outcome<Value: Sendable>: Sendable {
    private let result = Lock<Result<Value, any Error>?>(nil)

    var value: Result<Value, any Error>? { result.withLock { $0 } }

    func set(_ value: Result<Value, any Error>) { result.withLock { $0 = value } }
}
