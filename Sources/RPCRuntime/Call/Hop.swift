/// One leg of a call that failed: who called whom, how far it came, and where the time went.
public struct Hop: Sendable, Hashable {
    /// How far a call came.
    public enum Stage: UInt8, Sendable, CaseIterable {
        /// Looking the peer's name up.
        case resolve = 1
        case connect = 2
        case tls = 3
        /// Exchanging hellos.
        case hello = 4
        /// Waiting for a link, or for room among the calls that the peer serves.
        case queue = 5
        /// Giving the request to the peer.
        case send = 6
        /// Waiting for the peer's handler.
        case handler = 7
        /// The call's time was over.
        case deadline = 8
    }

    public struct Time: Sendable, Hashable {
        public var stage: Stage
        public var microseconds: UInt64

        public init(_ stage: Stage, microseconds: UInt64) {
            self.stage = stage
            self.microseconds = microseconds
        }
    }

    /// Who was called: an identity, or the address where that was not known yet.
    public var peer: String
    /// `package.Service/method`; empty where there was only a link to make.
    public var method: String
    /// The stage that failed.
    public var stage: Stage
    /// How often it was tried.
    public var attempts: Int
    /// How long each stage took, in order.
    public var times: [Time]

    public init(
        peer: String, method: String, stage: Stage, attempts: Int = 1, times: [Time] = []
    ) {
        self.peer = peer
        self.method = method
        self.stage = stage
        self.attempts = attempts
        self.times = times
    }
}

extension Hop: CustomStringConvertible {
    public var description: String {
        var text = "\(method.isEmpty ? "link" : method) at \(peer): \(stage)"
        if attempts != 1 { text += ", \(attempts) attempts" }
        for time in times {
            text += ", \(time.stage) \(Double(time.microseconds / 10) / 100) ms"
        }
        return text
    }
}
