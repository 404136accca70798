/// The state machine of one connection: bytes, calls and the time go in; frames for the socket
/// and events come out.
///
/// It does no I/O, reads no clock and starts nothing.
///
/// A connection's life:
///
///     greeting ──hello──► open ──protocol error, CLOSE, silence──► closed
///         └──────no hello in time, no common version───────────────►┘
///
/// An open connection may drain, in each direction by itself: it announces that, some time later
/// refuses new calls, and its owner closes it when the last stream has ended.
///
/// A served stream's life; the caller's end mirrors it:
///
///     REQUEST … END_STREAM ──► running ──DATA … END_STREAM, STATUS──► gone
///          └─ CANCEL ──► gone     └── CANCEL, deadline ──► abandoned ──finish──► gone
///
/// An abandoned stream counts against ``RPCOptions/streamsMax`` until its handler has ended.
///
/// Events are pulled one at a time by ``next(_:_:now:)``, so a handler is started while no
/// mutating call is under way, and may answer at once. They are plain values; what has references
/// waits in ``detail`` until the next one is pulled.
///
/// `Attachment` is whatever the owner keeps with a stream.
struct ConnectionCore<Attachment: AnyObject> {
    enum Role { case dialler, listener }
    enum Phase: Equatable { case greeting, open, closed }
    enum Drain { case no, announced, refusing }

    /// Where a complete message is.
    struct Body: Sendable {
        /// In the bytes given to `next`, unless it came in several frames: then it is in
        /// ``Detail/assembled``.
        var range: Range<Int>
        var isAssembled = false
        var isCompressed = false
        /// What its reader gives back by `consumed`.
        var credit = 0

        /// Whether reading it takes longer than one turn of the loop should.
        var isLarge: Bool {
            isAssembled && !isCompressed && range.count > Assembly.pieceBytesMax
        }
    }

    /// A call that the peer makes.
    struct Request {
        var stream: UInt32
        var method: UInt32
        /// On the clock of `now`; `UInt64.max` for none.
        var deadline: UInt64
        /// The first message; nil when a stream of requests has not brought one yet.
        var body: Body?
        /// Whether no further message comes.
        var isLast: Bool
        var hasMetadata = false
    }

    enum Event {
        /// The bytes hold no further complete frame.
        case needsBytes
        /// The peer's hello has come: calls may begin.
        case ready
        case request(Request)
        /// A message is complete; of an answer with `isLast`, `takeCall` is to follow. `hasHead`:
        /// the answer's metadata stands before it.
        case message(stream: UInt32, Body, isLast: Bool, hasHead: Bool)
        /// The answer's head has come ahead of its first message.
        case head(stream: UInt32)
        /// The request of a served stream is whole, without a further message.
        case requestEnded(stream: UInt32)
        /// A call of ours has ended: see ``Detail``.
        case ended
        /// A served call's caller is gone, or its time is over: cancel the handler, which then
        /// ends with `finish`.
        case cancelled(stream: UInt32)
        /// The peer takes no new calls, or soon will not.
        case draining
        /// The peer serves more or fewer calls than before.
        case limitsChanged
        /// No call for so long, or so old: the owner drains the connection.
        case idle, old
        /// The connection is over; close it when `output` has left.
        case failed
    }

    /// What belongs to the last event.
    struct Detail {
        var assembled = Assembly()
        var metadata = Metadata()
        /// Of `ended`: who made the call.
        var attachment: Attachment?
        /// Of `ended`, nil for success; of `failed`, the reason.
        var error: RPCError?
    }

    /// The request that was the last event, while its handler may still answer at once.
    struct Fresh {
        var stream: UInt32 = 0
        var method: UInt32 = 0
        var deadline = UInt64.max
        var heartbeat: UInt64 = 0
    }

    /// The options' times in nanoseconds, so that no call divides.
    struct Times {
        let growth, stall, frame, ping, active, idle, floor: UInt64

        init(_ options: RPCOptions) {
            growth = options.windowGrowthTime.nanoseconds
            stall = options.stallTimeout.nanoseconds
            frame = options.frameTimeout.nanoseconds
            ping = options.pingTimeout.nanoseconds
            active = options.keepaliveActive.nanoseconds
            idle = options.keepaliveIdle.nanoseconds
            floor = max(options.keepaliveFloor.nanoseconds, 1)
        }
    }

    let role: Role
    let options: RPCOptions
    let times: Times
    /// Names the other end in errors.
    var peerName: String
    /// What the peer holds, over all its connections.
    var account: PeerAccount
    var phase = Phase.greeting
    /// Frames for the socket.
    var output = WireWriter()
    var detail = Detail()
    /// The methods that are served and take a stream of messages, in ascending order.
    var streamingMethods: [UInt32] = []

    var streams = StreamTable<Stream>(empty: Stream())
    var fresh = Fresh()
    var servedCount = 0
    /// How many calls are served at once.
    var servedMax: Int
    var nextStream: UInt32
    var lastPeerStream: UInt32 = 0

    var peerHello = Hello()
    /// Of the hello, so that no call clamps them.
    var peerStreamWindow = 0
    var messageLimit = 0
    /// The longest payload of one frame of a message that is cut, and of one that is not.
    var pieceLimit = Self.quantum
    var frameLimit = Self.quantum
    var sendCredit = 0
    var receiveCredit: Int
    var window: Window
    /// Bytes of messages that wait for their readers, and those of them whose credit waits too.
    var unread = 0
    var withheld = 0
    var backlogBytes = 0
    /// The head of the last call without metadata.
    var lastHead = CallHead.Last()
    /// Requests of which nothing has left.
    var unsentHeads = 0
    /// Streams with a backlog and credit, in the order in which they are served.
    var sendQueue: [UInt32] = []
    /// Streams whose backlog has gone since the owner last asked.
    var drained: [UInt32] = []

    var drain = Drain.no
    var isPeerDraining = false
    /// The last stream of ours that the draining peer serves.
    var peerLastStream = DrainNotice.announcement

    // Times, in nanoseconds on the owner's clock.
    var now: UInt64
    /// No stream has anything due before this.
    var streamsDue = UInt64.max
    /// Streams that the round of looking at what is due has still to come to.
    var settling: [UInt32] = []
    var lastReceived: UInt64
    /// When the frame began whose end has not come; nil between frames.
    var partialSince: UInt64?
    var pingSent: UInt64?
    /// The number of the last ping.
    var pingNumber: UInt64 = 0
    /// The ping behind the announcement of a drain: its pong stands behind the peer's last request.
    var drainPing: UInt64?
    var drainReason = ""
    /// The last round trip that was measured.
    var roundTrip: UInt64?
    /// The shortest that was: without what others had to send.
    var shortestRoundTrip: UInt64?
    /// When it was last measured for the sake of windows; 0 for never.
    var measuredAt: UInt64 = 0
    let greetingDeadline: UInt64
    var pingTokens: Int
    var pingTokensAt: UInt64
    /// When the last call ended.
    var lastCall: UInt64
    /// When the connection is to be drained for its age.
    var oldAt = UInt64.max
    /// How long it may be without calls, in nanoseconds.
    var idleMax = UInt64.max

    /// The largest piece of a large message that goes out at once: others get their turn between.
    static var quantum: Int { 16 << 10 }
    /// Output beyond which messages wait for the socket.
    static var outputHighWater: Int { 512 << 10 }
    /// Output beyond which no piece of a message that waits is added: what is small goes ahead of
    /// all that has not left.
    static var pumpHighWater: Int { 128 << 10 }
    static var hellosBytesMax: Int { 64 << 10 }

    init(
        _ role: Role, _ options: RPCOptions, peerName: String, services: [ServiceDescriptor],
        now: UInt64
    ) {
        self.role = role
        self.options = options
        times = Times(options)
        self.peerName = peerName
        self.now = now
        account = PeerAccount(options, now: now)
        nextStream = role == .dialler ? 1 : 2
        servedMax = options.streamsMax
        receiveCredit = options.connectionWindow
        window = Window(options.connectionWindow, now: now)
        lastReceived = now
        lastCall = now
        greetingDeadline = now &+ options.connectTimeout.nanoseconds
        pingTokens = options.pingBurst
        pingTokensAt = now
        control(.hello, stream: 0, Self.hello(options, services))
        // A message with a longer field waits in any case.
        output.copiedMax = Self.pumpHighWater
    }

    private static func hello(_ options: RPCOptions, _ services: [ServiceDescriptor]) -> Hello {
        var hello = Hello()
        hello.protocolName = Hello.protocolName
        hello.versionMin = 1
        hello.versionMax = 1
        hello.frameBytesMax = UInt64(options.frameBytesMax)
        hello.messageBytesMax = UInt64(options.messageBytesMax)
        hello.streamWindow = UInt64(options.streamWindow)
        hello.connectionWindow = UInt64(options.connectionWindow)
        hello.streamsMax = UInt32(clamping: options.streamsMax)
        hello.keepaliveMinMilliseconds = UInt32(
            clamping: options.keepaliveFloor.nanoseconds / 1_000_000)
        hello.agent = options.agent
        hello.metadataBytesMax = UInt32(clamping: options.metadataBytesMax)
        if options.takesCompressed { hello.compressions = [Hello.zlib] }
        hello.services = services.map { service in
            var notice = ServiceNotice()
            notice.name = service.name
            notice.fingerprint = service.fingerprint
            notice.methods = service.methods.map { method in
                var notice = MethodNotice()
                notice.method = method.id
                notice.fingerprint = method.fingerprint
                return notice
            }
            return notice
        }
        return hello
    }

    func isOurs(_ stream: UInt32) -> Bool { (stream & 1 == 1) == (role == .dialler) }

    /// Whether nobody can have opened this stream yet.
    func isFuture(_ stream: UInt32) -> Bool {
        stream == 0 || (isOurs(stream) ? stream >= nextStream : stream > lastPeerStream)
    }

    /// Appends a control frame.
    mutating func control(_ type: FrameType, stream: UInt32, _ message: some Message) {
        let start = FrameHeader.reserve(in: &output.bytes)
        message.encode(into: &output)
        let length = output.bytes.count - start - FrameHeader.size
        FrameHeader(type, stream: stream, length: length).write(to: &output.bytes, at: start)
    }

    /// Appends a frame whose payload is the little-endian bytes of a number.
    mutating func control(_ type: FrameType, stream: UInt32, _ number: UInt64, bytes count: Int) {
        let start = FrameHeader.reserve(in: &output.bytes)
        for place in 0..<count {
            output.bytes.append(UInt8(truncatingIfNeeded: number >> (8 * UInt64(place))))
        }
        FrameHeader(type, stream: stream, length: count).write(to: &output.bytes, at: start)
    }

    /// Ends the connection with an epitaph for the peer.
    mutating func fail(_ error: RPCError) {
        guard phase != .closed else { return }
        phase = .closed
        control(.close, stream: 0, CallStatus(error))
    }

    /// Takes every stream out, at the connection's end.
    mutating func takeAll() -> [(stream: UInt32, state: Stream)] {
        park()
        let all = streams.all.compactMap { id in streams.remove(id).map { (id, $0) } }
        account.serve(-servedCount)
        servedCount = 0
        for (_, state) in all { if let more = state.more { dropAssembly(more) } }
        (unread, withheld, backlogBytes) = (0, 0, 0)
        sendQueue.removeAll()
        return all
    }

    /// Charges the calls under way to the peer's own account, once its identity is known.
    mutating func use(_ account: PeerAccount) { self.account = account }

    // MARK: - Draining

    /// Tells the peer that this end soon takes no new calls; those that come meanwhile are served.
    mutating func announceDrain(_ reason: String) {
        guard drain == .no, phase == .open else { return }
        drain = .announced
        drainReason = reason
        sendDrain(DrainNotice.announcement, reason)
        ping()
        drainPing = pingNumber
    }

    /// Takes no new calls from the peer any more; those under way go on.
    mutating func refuseCalls(_ reason: String) {
        guard drain != .refusing, phase == .open else { return }
        drain = .refusing
        sendDrain(lastPeerStream, reason)
    }

    private mutating func sendDrain(_ lastStream: UInt32, _ reason: String) {
        var notice = DrainNotice()
        notice.lastStream = lastStream
        notice.reason = reason.truncated(toUTF8: 1024)
        control(.drain, stream: 0, notice)
    }

    /// The open-ended streams that the peer called, which a drain ends.
    func openEndedServed() -> [UInt32] {
        streams.all.filter { stream in
            guard !isOurs(stream), let slot = streams.slot(of: stream) else { return false }
            return streams[slot].flags.contains(.openEnded)
                && streams[slot].flags.isDisjoint(with: [.abandoned, .answered])
        }
    }

    /// The open-ended calls of this end, which a drain ends.
    func openEndedCalls() -> [UInt32] {
        streams.all.filter { stream in
            guard isOurs(stream), let slot = streams.slot(of: stream) else { return false }
            return streams[slot].flags.contains(.openEnded)
        }
    }

    /// Streams whose backlog has gone, once each: their writers may go on.
    mutating func takeDrained() -> [UInt32] {
        if drained.isEmpty { return [] }
        defer { drained.removeAll(keepingCapacity: true) }
        return drained
    }

    /// Says that this end serves another number of calls from now on.
    mutating func announce(streamsMax: Int) {
        guard phase == .open else { return }
        var notice = LimitsNotice()
        notice.streamsMax = UInt32(clamping: streamsMax)
        servedMax = streamsMax
        control(.limits, stream: 0, notice)
    }
}
