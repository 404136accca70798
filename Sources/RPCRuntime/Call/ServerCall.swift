public import Transport

/// The call that a handler answers.
public struct ServerCall: Sendable {
    /// The link that it came by; calls may be made on it the other way.
    public let connection: RPCConnection
    public let method: MethodDescriptor
    /// What the caller sent before the request.
    public var metadata: Metadata { sent ?? Metadata() }
    private var sent: Metadata?
    /// Whether the request came compressed; of a stream of requests, its first frame.
    public private(set) var isRequestCompressed: Bool
    private(set) var stream: UInt32
    /// On the loop's clock; `UInt64.max` for none.
    private(set) var deadline: UInt64

    @usableFromInline init(
        _ connection: RPCConnection, _ method: MethodDescriptor, _ incoming: IncomingCall
    ) {
        self.connection = connection
        self.method = method
        sent = incoming.metadata
        isRequestCompressed = incoming.body?.isCompressed ?? false
        stream = incoming.stream
        deadline = incoming.deadline
    }

    /// Becomes another call of the same method on the same link.
    ///
    /// The references that they share are not counted anew.
    @usableFromInline mutating func become(_ incoming: IncomingCall) {
        if sent != nil || incoming.metadata != nil { sent = incoming.metadata }
        isRequestCompressed = incoming.body?.isCompressed ?? false
        stream = incoming.stream
        deadline = incoming.deadline
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

    /// Whether this end of the link takes no new calls: an open-ended handler that sees it between
    /// messages may end in order.
    ///
    /// One that does not is ended ``RPCOptions/drainNotice`` later, with a resumable status.
    public var isDraining: Bool { connection.isDraining }

    /// Sets the metadata that goes out before the first message of the answer.
    ///
    /// Throws when that has gone, or the metadata is over the peer's limit.
    public func setHead(_ metadata: Metadata) async throws(RPCError) {
        try await connection.change(stream) { (core) throws(RPCError) in
            try core.setHead(stream, metadata)
        }
    }

    /// Sends the metadata of ``setHead(_:)`` now, ahead of the first message.
    public func sendHead() async throws(RPCError) {
        try await connection.change(stream) { (core) throws(RPCError) in core.sendHead(stream) }
    }

    /// Sets the metadata that goes out with the end of the answer.
    ///
    /// Throws when it is over the peer's limit.
    public func setTrailers(_ metadata: Metadata) async throws(RPCError) {
        try await connection.change(stream) { (core) throws(RPCError) in
            try core.setTrailers(stream, metadata)
        }
    }

    /// Has the messages of the answer compressed from now on, where the caller takes that.
    public func compressAnswers(_ isOn: Bool = true) async throws(RPCError) {
        try await connection.change(stream) { (core) throws(RPCError) in
            core.setCompression(stream, isOn)
        }
    }
}
