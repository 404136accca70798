public import Transport

/// A connection to one device.
///
/// One request runs at a time, and one task uses the client: it is not `Sendable`. Events may
/// arrive at any moment; each is acknowledged at once and waits in a queue for
/// ``nextEvent(timeout:)``. Reading does not disable the device. Use
/// ``withZKClient(to:over:commKey:on:options:_:)``, which takes leave of the device whatever
/// happens.
public final class ZKClient {
    /// Limits, and the clock they are measured with.
    public struct Options: Sendable {
        /// A clock that never goes back; it bounds requests.
        public var now: @Sendable () -> ContinuousClock.Instant
        public var connectTimeout: Duration = .seconds(5)
        /// How long the device may take for an answer, or for the next packet of a long one.
        public var requestTimeout: Duration = .seconds(10)
        /// How long a whole bulk read may take.
        public var bulkTimeout: Duration = .seconds(600)
        /// The longest bulk read that is taken: a million records.
        public var bulkBytesMax = 64 << 20
        public var sliceBytes = Bulk.sliceBytes
        /// How many slices are asked for before the first has come; 2 at most over UDP.
        public var slicesInFlight = 4
        /// How often a slice is asked for before the read fails; over UDP three times as often.
        public var sliceAttempts = 3
        /// How long a datagram may be on its way before the request is sent again; doubled each
        /// time, up to ``requestTimeout``.
        public var retryInterval: Duration = .milliseconds(500)
        /// Events that wait in the queue; more are dropped, and ``ZKClient/eventsDropped`` counts.
        public var eventsMax = 4096
        /// How the device's texts are encoded.
        public var encoding = TextEncoding.utf8
        /// Whether names that are damaged in ``encoding`` are read in the language's code page.
        ///
        /// Ids never are: they must stay what they were.
        public var guessesEncoding = false

        public init(now: @escaping @Sendable () -> ContinuousClock.Instant) { self.now = now }
    }

    public let address: SocketAddress
    let options: Options
    var wire: Wire
    /// Events that found the queue full; a poll of the log finds what they told.
    public private(set) var eventsDropped = 0
    /// Packets that belonged to no request: late answers, mostly.
    public private(set) var strayPackets = 0
    private var events: [LiveEvent] = []
    /// Whether requests make no sense any more.
    private var isBroken = false
    private var isClosed = false
    /// What was learnt of the device and need not be asked again.
    var learnt = Learnt()

    /// Told how many bytes of a long answer have come, and how many were announced.
    ///
    /// A read that is begun anew tells fewer again.
    public var progress: ((_ received: Int, _ announced: Int) -> Void)?

    /// Ends a wait for events from elsewhere.
    public let waker = Waker()

    /// How packets travel to the device.
    public var transport: ZKTransport { wire.transport }

    private init(_ wire: Wire, _ address: SocketAddress, _ options: Options) {
        self.address = address
        self.options = options
        self.wire = wire
    }

    /// Connects and, where the device asks for it, proves the comm key.
    public static func connect(
        to address: SocketAddress, over transport: ZKTransport = .tcp, commKey: UInt32?,
        on loop: EventLoop, options: Options
    ) async throws(ZKError) -> ZKClient {
        let wire: Wire
        do {
            switch transport {
            case .tcp:
                wire = Wire(
                    try await ByteStream.connect(
                        to: address, on: loop, timeout: options.connectTimeout),
                    now: options.now)
            case .udp:
                wire = Wire(
                    try DatagramSocket.connect(to: address, on: loop), now: options.now)
            }
        } catch {
            throw ZKError(
                error.code == .cancelled ? .cancelled : .unreachable,
                device: address.description, command: nil, error.message)
        }
        let client = ZKClient(wire, address, options)
        do throws(ZKError) {
            try await client.login(commKey)
        } catch {
            // What the device may have begun, it is told to end.
            if client.wire.session != 0 { await client.close() }
            wire.close()
            throw error
        }
        return client
    }

    private func login(_ commKey: UInt32?) async throws(ZKError) {
        let greeting = try await greet()
        wire.session = greeting.session
        switch greeting.command {
        case .ok: break
        case .unauthenticated:
            guard let commKey else {
                throw failure(
                    .keyRequired, .connect, "the device asks for a comm key and none is configured")
            }
            try await authenticate(commKey)
        default: throw refusal(greeting, of: .connect)
        }
        wire.raiseLimit()
    }

    /// Asks for a session.
    ///
    /// Where the answer can be lost, it is asked for again under another number, and only the last
    /// answer counts: the device forgets the session before.
    private func greet() async throws(ZKError) -> Packet {
        guard transport == .udp else { return try await request(.connect) }
        let deadline = options.now() + options.connectTimeout
        var patience = options.retryInterval
        while true {
            let reply = try await send(.connect, [])
            let next = min(options.now() + patience, deadline)
            do throws(ZKError) {
                return try await answer(to: reply, .connect, until: next)
            } catch {
                if error.code == .closed {
                    throw failure(.unreachable, .connect, "nobody answers at UDP: \(error.cause)")
                }
                guard error.code == .timedOut else { throw error }
                guard options.now() < deadline else {
                    throw failure(
                        .unreachable, .connect,
                        "no answer over UDP within \(options.connectTimeout)")
                }
            }
            patience = min(patience * 2, options.requestTimeout)
        }
    }

    private func authenticate(_ commKey: UInt32) async throws(ZKError) {
        let answer = try await request(
            .authenticate, CommKey.scramble(commKey, session: wire.session))
        switch answer.command {
        case .ok: return
        case .unauthenticated:
            throw failure(.keyWrong, .authenticate, "the comm key is not the device's")
        default: throw refusal(answer, of: .authenticate)
        }
    }

    /// Enables the device, ends the session and closes the connection; also in a cancelled task.
    public func close() async {
        guard !isClosed else { return }
        isClosed = true
        isBroken = true
        let farewell = Farewell(
            wire: wire, now: options.now, isCapturing: learnt.isCapturing)
        // A task of its own, because a cancelled one may not write: the device would stay
        // occupied, and disabled where someone disabled it. It ends within its own deadline.
        await Task { await farewell.run() }.value
    }

    // MARK: - Requests

    /// Sends a request and waits for the packet that answers it.
    func request(_ command: Command, _ data: [UInt8] = []) async throws(ZKError) -> Packet {
        if transport == .udp, command.isRepeatable {
            return try await answerOfDatagram(nextRequest(command, data))
        }
        let reply = try await send(command, data)
        return try await answer(to: reply, command)
    }

    /// Sends a request that the device must answer with OK.
    @discardableResult
    func perform(_ command: Command, _ data: [UInt8] = []) async throws(ZKError) -> [UInt8] {
        let answer = try await request(command, data)
        guard answer.command == .ok else { throw refusal(answer, of: command) }
        return answer.data
    }

    func send(_ command: Command, _ data: [UInt8]) async throws(ZKError) -> UInt16 {
        let packet = try nextRequest(command, data)
        try await write(packet, command)
        return packet.reply
    }

    private func nextRequest(_ command: Command, _ data: [UInt8]) throws(ZKError) -> Packet {
        guard !isBroken else {
            throw failure(.closed, command, "the connection has failed before")
        }
        return wire.nextRequest(command, data)
    }

    /// The next packet of the answer; events and strays that come before it are put aside.
    func answer(to reply: UInt16, _ command: Command) async throws(ZKError) -> Packet {
        try await answer(to: reply, command, until: options.now() + options.requestTimeout)
    }

    private func answer(
        to reply: UInt16, _ command: Command, until deadline: ContinuousClock.Instant
    ) async throws(ZKError) -> Packet {
        while let packet = try await nextAnswer(until: deadline, command) {
            if packet.reply == reply { return packet }
            strayPackets &+= 1
        }
        throw failure(.timedOut, command, "no answer within \(options.requestTimeout)")
    }

    /// Sends the request again and again while its answer does not come, as datagrams are lost.
    private func answerOfDatagram(_ request: Packet) async throws(ZKError) -> Packet {
        let deadline = options.now() + options.requestTimeout
        var patience = options.retryInterval
        while true {
            try await write(request, request.command)
            let next = min(options.now() + patience, deadline)
            do throws(ZKError) {
                return try await answer(to: request.reply, request.command, until: next)
            } catch {
                guard error.code == .timedOut, options.now() < deadline else { throw error }
            }
            patience *= 2
        }
    }

    /// The next packet that may answer a request; nil at the deadline.
    func nextAnswer(
        until deadline: ContinuousClock.Instant, _ command: Command
    ) async throws(ZKError) -> Packet? {
        while let packet = try await nextPacket(until: deadline, command) {
            if packet.command == .event {
                try await take(packet)
            } else if packet.command.isAnswer {
                return packet
            } else {
                strayPackets &+= 1
            }
        }
        return nil
    }

    /// Counts a packet that belongs to no request.
    func noteStray() { strayPackets &+= 1 }

    // MARK: - Events

    /// Asks for events of `kinds`; none with an empty set.
    public func listen(to kinds: EventKind) async throws(ZKError) {
        try await perform(.event, kinds.encoded())
    }

    /// The oldest event that is not taken yet, or the next; nil when none comes within `timeout`,
    /// or ``waker`` ends the wait.
    public func nextEvent(timeout: Duration) async throws(ZKError) -> LiveEvent? {
        let deadline = options.now() + timeout
        while events.isEmpty {
            guard let packet = try await nextPacket(until: deadline, .event, waker) else {
                return nil
            }
            if packet.command == .event {
                try await take(packet)
            } else {
                strayPackets &+= 1
            }
        }
        return events.removeFirst()
    }

    private func take(_ packet: Packet) async throws(ZKError) {
        if events.count < options.eventsMax {
            events.append(LiveEvent(packet, options.encoding))
        } else {
            eventsDropped &+= 1
        }
        try await write(Packet(.ok, session: wire.session, reply: 0), .event)
    }

    // MARK: - Packets

    func write(_ packet: Packet, _ command: Command) async throws(ZKError) {
        do {
            try await wire.send(packet, timeout: options.requestTimeout)
        } catch {
            isBroken = error.code != .cancelled
            throw translated(error, command)
        }
    }

    /// Nil at the deadline.
    private func nextPacket(
        until deadline: ContinuousClock.Instant, _ command: Command, _ waker: Waker? = nil
    ) async throws(ZKError) -> Packet? {
        do throws(WireError) {
            return try await wire.receive(until: deadline, waker: waker)
        } catch {
            switch error {
            case .transport(let error):
                if error.code == .timedOut { return nil }
                isBroken = error.code != .cancelled
                throw translated(error, command)
            case .format(let error):
                isBroken = true
                throw translated(error, command)
            case .closed:
                isBroken = true
                throw failure(
                    .closed, command,
                    "the device closed the connection; it may be serving another client")
            }
        }
    }

    // MARK: - Errors

    func failure(_ code: ZKError.Code, _ command: Command, _ cause: String) -> ZKError {
        ZKError(code, device: address.description, command: command, cause)
    }

    /// Decodes what answers `command`.
    func decoding<Value>(_ command: Command, _ decode: () throws(FormatError) -> Value)
        throws(ZKError) -> Value
    {
        do throws(FormatError) {
            return try decode()
        } catch {
            throw translated(error, command)
        }
    }

    private func translated(_ error: FormatError, _ command: Command) -> ZKError {
        switch error {
        case .encrypted: encryptedFirmware(command)
        case .frameTooLong: failure(.tooLarge, command, "\(error)")
        default: failure(.malformed, command, "\(error)")
        }
    }

    private func translated(_ error: TransportError, _ command: Command) -> ZKError {
        switch error.code {
        case .cancelled: failure(.cancelled, command, "cancelled")
        case .timedOut: failure(.timedOut, command, error.message)
        default: failure(.closed, command, error.message)
        }
    }

    func refusal(_ answer: Packet, of command: Command) -> ZKError {
        switch answer.command {
        case .unauthenticated:
            failure(.keyRequired, command, "the device asks for authentication")
        case .locked:
            failure(.locked, command, "the device is locked after too many wrong comm keys")
        case .encryptionRequired: encryptedFirmware(command)
        case .notInitialised:
            failure(
                .sessionLost, command,
                "the device knows this session no more; it may be serving another client")
        case .bulkRefused:
            failure(
                .refused, command,
                "the device refuses bulk reads; its device type may be `A&C PUSH`, not `T&A`")
        default: failure(.refused, command, "the device answered \(answer.command)")
        }
    }

    private func encryptedFirmware(_ command: Command) -> ZKError {
        failure(
            .encryptedFirmware, command,
            "the firmware speaks only the encrypted protocol: let the device push (ADMS), or "
                + "switch encryption off in its menu")
    }
}

/// Enables the device, ends the session and closes, in bounded time and without errors.
private struct Farewell: Sendable {
    var wire: Wire
    let now: @Sendable () -> ContinuousClock.Instant
    /// Whether the device still waits for a finger.
    let isCapturing: Bool

    func run() async {
        var farewell = self
        for command in (isCapturing ? [Command.cancelCapture] : []) + [.enable, .exit] {
            let request = farewell.wire.nextRequest(command)
            guard await farewell.ask(request) else { break }
        }
        wire.close()
    }

    /// False where the device is gone; it needs no farewell.
    private mutating func ask(_ request: Packet) async -> Bool {
        // A datagram may be lost, and each of the commands can be said twice.
        let tries = wire.transport == .udp ? 3 : 1
        for _ in 0..<tries {
            do throws(WireError) {
                do throws(TransportError) {
                    try await wire.send(request, timeout: .seconds(1))
                } catch {
                    throw .transport(error)
                }
                try await wait(for: request.reply, .milliseconds(1000 / tries))
                return true
            } catch {
                switch error {
                // The device may still have understood; the next command is worth its bytes.
                case .transport(let error) where error.code == .timedOut: continue
                // Nothing that comes can be understood; what is sent still can.
                case .format: return true
                case .transport, .closed: return false
                }
            }
        }
        return true
    }

    /// Waits for an answer; what a broken-off request asked for may come first.
    private mutating func wait(
        for reply: UInt16, _ patience: Duration
    ) async throws(WireError) {
        let deadline = now() + patience
        while true {
            let packet = try await wire.receive(until: deadline)
            if packet.reply == reply, packet.command.isAnswer { return }
        }
    }
}

/// Connects, gives the client to `body`, and takes leave of the device whatever happens: it is
/// enabled and its session ended, also when `body` throws or its task is cancelled.
///
/// Throws ``ZKError`` where connecting fails, and what `body` throws.
public func withZKClient<Result>(
    to address: SocketAddress, over transport: ZKTransport = .tcp, commKey: UInt32?,
    on loop: EventLoop, options: ZKClient.Options, _ body: (ZKClient) async throws -> Result
) async throws -> Result {
    let client = try await ZKClient.connect(
        to: address, over: transport, commKey: commKey, on: loop, options: options)
    do {
        let result = try await body(client)
        await client.close()
        return result
    } catch {
        await client.close()
        throw error
    }
}
