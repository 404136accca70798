extension ConnectionCore {
    /// Handles frames in `bytes` from `cursor` on, up to the first that is an event, and moves the
    /// cursor behind them.
    ///
    /// After ``Event/needsBytes`` the bytes from the cursor on are to be kept and given again
    /// with what follows them. Positions in events are positions in `bytes`.
    mutating func next(_ bytes: Span<UInt8>, _ cursor: inout Int, now: UInt64) -> Event {
        while true {
            if phase == .closed { cursor = bytes.count }
            guard bytes.count - cursor >= FrameHeader.size else { return .needsBytes }
            let header = FrameHeader(bytes, at: cursor)
            let limit = phase == .greeting ? 64 << 10 : options.frameBytesMax
            guard header.length <= limit else {
                return broken(
                    "a frame of \(header.length) bytes is over the limit of \(limit) (option frameBytesMax)"
                )
            }
            let start = cursor + FrameHeader.size
            guard bytes.count - start >= header.length else { return .needsBytes }
            cursor = start + header.length
            lastReceived = now
            if let event = handle(header, bytes, start..<cursor, now) { return event }
        }
    }

    /// The peer broke the protocol: nothing that it sends can be trusted any more.
    private mutating func broken(_ what: String) -> Event {
        .failed(fail(RPCError(.internal, "\(peerName) broke the protocol: \(what)")))
    }

    private mutating func handle(
        _ header: FrameHeader, _ bytes: Span<UInt8>, _ payload: Range<Int>, _ now: UInt64
    ) -> Event? {
        guard header.reserved == 0 else { return broken("a reserved byte is not 0") }
        let known = FrameType(rawValue: header.type)
        if phase == .greeting, known != .hello, known != .close {
            return broken("its first frame is not a hello")
        }
        guard let type = known else {
            return header.type & 0x80 != 0 ? nil : broken("unknown frame type \(header.type)")
        }
        guard header.head == 0 || type == .request else {
            return broken("a \(type) frame has a call head")
        }
        let flagsAllowed: UInt8 = type == .request || type == .data ? 3 : 0
        guard header.flags & ~flagsAllowed == 0 else {
            return broken("a \(type) frame has the flags \(header.flags)")
        }
        switch type {
        case .data: return handleData(header, bytes, payload)
        case .request: return handleRequest(header, bytes, payload, now)
        case .status: return handleStatus(header, bytes, payload)
        case .cancel: return handleCancel(header, bytes, payload)
        case .credit: return handleCredit(header, bytes, payload)
        case .hello, .ping, .pong, .drain, .close:
            guard header.stream == 0 else {
                return broken("a \(type) frame on stream \(header.stream)")
            }
        }
        switch type {
        case .hello: return handleHello(bytes, payload)
        case .ping: return handlePing(bytes, payload, now)
        case .pong:
            guard payload.count == 8 else { return broken("a pong without its 8 bytes") }
            pingSent = nil
            return nil
        case .drain:
            guard decode(DrainNotice.self, bytes, payload) != nil else {
                return broken("a drain that cannot be read")
            }
            isPeerDraining = true
            return .draining
        default: return handleClose(bytes, payload)
        }
    }

    private func decode<M: Message>(_: M.Type, _ bytes: Span<UInt8>, _ range: Range<Int>) -> M? {
        try? M(decoding: bytes.extracting(range))
    }

    // MARK: - The connection's frames

    private mutating func handleHello(_ bytes: Span<UInt8>, _ payload: Range<Int>) -> Event? {
        guard phase == .greeting else { return broken("a second hello") }
        guard let hello = decode(Hello.self, bytes, payload),
            hello.protocolName == Hello.protocolName
        else { return broken("its first frame is not a hello of this protocol") }
        guard hello.versionMin <= 1, hello.versionMax >= 1 else {
            let error = RPCError(
                .failedPrecondition,
                "\(peerName) speaks versions \(hello.versionMin) to \(hello.versionMax) of the protocol; this end speaks 1"
            )
            return .failed(fail(error))
        }
        guard hello.frameBytesMax >= 1024, hello.messageBytesMax >= 1,
            (1024...1 << 31).contains(hello.streamWindow),
            (1024...1 << 31).contains(hello.connectionWindow)
        else { return broken("its hello has limits that nobody can keep") }
        peerHello = hello
        pieceLimit = min(Self.quantum, Int(clamping: hello.frameBytesMax))
        sendCredit = Int(clamping: hello.connectionWindow)
        phase = .open
        return .ready
    }

    private mutating func handleClose(_ bytes: Span<UInt8>, _ payload: Range<Int>) -> Event? {
        let status = decode(CallStatus.self, bytes, payload)?.error
        phase = .closed
        return .failed(
            RPCError(
                .unavailable,
                "\(peerName) closed the link: \(status?.message ?? "no reason given")",
                certainty: .maybeProcessed))
    }

    private mutating func handlePing(_ bytes: Span<UInt8>, _ payload: Range<Int>, _ now: UInt64)
        -> Event?
    {
        guard payload.count == 8 else { return broken("a ping without its 8 bytes") }
        let floor = max(options.keepaliveFloor.nanoseconds, 1)
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

    private mutating func handleCredit(
        _ header: FrameHeader, _ bytes: Span<UInt8>, _ payload: Range<Int>
    ) -> Event? {
        guard payload.count == 4 else { return broken("a credit frame without its 4 bytes") }
        var count = 0
        for (place, index) in payload.enumerated() { count |= Int(bytes[index]) << (8 * place) }
        guard count > 0 else { return broken("a credit of 0") }
        if header.stream == 0 {
            guard sendCredit + count <= 1 << 32 else { return broken("too much credit") }
            sendCredit += count
        } else if let slot = streams.slot(of: header.stream) {
            guard streams[slot].sendCredit + count <= 1 << 32 else {
                return broken("too much credit for stream \(header.stream)")
            }
            streams[slot].sendCredit += count
            if streams[slot].backlog != nil { enqueue(header.stream) }
        } else if isFuture(header.stream) {
            return broken("credit for stream \(header.stream), which nobody has opened")
        }
        pump()
        return nil
    }

    // MARK: - Calls that we serve

    private mutating func handleRequest(
        _ header: FrameHeader, _ bytes: Span<UInt8>, _ payload: Range<Int>, _ now: UInt64
    ) -> Event? {
        let stream = header.stream
        guard !isOurs(stream), stream > lastPeerStream, stream < 1 << 31 else {
            return broken("a request on stream \(stream), which is not the peer's next")
        }
        guard header.head <= payload.count else {
            return broken("a call head that is longer than its frame")
        }
        let isComplete = header.flags & FrameHeader.endMessage != 0
        guard isComplete == (header.flags & FrameHeader.endStream != 0) else {
            return broken("a request whose message and stream do not end together")
        }
        receiveCredit -= payload.count
        guard receiveCredit >= 0 else {
            return broken("more bytes than the connection's credit (option connectionWindow)")
        }
        guard payload.count <= options.streamWindow else {
            return broken("more bytes than the stream's credit (option streamWindow)")
        }
        lastPeerStream = stream
        let body = payload.lowerBound + header.head..<payload.upperBound
        guard let head = decode(CallHead.self, bytes, payload.lowerBound..<body.lowerBound) else {
            return broken("a call head that cannot be read")
        }
        // The bytes are paid back at once: a complete message is decoded before the next frame
        // is read, and an incomplete one is bounded by the reassembly limits.
        owe(payload.count)
        if let refusal = refusal() {
            control(.status, stream: stream, CallStatus(refusal))
            return nil
        }
        var state = Stream()
        state.method = head.method
        state.deadline = deadline(head.timeoutMicroseconds, now)
        state.sendCredit = Int(clamping: peerHello.streamWindow)
        state.receiveCredit = options.streamWindow - payload.count
        state.isRunning = isComplete
        if state.deadline < deadlineBound { deadlineBound = state.deadline }
        servedCount += 1
        streams.insert(stream, state)
        if isComplete {
            return .request(
                stream: stream, method: head.method, deadline: state.deadline,
                body: .inPlace(body))
        }
        guard let slot = streams.slot(of: stream) else { return nil }
        if let why = assemblyLimit(slot, body.count) { return reject(stream, why) }
        assemble(slot, bytes, body)
        oweStream(slot, stream, payload.count)
        return nil
    }

    private func deadline(_ timeoutMicroseconds: UInt64, _ now: UInt64) -> UInt64 {
        if timeoutMicroseconds == 0 { return .max }
        let (nanoseconds, isLong) = timeoutMicroseconds.multipliedReportingOverflow(by: 1000)
        let (deadline, isFar) = now.addingReportingOverflow(nanoseconds)
        return isLong || isFar ? .max : deadline
    }

    private func refusal() -> RPCError? {
        if isDraining {
            return RPCError(
                .unavailable, "the server is draining and takes no new calls", certainty: .refused)
        }
        guard servedCount >= options.streamsMax else { return nil }
        return RPCError(
            .resourceExhausted,
            "\(options.streamsMax) calls of this link are being served (option streamsMax)",
            certainty: .refused)
    }

    private mutating func handleCancel(
        _ header: FrameHeader, _ bytes: Span<UInt8>, _ payload: Range<Int>
    ) -> Event? {
        guard !isOurs(header.stream), !isFuture(header.stream) else {
            return broken("a cancel of stream \(header.stream), which the peer has not opened")
        }
        guard decode(CallStatus.self, bytes, payload) != nil else {
            return broken("a cancel that cannot be read")
        }
        guard let slot = streams.slot(of: header.stream) else { return nil }
        return abandon(slot, header.stream)
    }

    /// Sends nothing more on a served stream; an event when its handler must hear of it.
    mutating func abandon(_ slot: Int, _ stream: UInt32) -> Event? {
        if streams[slot].isAbandoned { return nil }
        streams[slot].isAbandoned = true
        reassemblyBytes -= streams[slot].assembly.count
        streams[slot].assembly = []
        if streams[slot].backlog != nil {
            streams[slot].backlog = nil
            streams[slot].isQueued = false
            sendQueue.removeAll { $0 == stream }
            drained.append(stream)
        }
        // Nobody would finish it: its handler has not begun, or has answered all.
        if !streams[slot].isRunning || streams[slot].isAnswered {
            removeServed(stream)
            return nil
        }
        return .cancelled(stream: stream)
    }

    // MARK: - Messages

    private mutating func handleData(
        _ header: FrameHeader, _ bytes: Span<UInt8>, _ payload: Range<Int>
    ) -> Event? {
        let stream = header.stream
        let isEnd = header.flags & FrameHeader.endMessage != 0
        guard !isFuture(stream) else {
            return broken("data on stream \(stream), which nobody has opened")
        }
        guard !payload.isEmpty || isEnd else {
            return broken("a data frame without bytes and without an end")
        }
        guard header.flags != FrameHeader.endStream else {
            return broken("a stream that ends inside a message")
        }
        receiveCredit -= payload.count
        guard receiveCredit >= 0 else {
            return broken("more bytes than the connection's credit (option connectionWindow)")
        }
        // What was on its way to a stream that is gone: its bytes are paid back.
        guard let slot = streams.slot(of: stream), !streams[slot].isAbandoned else {
            owe(payload.count)
            return nil
        }
        streams[slot].receiveCredit -= payload.count
        guard streams[slot].receiveCredit >= 0 else {
            return broken("more bytes than the stream's credit (option streamWindow)")
        }
        guard isOurs(stream) || !streams[slot].isRunning else {
            return broken("data on stream \(stream) behind the end of its request")
        }
        if isEnd, streams[slot].assembly.isEmpty, isOurs(stream) {
            return .message(
                stream: stream, body: .inPlace(payload), credit: payload.count,
                isLast: header.flags & FrameHeader.endStream != 0)
        }
        if let why = assemblyLimit(slot, payload.count) {
            owe(payload.count)
            return reject(stream, why)
        }
        assemble(slot, bytes, payload)
        // Credited back at once, so that a message larger than the window can come.
        consumed(stream, payload.count)
        return isEnd ? completeAssembly(slot, stream, header) : nil
    }

    /// Why a part cannot be added to an incomplete message.
    private func assemblyLimit(_ slot: Int, _ count: Int) -> String? {
        if streams[slot].assembly.count + count > options.messageBytesMax {
            return
                "a message is over the limit of \(options.messageBytesMax) bytes (option messageBytesMax)"
        }
        if reassemblyBytes + count > options.reassemblyBytesMax {
            return
                "incomplete messages are over \(options.reassemblyBytesMax) bytes (option reassemblyBytesMax)"
        }
        return nil
    }

    private mutating func assemble(_ slot: Int, _ bytes: Span<UInt8>, _ range: Range<Int>) {
        reassemblyBytes += range.count
        streams[slot].assembly.append(bytes, range)
    }

    /// Ends one stream for an error of its own; the connection goes on.
    private mutating func reject(_ stream: UInt32, _ why: String) -> Event? {
        if isOurs(stream) {
            return .ended(
                cancel(stream), RPCError(.resourceExhausted, "the answer of \(peerName): \(why)"))
        }
        let error = RPCError(.resourceExhausted, "the request: \(why)", certainty: .refused)
        control(.status, stream: stream, CallStatus(error))
        removeServed(stream)
        return nil
    }

    private mutating func completeAssembly(_ slot: Int, _ stream: UInt32, _ header: FrameHeader)
        -> Event?
    {
        let whole = streams[slot].assembly
        streams[slot].assembly = []
        reassemblyBytes -= whole.count
        let endsStream = header.flags & FrameHeader.endStream != 0
        if isOurs(stream) {
            // Its parts were credited as they came: no more is, until the whole is taken.
            streams[slot].creditOwed -= whole.count
            creditOwed -= whole.count
            return .message(
                stream: stream, body: .assembled(whole), credit: whole.count, isLast: endsStream)
        }
        guard endsStream else {
            return broken("a request whose message and stream do not end together")
        }
        streams[slot].isRunning = true
        return .request(
            stream: stream, method: streams[slot].method, deadline: streams[slot].deadline,
            body: .assembled(whole))
    }

    private mutating func handleStatus(
        _ header: FrameHeader, _ bytes: Span<UInt8>, _ payload: Range<Int>
    ) -> Event? {
        guard isOurs(header.stream), !isFuture(header.stream) else {
            return broken("a status on stream \(header.stream), which this end has not opened")
        }
        guard let status = decode(CallStatus.self, bytes, payload) else {
            return broken("a status that cannot be read")
        }
        guard let state = takeCall(header.stream) else { return nil }
        if status.error == nil, !state.assembly.isEmpty {
            return .ended(
                state.attachment,
                RPCError(.internal, "\(peerName) ended a stream inside a message"))
        }
        return .ended(state.attachment, status.error)
    }
}
