/// Every limit and time of a connection, with its default and the reason for it.
public struct RPCOptions: Sendable {
    // MARK: Sizes

    /// The longest frame payload taken; more ends the connection.
    ///
    /// At least 16 KiB. What is in turn with others is cut into 16 KiB, as in gRPC; what has the
    /// connection for itself goes in one frame.
    public var frameBytesMax = 256 << 10
    /// The longest message taken or sent, uncompressed.
    ///
    /// 4 MiB is what gRPC users know.
    public var messageBytesMax = 4 << 20
    /// The most bytes of a call's metadata, at its head and at its end each.
    ///
    /// Twice what gRPC recommends; at most 60 KiB, as a head fits in one frame.
    public var metadataBytesMax = 16 << 10

    // MARK: Windows

    /// Credit that each stream begins with, in payload bytes.
    ///
    /// HTTP/2's 65,535 is the field's most common throughput bug; 1 MiB covers 100 Mbit/s at 80 ms.
    public var streamWindow = 1 << 20
    /// What a stream's window may grow to, while its reader keeps up.
    public var streamWindowMax = 8 << 20
    /// A window doubles when it was read in little more than a round trip, but not for longer ones
    /// than this.
    public var windowGrowthTime: Duration = .milliseconds(100)
    /// Credit of the whole connection: what may be on its way to this end.
    public var connectionWindow = 8 << 20
    /// What the connection's window may grow to.
    public var connectionWindowMax = 32 << 20
    /// Bytes of messages that nobody has read yet, over all streams of the connection.
    ///
    /// Up to here a reader that stops holds up its own stream only; beyond it the connection's
    /// credit waits too. It bounds the memory that a peer can hold by sending.
    public var unreadBytesMax = 32 << 20
    /// Bytes of incomplete messages held for one peer identity, over all its connections.
    public var reassemblyBytesMax = 16 << 20
    /// Bytes of answers that wait for the peer's credit or the socket, beyond which its new calls
    /// are refused.
    public var backlogBytesMax = 64 << 20

    // MARK: Calls

    /// How many calls of a connection are served at once; a cancelled one counts until its handler
    /// has ended.
    public var streamsMax = 256
    /// How many calls of one peer identity are served at once, over all its connections.
    public var peerStreamsMax = 1024
    /// How many calls of ours may wait on a connection until the peer serves fewer.
    public var queuedCallsMax = 1000
    /// Whether the handler's usual time refuses calls that have less left.
    public var refusesDoomedCalls = true

    // MARK: Times

    /// From connecting to the peer's hello: looking the name up, TCP, TLS and hello together.
    public var connectTimeout: Duration = .seconds(10)
    /// How long a frame may take from its first byte to its last.
    ///
    /// Ends connections that dribble; 64 KiB in 30 s is 17 kbit/s.
    public var frameTimeout: Duration = .seconds(30)
    /// How long a message may wait for the peer's credit without a byte of progress.
    public var stallTimeout: Duration = .seconds(60)
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
    /// A dialled connection without calls for this long is drained; nil for never.
    ///
    /// A listener waits 5 min longer, so that nobody calls into a link that is just closing: the
    /// cause of most of the 503 answers that users of Envoy report.
    public var idleTimeout: Duration? = .seconds(30 * 60)
    /// An accepted connection as old as this is drained, ± 10 %; nil for never.
    ///
    /// So long-lived links spread anew over what listens; gRFC A9 has the jitter.
    public var ageMax: Duration? = .seconds(60 * 60)
    /// How long a draining connection's calls may still take.
    public var drainGrace: Duration = .seconds(30)
    /// From a drain's announcement to its refusing new calls, a round trip added.
    public var drainNotice: Duration = .seconds(1)

    // MARK: Abuse

    /// What a peer identity may do of what costs only its peer, before its connections are closed:
    /// a point each for a cancelled call, a refused one, a tiny frame, and more for worse.
    public var abusePoints = 10_000
    /// How many of the points come back in a second.
    public var abusePointsPerSecond = 1_000

    // MARK: Others

    /// Whether compressed messages are taken.
    public var takesCompressed = true
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
