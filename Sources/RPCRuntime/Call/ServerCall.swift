public import Transport

/// The call that a handler answers.
public struct ServerCall: Sendable {
    /// The link that it came by; calls may be made on it the other way.
    public let connection: RPCConnection
    public let method: MethodDescriptor
    /// On the loop's clock; `UInt64.max` for none.
    let deadline: UInt64

    @usableFromInline init(
        _ connection: RPCConnection, _ method: MethodDescriptor, _ deadline: UInt64
    ) {
        self.connection = connection
        self.method = method
        self.deadline = deadline
    }

    /// Who calls, as verified in the TLS handshake.
    public var peer: PeerIdentity { connection.peer }

    /// What is left of the call's time; nil without a deadline.
    public var remainingTime: Duration? {
        if deadline == .max { return nil }
        // Not the loop's time: the handler may be on another thread.
        let now = connection.loop.currentTime()
        return .nanoseconds(Int64(clamping: deadline > now ? deadline - now : 0))
    }

    /// Whether this end of the link takes no new calls: an open-ended handler looks at it between
    /// messages, and ends with `.unavailable`, so that its caller goes elsewhere.
    public var isDraining: Bool { connection.isDraining }
}
