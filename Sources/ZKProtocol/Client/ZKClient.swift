public import Transport

/// A connection to one device.
///
/// One request runs at a time, and one task uses the client: it is not `Sendable`. Events may
/// arrive at any moment; each is acknowledged at once and waits in a queue for
/// ``nextEvent(timeout:)``. Reading does not disable the device. Use
/// ``withZKClient(to:commKey:on:options:_:)``, which
/// takes leave of the device whatever happens.
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
        /// How often a slice is asked for before the read fails.
        public var sliceAttempts = 3
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

    private init(_ stream: ByteStream, _ address: SocketAddress, _ options: Options) {
        self.address = address
        self.options = options
        wire = Wire(stream: stream)
    }

    /// Connects and, where the device asks for it, proves the comm key.
    public static func connect(
        to address: SocketAddress, commKey: UInt32?, on loop: EventLoop, options: Options
    ) async throws(ZKError) -> ZKClient {
        let stream: ByteStream
        do {
            stream = try await ByteStream.connect(
                to: address, on: loop, timeout: options.connectTimeout)
        } catch {
            throw ZKError(
                error.code == .cancelled ? .cancelled : .unreachable,
                device: address.description, command: nil, error.message)
        }
        let client = ZKClient(stream, address, options)
        do throws(ZKError) {
            try await client.login(commKey)
        } catch {
            stream.close()
            throw error
        }
        return client
    }

    private func login(_ commKey: UInt32?) async throws(ZKError) {
        let greeting = try await request(.connect)
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
        wire.reader.bytesMax = Frame.bytesMax
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
        guard !isBroken else {
            throw failure(.closed, command, "the connection has failed before")
        }
        let packet = wire.nextRequest(command, data)
        try await write(packet, command)
        return packet.reply
    }

    /// The next packet of the answer; events and strays that come before it are put aside.
    func answer(to reply: UInt16, _ command: Command) async throws(ZKError) -> Packet {
        let deadline = options.now() + options.requestTimeout
        while true {
            guard let packet = try await nextPacket(until: deadline, command) else {
                throw failure(
                    .timedOut, command, "no answer within \(options.requestTimeout)")
            }
            if packet.command == .event {
                try await take(packet)
            } else if packet.reply == reply {
                return packet
            } else {
                strayPackets &+= 1
            }
        }
    }

    // MARK: - Events

    /// Asks for events of `kinds`; none with an empty set.
    public func listen(to kinds: EventKind) async throws(ZKError) {
        try await perform(.event, kinds.encoded())
    }

    /// The oldest event that is not taken yet, or the next; nil when none comes within `timeout`.
    public func nextEvent(timeout: Duration) async throws(ZKError) -> LiveEvent? {
        let deadline = options.now() + timeout
        while events.isEmpty {
            guard let packet = try await nextPacket(until: deadline, .event) else { return nil }
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

    // MARK: - The stream

    private func write(_ packet: Packet, _ command: Command) async throws(ZKError) {
        do {
            try await wire.stream.write(packet.frame(), timeout: options.requestTimeout)
        } catch {
            isBroken = error.code != .cancelled
            throw translated(error, command)
        }
    }

    /// Nil at the deadline.
    private func nextPacket(until deadline: ContinuousClock.Instant, _ command: Command)
        async throws(ZKError) -> Packet?
    {
        while true {
            do throws(FormatError) {
                if let packet = try wire.reader.next() { return packet }
            } catch {
                isBroken = true
                throw translated(error, command)
            }
            let remaining = options.now().duration(to: deadline)
            guard remaining > .zero else { return nil }
            let bytes: [UInt8]
            do throws(TransportError) {
                bytes = try await wire.stream.read(atMost: 1 << 20, timeout: remaining)
            } catch {
                if error.code == .timedOut { return nil }
                isBroken = error.code != .cancelled
                throw translated(error, command)
            }
            guard !bytes.isEmpty else {
                isBroken = true
                throw failure(
                    .closed, command,
                    "the device closed the connection; it may be serving another client")
            }
            wire.reader.append(bytes)
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

/// What is needed to speak: the stream, what has arrived of the next packet, and two numbers.
struct Wire: Sendable {
    let stream: ByteStream
    var reader = FrameReader()
    var session: UInt16 = 0
    private var reply: UInt16 = 0

    init(stream: ByteStream) { self.stream = stream }

    /// The first request has number 0, which events also have; it never comes again.
    mutating func nextRequest(_ command: Command, _ data: [UInt8] = []) -> Packet {
        defer { reply = reply == 65_534 ? 1 : reply + 1 }
        return Packet(command, session: session, reply: reply, data: data)
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
            do throws(TransportError) {
                try await wire.stream.write(request.frame(), timeout: .seconds(1))
                try await farewell.wait(for: request.reply)
            } catch  where error.code == .timedOut {
                // The device may still have understood; the next command is worth its bytes.
                continue
            } catch {
                // A device that is gone needs no farewell.
                break
            }
        }
        wire.stream.close()
    }

    /// Waits for an answer at most a second; what a broken-off request asked for may come first.
    private mutating func wait(for reply: UInt16) async throws(TransportError) {
        let deadline = now() + .seconds(1)
        while true {
            do throws(FormatError) {
                while let packet = try wire.reader.next() {
                    if packet.reply == reply, packet.command != .event { return }
                }
            } catch {
                // Nothing that comes can be understood; what is sent still can.
                return
            }
            let remaining = now().duration(to: deadline)
            guard remaining > .zero else { return }
            let bytes = try await wire.stream.read(timeout: remaining)
            guard !bytes.isEmpty else {
                throw TransportError(.closed, "the device closed the connection")
            }
            wire.reader.append(bytes)
        }
    }
}

/// Connects, gives the client to `body`, and takes leave of the device whatever happens: it is
/// enabled and its session ended, also when `body` throws or its task is cancelled.
///
/// Throws ``ZKError`` where connecting fails, and what `body` throws.
public func withZKClient<Result>(
    to address: SocketAddress, commKey: UInt32?, on loop: EventLoop, options: ZKClient.Options,
    _ body: (ZKClient) async throws -> Result
) async throws -> Result {
    let client = try await ZKClient.connect(
        to: address, commKey: commKey, on: loop, options: options)
    do {
        let result = try await body(client)
        await client.close()
        return result
    } catch {
        await client.close()
        throw error
    }
}
