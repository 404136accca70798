/// Every limit and time of a connection, with its default.
public struct RPCOptions: Sendable {
    /// The longest frame payload taken; more ends the connection.
    ///
    /// gRPC takes 16 KiB; four times that keeps room for peers that cut larger frames.
    public var frameBytesMax = 64 << 10
    /// The longest message taken or sent.
    ///
    /// 4 MiB is what gRPC users know.
    public var messageBytesMax = 4 << 20
    /// Credit of each stream, in payload bytes.
    ///
    /// HTTP/2's 65,535 is the field's most common throughput bug; 1 MiB covers 100 Mbit/s at 80 ms.
    public var streamWindow = 1 << 20
    /// Credit of the whole connection.
    public var connectionWindow = 8 << 20
    /// Bytes of incomplete messages held for the peer, over all its streams.
    public var reassemblyBytesMax = 16 << 20
    /// How many calls are served at once; a cancelled one counts until its handler has ended.
    public var streamsMax = 256
    /// From connecting to the peer's hello.
    public var connectTimeout: Duration = .seconds(10)
    /// Silence after which a ping is sent while calls are open.
    public var keepaliveActive: Duration = .seconds(10)
    /// Silence after which a ping is sent while no call is open.
    public var keepaliveIdle: Duration = .seconds(60)
    /// How long a ping may stay unanswered before the connection counts as dead.
    public var pingTimeout: Duration = .seconds(5)
    /// How many pings the peer may send ahead of one per ``keepaliveFloor``.
    public var pingBurst = 10
    /// The shortest time between pings that this side bears; told in the hello.
    public var keepaliveFloor: Duration = .seconds(5)
    /// Program and version as the peer's log shows it.
    public var agent = "biometricflow"

    public init() {}
}

extension Duration {
    /// In nanoseconds: 0 when negative, at most a hundred years.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        if seconds < 0 || attoseconds < 0 { return 0 }
        return UInt64(min(seconds, 3_155_760_000)) * 1_000_000_000
            + UInt64(attoseconds / 1_000_000_000)
    }
}
