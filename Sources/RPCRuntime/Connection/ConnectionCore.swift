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
/// An open connection may drain, in each direction by itself: it then takes no new calls, and its
/// owner closes it when the last stream has ended.
///
/// A served stream's life; the caller's end mirrors it:
///
///     REQUEST … END_MESSAGE ──► running ──DATA … END_STREAM, STATUS──► gone
///          └─ CANCEL ──► gone     └── CANCEL, deadline ──► abandoned ──finish──► gone
///
/// An abandoned stream counts against ``RPCOptions/streamsMax`` until its handler has ended.
///
/// Events are pulled one at a time by ``next(_:_:now:)``, so a handler is started while no
/// mutating call is under way, and may answer at once.
///
/// `Attachment` is whatever the owner keeps with a stream.
struct ConnectionCore<Attachment> {
    enum Role { case dialler, listener }
    enum Phase: Equatable { case greeting, open, closed }

    /// Where a complete message is.
    enum Body {
        /// In the bytes given to `next`, at these positions.
        case inPlace(Range<Int>)
        /// It came in several frames.
        case assembled([UInt8])
    }

    enum Event {
        /// The bytes hold no further complete frame.
        case needsBytes
        /// The peer's hello has come: calls may begin.
        case ready
        /// A call's first message is complete.
        case request(stream: UInt32, method: UInt32, deadline: UInt64, body: Body)
        /// A message of an answer is complete. Its `credit` bytes are to be given back by
        /// `consumed` when it has been taken; with `isLast`, `takeCall` is to follow.
        case message(stream: UInt32, body: Body, credit: Int, isLast: Bool)
        /// A call of ours has ended: with an error, or without one behind its last message.
        case ended(Attachment?, RPCError?)
        /// A served call's caller is gone, or its time is over: cancel the handler, which then
        /// ends with `finish`.
        case cancelled(stream: UInt32)
        /// The peer takes no new calls.
        case draining
        /// The connection is over; close it when `output` has left.
        case failed(RPCError)
    }

    /// An outgoing message that waits for credit or for its turn.
    final class Backlog {
        let bytes: [UInt8]
        var start = 0
        /// The length of the call head that the bytes begin with; nil once that has gone out, and
        /// for answers.
        var head: Int?
        var endsStream: Bool
        /// The status that follows the bytes.
        var status: RPCError?

        init(_ bytes: [UInt8], head: Int?, endsStream: Bool) {
            self.bytes = bytes
            self.head = head
            self.endsStream = endsStream
        }
    }

    struct Stream {
        var attachment: Attachment?
        /// When its time is over, on the clock of `now`; `UInt64.max` for never.
        var deadline = UInt64.max
        /// Payload bytes that may still be sent on it.
        var sendCredit = 0
        /// Payload bytes that the peer may still send on it.
        var receiveCredit = 0
        /// Received bytes that have not been credited back yet.
        var creditOwed = 0
        /// The parts of an incoming message that is not complete.
        var assembly: [UInt8] = []
        var backlog: Backlog?
        var method: UInt32 = 0
        var isQueued = false
        /// A served stream whose request is complete: its handler will `finish` it.
        var isRunning = false
        /// A served stream on which nothing more is sent.
        var isAbandoned = false
        /// A served stream on which everything has been given to send.
        var isAnswered = false
    }

    let role: Role
    let options: RPCOptions
    /// Names the other end in errors.
    var peerName: String
    var phase = Phase.greeting
    /// Frames for the socket.
    var output = WireWriter()

    var streams = StreamTable<Stream>(empty: Stream())
    var servedCount = 0
    var nextStream: UInt32
    var lastPeerStream: UInt32 = 0

    var peerHello = Hello()
    /// The longest payload sent in one frame.
    var pieceLimit = Self.quantum
    var sendCredit = 0
    var receiveCredit: Int
    var creditOwed = 0
    var reassemblyBytes = 0
    /// Streams with a backlog and credit, in the order in which they are served.
    var sendQueue: [UInt32] = []
    /// Streams whose backlog has gone since the owner last asked.
    var drained: [UInt32] = []

    private(set) var isDraining = false
    var isPeerDraining = false

    // Times, in nanoseconds on the owner's clock.
    /// No stream's deadline is before this.
    var deadlineBound = UInt64.max
    var lastReceived: UInt64
    var pingSent: UInt64?
    let greetingDeadline: UInt64
    var pingTokens: Int
    var pingTokensAt: UInt64

    /// The largest piece of a large message that goes out at once: others get their turn between.
    static var quantum: Int { 16 << 10 }
    /// Output beyond which the backlog waits for the socket.
    static var outputHighWater: Int { 128 << 10 }

    init(
        _ role: Role, _ options: RPCOptions, peerName: String, services: [ServiceDescriptor],
        now: UInt64
    ) {
        self.role = role
        self.options = options
        self.peerName = peerName
        nextStream = role == .dialler ? 1 : 2
        receiveCredit = options.connectionWindow
        lastReceived = now
        greetingDeadline = now &+ options.connectTimeout.nanoseconds
        pingTokens = options.pingBurst
        pingTokensAt = now
        control(.hello, stream: 0, Self.hello(options, services))
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
        hello.services = services.map { service in
            var notice = ServiceNotice()
            notice.name = service.name
            notice.fingerprint = service.fingerprint
            return notice
        }
        hello.agent = options.agent
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

    /// Ends the connection with an epitaph for the peer.
    @discardableResult
    mutating func fail(_ error: RPCError) -> RPCError {
        guard phase != .closed else { return error }
        phase = .closed
        control(.close, stream: 0, CallStatus(error))
        return error
    }

    /// Takes every stream out, at the connection's end.
    mutating func takeAll() -> [(stream: UInt32, state: Stream)] {
        let all = streams.all.compactMap { id in streams.remove(id).map { (id, $0) } }
        servedCount = 0
        sendQueue.removeAll()
        reassemblyBytes = 0
        return all
    }

    /// Takes no new calls from the peer, and tells it so; those under way go on.
    mutating func beginDraining(_ reason: String) {
        guard !isDraining, phase == .open else { return }
        isDraining = true
        var notice = DrainNotice()
        notice.lastStream = lastPeerStream
        notice.reason = reason.truncated(toUTF8: 1024)
        control(.drain, stream: 0, notice)
    }

    /// Streams whose backlog has gone, once each: their writers may go on.
    mutating func takeDrained() -> [UInt32] {
        if drained.isEmpty { return [] }
        defer { drained.removeAll(keepingCapacity: true) }
        return drained
    }
}
