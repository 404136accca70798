public import Transport

/// What a link has carried since it is up.
struct LinkTally {
    static var failuresMax: Int { 16 }

    var callsMade: UInt64 = 0
    var callsServed: UInt64 = 0
    var bytesSent: UInt64 = 0
    var bytesReceived: UInt64 = 0
    /// When the link was made, on the loop's clock.
    var since: UInt64 = 0
    /// The newest last.
    var failures: [Failure] = []

    struct Failure {
        /// On the loop's clock.
        var at: UInt64
        var method: String
        var error: RPCError
    }

    mutating func note(_ failure: Failure) {
        if failures.count == Self.failuresMax { failures.removeFirst() }
        failures.append(failure)
    }
}

/// How a link is at a moment, for operators.
public struct LinkSnapshot: Sendable {
    /// A call that was served and failed.
    public struct Failure: Sendable {
        /// How long ago.
        public var age: Duration
        public var method: String
        public var error: RPCError
    }

    /// A call that is open.
    public struct Stream: Sendable {
        public var id: UInt32
        /// The number of its method.
        public var method: UInt32
        /// Whether this end serves it.
        public var isServed: Bool
        /// What is left of its time; nil without a deadline.
        public var remaining: Duration?
        /// Bytes that may still be sent on it.
        public var sendCredit: Int
        /// Bytes that the peer may still send on it.
        public var receiveCredit: Int
        /// Bytes that wait to be sent.
        public var backlogBytes: Int
        /// Bytes that wait for their reader.
        public var unreadBytes: Int
    }

    public var peer: PeerIdentity
    public var address: SocketAddress
    public var isDialler: Bool
    public var isDraining: Bool
    public var isPeerDraining: Bool
    /// What the peer's hello calls its program.
    public var agent: String
    /// How long ago the link was made.
    public var age: Duration
    /// The last measured round trip; nil before the first.
    public var roundTrip: Duration?
    public var sendCredit: Int
    public var receiveCredit: Int
    /// Bytes that wait for the socket, for credit, or for readers.
    public var outputBytes: Int
    public var backlogBytes: Int
    public var unreadBytes: Int
    /// Calls of this end that wait until the peer serves fewer.
    public var queuedCalls: Int
    public var callsMade: UInt64
    public var callsServed: UInt64
    public var bytesSent: UInt64
    public var bytesReceived: UInt64
    public var streams: [Stream]
    public var failures: [Failure]
}

extension RPCConnection {
    /// How the link is now.
    public func snapshot() async -> LinkSnapshot {
        let taken = OneShot<LinkSnapshot>()
        do throws(TransportError) {
            return try await taken.value {
                loop.perform { [self] in taken.settle(.success(snapshotNow())) }
            }
        } catch {
            // The task was cancelled: what can be had without waiting.
            return LinkSnapshot(
                peer: peer, address: remoteAddress, isDialler: false, isDraining: isDraining,
                isPeerDraining: false, agent: "", age: .zero, sendCredit: 0, receiveCredit: 0,
                outputBytes: 0, backlogBytes: 0, unreadBytes: 0, queuedCalls: 0, callsMade: 0,
                callsServed: 0,
                bytesSent: 0, bytesReceived: 0, streams: [], failures: [])
        }
    }

    private func snapshotNow() -> LinkSnapshot {
        let now = loop.now
        return state.withValue { state in
            let core = state.core
            return LinkSnapshot(
                peer: peer, address: remoteAddress, isDialler: core.role == .dialler,
                isDraining: core.drain != .no, isPeerDraining: core.isPeerDraining,
                agent: core.peerHello.agent, age: Self.elapsed(state.tally.since, now),
                roundTrip: core.roundTrip.map { .nanoseconds(Int64(clamping: $0)) },
                sendCredit: core.sendCredit, receiveCredit: core.receiveCredit,
                outputBytes: core.output.bytes.count, backlogBytes: core.backlogBytes,
                unreadBytes: core.unread, queuedCalls: state.queue.count,
                callsMade: state.tally.callsMade, callsServed: state.tally.callsServed,
                bytesSent: state.tally.bytesSent, bytesReceived: state.tally.bytesReceived,
                streams: core.streams.all.sorted().compactMap { id in
                    core.streams.slot(of: id).map { slot in
                        let stream = core.streams[slot]
                        let backlog = stream.more?.backlog
                        return LinkSnapshot.Stream(
                            id: id, method: stream.method, isServed: !core.isOurs(id),
                            remaining: stream.deadline == .max
                                ? nil
                                : .nanoseconds(
                                    Int64(clamping: stream.deadline - min(now, stream.deadline))),
                            sendCredit: stream.sendCredit, receiveCredit: stream.receiveCredit,
                            backlogBytes: backlog?.left ?? 0,
                            unreadBytes: stream.unread)
                    }
                },
                failures: state.tally.failures.map {
                    LinkSnapshot.Failure(
                        age: Self.elapsed($0.at, now), method: $0.method, error: $0.error)
                })
        }
    }

    private static func elapsed(_ start: UInt64, _ now: UInt64) -> Duration {
        .nanoseconds(Int64(clamping: now - min(start, now)))
    }

    /// Keeps what went wrong lately.
    func noteFailure(_ stream: UInt32, _ error: RPCError) {
        state.withValue { state in
            let number =
                stream == state.core.fresh.stream
                ? state.core.fresh.method
                : state.core.streams.slot(of: stream).map { state.core.streams[$0].method }
            let method = number.flatMap { state.routes.route($0)?.handler.method.name }
            state.tally.note(
                LinkTally.Failure(
                    at: loop.now, method: method ?? "method \(number ?? 0)", error: error))
        }
    }
}
