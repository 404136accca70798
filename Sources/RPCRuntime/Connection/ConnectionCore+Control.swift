extension ConnectionCore {
    mutating func handleConnectionFrame(
        _ type: FrameType, _ bytes: Span<UInt8>, _ payload: Range<Int>
    ) -> Event? {
        switch type {
        case .hello: return handleHello(bytes, payload)
        case .ping: return handlePing(bytes, payload)
        case .pong:
            return handlePong(bytes, payload)
        case .drain:
            guard let notice = decode(DrainNotice.self, bytes, payload) else {
                return broken("a drain that cannot be read")
            }
            peerLastStream = min(peerLastStream, notice.lastStream)
            if isPeerDraining { return charge(1, "one more drain") }
            isPeerDraining = true
            return .draining
        case .limits:
            guard let notice = decode(LimitsNotice.self, bytes, payload) else {
                return broken("limits that cannot be read")
            }
            peerHello.streamsMax = notice.streamsMax
            return charge(10, "a change of limits") ?? .limitsChanged
        default: return handleClose(bytes, payload)
        }
    }

    private mutating func handleHello(_ bytes: Span<UInt8>, _ payload: Range<Int>) -> Event? {
        guard phase == .greeting else { return broken("a second hello") }
        guard let hello = decode(Hello.self, bytes, payload),
            hello.protocolName == Hello.protocolName
        else { return broken("its first frame is not a hello of this protocol") }
        guard hello.versionMin <= 1, hello.versionMax >= 1 else {
            return end(
                RPCError(
                    .failedPrecondition,
                    "\(peerName) speaks versions \(hello.versionMin) to \(hello.versionMax) of the protocol; this end speaks 1"
                ))
        }
        guard hello.frameBytesMax >= UInt64(CallStatus.bytesMax), hello.messageBytesMax >= 1,
            (1024...1 << 31).contains(hello.streamWindow),
            (1024...1 << 31).contains(hello.connectionWindow)
        else { return broken("its hello has limits that nobody can keep") }
        peerHello = hello
        frameLimit = min(Self.pumpHighWater, Int(clamping: hello.frameBytesMax))
        pieceLimit = min(Self.quantum, frameLimit)
        sendCredit = Int(clamping: hello.connectionWindow)
        peerStreamWindow = Int(clamping: hello.streamWindow)
        messageLimit = min(options.messageBytesMax, Int(clamping: hello.messageBytesMax))
        phase = .open
        lastCall = now
        return .ready
    }

    private mutating func handleClose(_ bytes: Span<UInt8>, _ payload: Range<Int>) -> Event? {
        let status = decode(CallStatus.self, bytes, payload)?.error
        phase = .closed
        detail.error = RPCError(
            .unavailable,
            "\(peerName) closed the link: \(status?.message ?? "no reason given")",
            certainty: .maybeProcessed)
        return .failed
    }

    private mutating func handlePong(_ bytes: Span<UInt8>, _ payload: Range<Int>) -> Event? {
        guard payload.count == 8 else { return broken("a pong without its 8 bytes") }
        var number: UInt64 = 0
        for (place, index) in payload.enumerated() {
            number |= UInt64(bytes[index]) << UInt64(8 * place)
        }
        if number == drainPing { refuseCalls(drainReason) }
        guard let sent = pingSent, number == pingNumber else {
            return number < pingNumber ? nil : charge(1, "a pong that answers nothing")
        }
        roundTrip = now &- sent
        shortestRoundTrip = min(shortestRoundTrip ?? .max, now &- sent)
        pingSent = nil
        return nil
    }

    private mutating func handlePing(_ bytes: Span<UInt8>, _ payload: Range<Int>) -> Event? {
        guard payload.count == 8 else { return broken("a ping without its 8 bytes") }
        let floor = times.floor
        let earned = now > pingTokensAt ? (now - pingTokensAt) / floor : 0
        if earned > 0 {
            pingTokens = min(options.pingBurst, pingTokens + Int(clamping: min(earned, 1 << 20)))
            pingTokensAt = now
        }
        pingTokens -= 1
        guard pingTokens >= 0 else {
            return broken(
                "it pings more often than every \(options.keepaliveFloor) (option keepaliveFloor)")
        }
        let start = FrameHeader.reserve(in: &output.bytes)
        for index in payload { output.bytes.append(bytes[index]) }
        FrameHeader(.pong, stream: 0, length: 8).write(to: &output.bytes, at: start)
        return nil
    }

    mutating func handleCredit(
        _ header: FrameHeader, _ bytes: Span<UInt8>, _ payload: Range<Int>
    ) -> Event? {
        guard payload.count == 4 else { return broken("a credit frame without its 4 bytes") }
        var count = 0
        for (place, index) in payload.enumerated() { count |= Int(bytes[index]) << (8 * place) }
        guard count > 0 else { return broken("a credit of 0") }
        if header.stream == 0 {
            guard sendCredit + count <= 1 << 32 else { return broken("too much credit") }
            sendCredit += count
        } else if let slot = slot(of: header.stream) {
            guard streams[slot].sendCredit + count <= 1 << 32 else {
                return broken("too much credit for stream \(header.stream)")
            }
            streams[slot].sendCredit += count
            if backlog(slot) != nil { enqueue(header.stream) }
        } else if isFuture(header.stream) {
            return broken("credit for stream \(header.stream), which nobody has opened")
        }
        return count < 256 ? charge(1, "credit in tiny steps") : nil
    }

    // MARK: - Credit for the peer

    /// A reader has taken a message of a stream: its bytes are credited back.
    mutating func consumed(_ stream: UInt32, _ count: Int) {
        // Those of a stream that has ended were given back at its end.
        guard let slot = slot(of: stream) else { return }
        let held = min(count, streams[slot].unread)
        streams[slot].unread -= held
        read(held)
        oweStream(slot, stream, count)
    }

    /// A message of a stream goes to its reader, who takes it now or, with `isHeld`, later: then
    /// its bytes' credit comes with ``consumed(_:_:)``.
    mutating func note(_ body: Body, _ slot: Int, _ stream: UInt32, isHeld: Bool) {
        guard isHeld else {
            if !body.isAssembled { owe(body.credit) }
            return oweStream(slot, stream, body.credit)
        }
        streams[slot].unread += body.credit
        unread += body.credit
        if unread <= options.unreadBytesMax {
            if !body.isAssembled { owe(body.credit) }
            return
        }
        withheld += body.credit
        // Its parts were credited as they came: as much of what comes is not, for a while.
        if body.isAssembled { window.hold(body.credit) }
    }

    /// Bytes have been read: what the connection held back for them goes out.
    mutating func read(_ count: Int) {
        unread -= count
        let given = min(withheld, count)
        if given > 0 {
            withheld -= given
            owe(given)
        }
    }

    mutating func oweStream(_ slot: Int, _ stream: UInt32, _ count: Int) {
        // A peer that has said all needs no more credit.
        if count == 0
            || !streams[slot].flags.isDisjoint(
                with: isOurs(stream) ? .abandoned : [.abandoned, .requestEnded])
        {
            return
        }
        let limit =
            unread > options.unreadBytesMax / 2 ? 0 : max(options.streamWindowMax, 0)
        guard more(slot).window.read(count) else { return }
        let credit = more(slot).window.credit(now, growth: growthTime, max: limit)
        streams[slot].receiveCredit += credit
        control(.credit, stream: stream, UInt64(credit), bytes: 4)
        measureRoundTrip()
    }

    /// In how short a time a window must have been read to grow: when it took no longer than a
    /// round trip, and what the credit is gathered for, the peer waited for it.
    ///
    /// A larger window would only be waited for by what comes behind it.
    private var growthTime: UInt64 {
        guard let shortest = shortestRoundTrip else { return 0 }
        return min(times.growth, shortest &+ shortest / 2 &+ 100_000)
    }

    /// Measures a round trip now and then while much comes.
    private mutating func measureRoundTrip() {
        let floor = UInt64(peerHello.keepaliveMinMilliseconds) * 1_000_000
        guard phase == .open, pingSent == nil,
            measuredAt == 0 || now &- measuredAt >= max(times.active, floor)
        else { return }
        measuredAt = max(now, 1)
        ping()
    }

    /// Gives connection credit back, in large steps.
    @inline(__always)
    mutating func owe(_ count: Int) {
        if window.read(count) { giveCredit() }
    }

    private mutating func giveCredit() {
        let credit = window.credit(now, growth: growthTime, max: options.connectionWindowMax)
        receiveCredit += credit
        control(.credit, stream: 0, UInt64(credit), bytes: 4)
        measureRoundTrip()
    }
}
