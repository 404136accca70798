public import RPCRuntime
import Synchronization
public import Transport

/// A network in memory: programs listen under their identity, others dial them.
///
/// Every link's faults and times follow from the network's seed and the order of the dials. On a
/// loop of its own thread it carries calls without sockets and TLS; on the loop of a
/// ``SimulatedMesh`` everything also happens in simulated time.
public final class MemoryNetwork: Sendable {
    /// One dial, for a plan of conditions.
    public struct Attempt: Sendable {
        /// Counts the dials on this network; the first is 1.
        public let number: Int
        public let dialler: PeerIdentity
        public let listener: PeerIdentity
    }

    public typealias Plan = @Sendable (Attempt) -> LinkConditions

    private struct Listening: Sendable {
        let address: SocketAddress
        let accept: @Sendable (Channel) -> Void
    }

    private struct Weak: Sendable {
        weak let channel: MemoryChannel?
    }

    private struct State: Sendable {
        var random: SeededRandom
        var plan: Plan
        var listeners: [PeerIdentity: Listening] = [:]
        var addresses: [PeerIdentity: SocketAddress] = [:]
        var attempts = 0
        var links: [Weak] = []
    }

    private let loop: EventLoop
    private let observe: (@Sendable (LinkEvent) -> Void)?
    private let state: Lock<State>

    /// - Parameters:
    ///   - loop: Where all ends of all links live.
    ///   - seed: Decides what conditions leave open.
    ///   - conditions: What each link gets, until ``setPlan(_:)``.
    ///   - observe: Hears of everything that arrives on any link, on the loop.
    public init(
        on loop: EventLoop, seed: UInt64, conditions: LinkConditions = LinkConditions(),
        observe: (@Sendable (LinkEvent) -> Void)? = nil
    ) {
        self.loop = loop
        self.observe = observe
        state = Lock(State(random: SeededRandom(seed: seed), plan: { _ in conditions }))
    }

    /// Has `plan` decide the conditions of each further link.
    public func setPlan(_ plan: @escaping Plan) { state.withLock { $0.plan = plan } }

    /// Gives what is dialled as `identity` to `accept`, on the loop, not started.
    public func listen(
        as identity: PeerIdentity, _ accept: @escaping @Sendable (Channel) -> Void
    ) {
        state.withLock { state in
            state.listeners[identity] = Listening(
                address: address(of: identity, &state), accept: accept)
        }
    }

    /// Has a server take what is dialled as `identity`.
    public func listen(as identity: PeerIdentity, _ server: RPCServer) {
        listen(as: identity) { server.accept($0) }
    }

    /// Refuses what is dialled as `identity` from now on; links that are up stay.
    public func stopListening(as identity: PeerIdentity) {
        state.withLock { $0.listeners[identity] = nil }
    }

    /// What a dialler dials to reach `listener` as `dialler`.
    public func endpoint(from dialler: PeerIdentity, to listener: PeerIdentity) -> RPCEndpoint {
        let target = state.withLock { address(of: listener, &$0) }
        return .channels("\(listener)", at: target) { [self] _, handler in
            connect(from: dialler, to: listener, handler: handler)
        }
    }

    /// Dials; `handler` hears what becomes of it.
    ///
    /// Only on the loop.
    @discardableResult
    public func connect(
        from dialler: PeerIdentity, to listener: PeerIdentity, handler: any ChannelHandler
    ) -> Channel {
        let (ends, plan, attempt, seed) = state.withLock { state in
            state.attempts += 1
            let ends = MemoryChannel.Ends(
                dialler: dialler, at: address(of: dialler, &state), listener: listener,
                at: address(of: listener, &state))
            let attempt = Attempt(
                number: state.attempts, dialler: dialler, listener: listener)
            return (ends, state.plan, attempt, state.random.next())
        }
        let channel = MemoryChannel.connect(
            ends, on: loop, plan(attempt), seed: seed, observe: observe, handler: handler
        ) { [self] far in
            guard let accept = state.withLock({ $0.listeners[listener]?.accept }) else {
                return false
            }
            accept(far)
            return true
        }
        state.withLock { state in
            state.links.removeAll { $0.channel == nil }
            state.links.append(Weak(channel: channel))
        }
        return channel
    }

    /// Resets every link that is up.
    public func cutAll() {
        loop.perform { [self] in
            let channels = state.withLock { state in
                defer { state.links = [] }
                return state.links.compactMap(\.channel)
            }
            for channel in channels { channel.cut() }
        }
    }

    func forget() {
        // Released outside of the lock: closures may hold what comes back here.
        let (listeners, plan) = state.withLock { state in
            defer {
                state.listeners = [:]
                state.plan = { _ in LinkConditions() }
            }
            return (state.listeners, state.plan)
        }
        withExtendedLifetime((listeners, plan)) {}
    }

    /// An address that stands for an identity: 10.0.0.1 for the first, and so on.
    private func address(of identity: PeerIdentity, _ state: inout State) -> SocketAddress {
        if let known = state.addresses[identity] { return known }
        let number = state.addresses.count + 1
        let bytes = [
            10, UInt8(truncatingIfNeeded: number >> 16), UInt8(truncatingIfNeeded: number >> 8),
            UInt8(truncatingIfNeeded: number),
        ]
        let made = SocketAddress(bytes: bytes, port: 7000)
        state.addresses[identity] = made
        return made
    }
}
