extension ConnectionCore {
    /// Handles frames in `bytes` from `cursor` on, up to the first that is an event, and moves the
    /// cursor behind them.
    ///
    /// After ``Event/needsBytes`` the bytes from the cursor on are to be kept and given again
    /// with what follows them. Positions in events are positions in `bytes`.
    mutating func next(_ bytes: Span<UInt8>, _ cursor: inout Int, now: UInt64) -> Event {
        self.now = now
        if fresh.stream != 0 { park() }
        while true {
            if phase == .closed { cursor = bytes.count }
            let left = bytes.count - cursor
            guard left >= FrameHeader.size else {
                notePartial(left)
                return .needsBytes
            }
            let header = FrameHeader(bytes, at: cursor)
            let limit = phase == .greeting ? Self.hellosBytesMax : options.frameBytesMax
            guard header.length <= limit else {
                return broken(
                    "a frame of \(header.length) bytes is over the limit of \(limit) (option frameBytesMax)"
                )
            }
            let start = cursor + FrameHeader.size
            guard bytes.count - start >= header.length else {
                notePartial(left)
                return .needsBytes
            }
            cursor = start + header.length
            lastReceived = now
            if let event = handle(header, bytes, start..<cursor) { return event }
        }
    }

    /// A call of ours that has ended with its one answer, and where that is.
    struct Answer {
        var call: Attachment
        var stream: UInt32
        var range: Range<Int>
    }

    /// Handles the frame at `cursor` if it is the one answer of a call, whole and without anything
    /// beside; nil, having moved nowhere, when ``next(_:_:now:)`` must look at it.
    ///
    /// Nearly all calls end here, for a fraction of what an event costs.
    @inline(__always)
    mutating func nextAnswer(_ bytes: Span<UInt8>, _ cursor: inout Int, now: UInt64) -> Answer? {
        guard phase == .open, fresh.stream == 0, bytes.count - cursor >= FrameHeader.size
        else { return nil }
        let header = FrameHeader(bytes, at: cursor)
        let start = cursor + FrameHeader.size
        guard header.type == FrameType.data.rawValue,
            header.flags == FrameHeader.endMessage | FrameHeader.endStream,
            header.head == 0, header.reserved == 0,
            header.length <= min(bytes.count - start, options.frameBytesMax, receiveCredit),
            let slot = streams.slot(of: header.stream),
            streams[slot].flags.contains(.awaitsAnswer),
            !streams[slot].flags.contains(.assembling),
            header.length <= streams[slot].receiveCredit
        else { return nil }
        self.now = now
        lastReceived = now
        cursor = start + header.length
        receiveCredit -= header.length
        let call = completeCall(slot, header.stream)
        owe(header.length)
        return call.map { Answer(call: $0, stream: header.stream, range: start..<cursor) }
    }

    private mutating func notePartial(_ left: Int) {
        if left == 0 { partialSince = nil } else if partialSince == nil { partialSince = now }
        // What is left behind complete frames is a new frame's beginning.
        if left > 0, let since = partialSince, lastReceived == now, since < now {
            partialSince = now
        }
    }

    /// The peer broke the protocol: nothing that it sends can be trusted any more.
    mutating func broken(_ what: String) -> Event {
        _ = account.charge(100, now)
        return end(RPCError(.internal, "\(peerName) broke the protocol: \(what)"))
    }

    /// Ends the connection, with an event that says why.
    mutating func end(_ error: RPCError) -> Event {
        fail(error)
        detail.error = error
        return .failed
    }

    /// Charges the peer for what costs only this end.
    ///
    /// - Returns: The connection's end, when the peer has had too much of it.
    mutating func charge(_ points: Int, _ what: @autoclosure () -> String) -> Event? {
        if account.charge(points, now) { return nil }
        return end(
            RPCError(
                .resourceExhausted,
                "\(peerName) did too much of what costs only its peer, last \(what()) (options abusePoints and abusePointsPerSecond)"
            ))
    }

    @inline(__always)
    private mutating func handle(
        _ header: FrameHeader, _ bytes: Span<UInt8>, _ payload: Range<Int>
    ) -> Event? {
        guard header.reserved == 0 else { return broken("a reserved byte is not 0") }
        let known = FrameType(rawValue: header.type)
        if phase == .greeting, known != .hello, known != .close {
            return broken("its first frame is not a hello")
        }
        guard let type = known else {
            guard header.type & 0x80 != 0 else {
                return broken("unknown frame type \(header.type)")
            }
            return charge(1, "a frame of the unknown type \(header.type)")
        }
        guard header.head == 0 || type == .request || type == .data else {
            return broken("a \(type) frame has a head")
        }
        let flagsAllowed: UInt8 = type == .request || type == .data ? 7 : 0
        guard header.flags & ~flagsAllowed == 0 else {
            return broken("a \(type) frame has the flags \(header.flags)")
        }
        switch type {
        case .data: return handleData(header, bytes, payload)
        case .request: return handleRequest(header, bytes, payload)
        case .status: return handleStatus(header, bytes, payload)
        case .cancel: return handleCancel(header, bytes, payload)
        case .credit: return handleCredit(header, bytes, payload)
        case .heartbeat: return handleHeartbeat(header, payload)
        case .hello, .ping, .pong, .drain, .close, .limits:
            guard header.stream == 0 else {
                return broken("a \(type) frame on stream \(header.stream)")
            }
            return handleConnectionFrame(type, bytes, payload)
        }
    }

    func decode<M: Message>(_: M.Type, _ bytes: Span<UInt8>, _ range: Range<Int>) -> M? {
        try? M(decoding: bytes.extracting(range))
    }

    // MARK: - Messages

    private mutating func handleData(
        _ header: FrameHeader, _ bytes: Span<UInt8>, _ payload: Range<Int>
    ) -> Event? {
        let stream = header.stream
        let endsMessage = header.flags & FrameHeader.endMessage != 0
        let endsStream = header.flags & FrameHeader.endStream != 0
        guard !isFuture(stream) else {
            return broken("data on stream \(stream), which nobody has opened")
        }
        guard header.head <= payload.count else {
            return broken("a head that is longer than its frame")
        }
        receiveCredit -= payload.count
        guard receiveCredit >= 0 else {
            return broken("more bytes than the connection's credit (option connectionWindow)")
        }
        // What was on its way to a stream that is gone: its bytes are paid back.
        guard let slot = streams.slot(of: stream),
            !streams[slot].flags.contains(.abandoned)
        else {
            owe(payload.count)
            return charge(1, "data on stream \(stream), which is gone")
        }
        streams[slot].receiveCredit -= payload.count
        guard streams[slot].receiveCredit >= 0 else {
            return broken("more bytes than the stream's credit (option streamWindow)")
        }
        let body = payload.lowerBound + header.head..<payload.upperBound
        guard isOurs(stream) || !streams[slot].flags.contains(.requestEnded) else {
            return broken("data on stream \(stream) behind the end of its request")
        }
        streams[slot].lastHeard = now
        if header.head > 0 {
            if let failure = readHead(slot, stream, bytes, payload.lowerBound..<body.lowerBound) {
                return failure
            }
        }
        let isAssembling = streams[slot].flags.contains(.assembling)
        guard !body.isEmpty || endsMessage || header.head > 0 || (endsStream && !isAssembling)
        else { return broken("a data frame without bytes and without an end") }
        guard !endsStream || endsMessage || (body.isEmpty && !isAssembling) else {
            return broken("a stream that ends inside a message")
        }
        if header.flags & FrameHeader.compressed != 0, let why = compressionBreach(slot) {
            return broken(why)
        }
        if endsMessage, !isAssembling, isOurs(stream) {
            streams[slot].flags.insert(.hasMessage)
            return .message(
                stream: stream,
                Body(
                    range: body, isCompressed: header.flags & FrameHeader.compressed != 0,
                    credit: payload.count),
                isLast: endsStream, hasHead: header.head > 0)
        }
        return handlePart(
            slot, stream, header, bytes, body,
            headLength: header.head, endsMessage: endsMessage, endsStream: endsStream)
    }

    /// Why a frame must not be marked as compressed.
    private func compressionBreach(_ slot: Int) -> String? {
        guard options.takesCompressed else {
            return
                "a compressed message, which this end's hello does not take (option takesCompressed)"
        }
        return streams[slot].flags.contains(.assembling)
            ? "a compressed part of a message that began otherwise" : nil
    }

    /// A frame that is not a whole message of an answer.
    private mutating func handlePart(
        _ slot: Int, _ stream: UInt32, _ header: FrameHeader, _ bytes: Span<UInt8>,
        _ body: Range<Int>, headLength: Int, endsMessage: Bool, endsStream: Bool
    ) -> Event? {
        let ours = isOurs(stream)
        let isCompressed = header.flags & FrameHeader.compressed != 0
        guard endsMessage || !body.isEmpty else {
            // A head alone, or the end of the stream alone.
            owe(headLength)
            oweStream(slot, stream, headLength)
            if ours {
                if endsStream { return endCall(stream, nil) }
                return .head(stream: stream)
            }
            return endRequest(slot, stream)
        }
        let streamsRequest = streams[slot].flags.contains(.streamsRequest)
        if !ours, endsMessage, !streams[slot].flags.contains(.assembling), streamsRequest {
            if endsStream { streams[slot].flags.insert(.requestEnded) }
            return .message(
                stream: stream,
                Body(range: body, isCompressed: isCompressed, credit: body.count),
                isLast: endsStream, hasHead: false)
        }
        if !ours, !streamsRequest, streams[slot].flags.contains(.hasMessage) {
            return reject(
                slot, stream, .unimplemented, "the request has more than one message")
        }
        let more = self.more(slot)
        if !streams[slot].flags.contains(.assembling) {
            streams[slot].flags.insert(.assembling)
            more.isCompressed = isCompressed
        }
        if let why = assemblyLimit(more, body.count) {
            owe(body.count + headLength)
            _ = account.charge(20, now)
            return reject(slot, stream, .resourceExhausted, why)
        }
        if !endsMessage, body.count < 256, body.count < streams[slot].receiveCredit,
            let end = charge(1, "a message in tiny parts")
        {
            return end
        }
        account.assemble(body.count)
        more.assembly.append(bytes, body)
        // Credited back at once, so that a message larger than the window can come.
        owe(body.count + headLength)
        oweStream(slot, stream, body.count + headLength)
        guard endsMessage else { return headLength > 0 && ours ? .head(stream: stream) : nil }
        return completeAssembly(stream, more, endsStream: endsStream, hasHead: headLength > 0)
    }

    /// Why a part cannot be added to an incomplete message.
    func assemblyLimit(_ more: More, _ count: Int) -> String? {
        if more.assembly.count + count > options.messageBytesMax {
            return
                "a message is over the limit of \(options.messageBytesMax) bytes (option messageBytesMax)"
        }
        if account.reassemblyBytes + count > options.reassemblyBytesMax {
            return
                "incomplete messages are over \(options.reassemblyBytesMax) bytes (option reassemblyBytesMax)"
        }
        return nil
    }

    /// Ends one stream for an error of its own; the connection goes on.
    mutating func reject(_ slot: Int, _ stream: UInt32, _ code: RPCError.Code, _ why: String)
        -> Event?
    {
        if isOurs(stream) {
            control(.cancel, stream: stream, CallStatus())
            return endCall(stream, RPCError(code, "the answer of \(peerName): \(why)"))
        }
        let isRunning = streams[slot].flags.contains(.running)
        let error = RPCError(
            code, "the request: \(why)", certainty: isRunning ? .maybeProcessed : .refused)
        control(.status, stream: stream, CallStatus(error))
        return charge(1, "a call that was refused") ?? abandon(slot, stream)
    }

    /// The event of a call of ours that has ended.
    mutating func endCall(_ stream: UInt32, _ error: RPCError?) -> Event? {
        detail.attachment = takeCall(stream)
        detail.error = error
        return .ended
    }

    mutating func completeAssembly(
        _ stream: UInt32, _ more: More, endsStream: Bool, hasHead: Bool
    ) -> Event? {
        guard let slot = streams.slot(of: stream) else { return nil }
        let isOurs = isOurs(stream)
        streams[slot].flags.insert(.hasMessage)
        if !isOurs, !streams[slot].flags.contains(.streamsRequest) {
            // The one message of a request may stand before the end of its stream.
            streams[slot].flags.remove(.assembling)
            return endsStream ? endRequest(slot, stream) : nil
        }
        streams[slot].flags.remove(.assembling)
        let whole = takeAssembly(more)
        // Its parts were credited as they came: no more is, until the whole is taken.
        more.window.hold(whole.count)
        detail.assembled = whole
        let body = Body(
            range: 0..<whole.count, isAssembled: true, isCompressed: more.isCompressed,
            credit: whole.count)
        if !isOurs, endsStream { streams[slot].flags.insert(.requestEnded) }
        return .message(stream: stream, body, isLast: endsStream, hasHead: hasHead)
    }

    func takeAssembly(_ more: More) -> Assembly {
        let whole = more.assembly
        dropAssembly(more)
        return whole
    }

    // MARK: - Ends

    private mutating func handleStatus(
        _ header: FrameHeader, _ bytes: Span<UInt8>, _ payload: Range<Int>
    ) -> Event? {
        let stream = header.stream
        guard isOurs(stream), !isFuture(stream) else {
            return broken("a status on stream \(stream), which this end has not opened")
        }
        guard let status = decode(CallStatus.self, bytes, payload) else {
            return broken("a status that cannot be read")
        }
        guard let slot = streams.slot(of: stream) else { return nil }
        let isInside = streams[slot].flags.contains(.assembling)
        detail.metadata = status.metadata
        guard let error = status.error else {
            return endCall(
                stream,
                isInside
                    ? RPCError(.internal, "\(peerName) ended a stream inside a message") : nil)
        }
        return endCall(stream, error)
    }

    private mutating func readHead(
        _ slot: Int, _ stream: UInt32, _ bytes: Span<UInt8>, _ range: Range<Int>
    ) -> Event? {
        guard isOurs(stream), streams[slot].flags.isDisjoint(with: [.hasHead, .hasMessage]),
            !streams[slot].flags.contains(.assembling)
        else { return broken("a head that does not begin an answer") }
        guard let head = decode(AnswerHead.self, bytes, range),
            head.metadata.flaw(limit: options.metadataBytesMax) == nil
        else { return broken("an answer's head that cannot be read (option metadataBytesMax)") }
        streams[slot].flags.insert(.hasHead)
        detail.metadata = head.metadata
        return nil
    }

    private mutating func handleHeartbeat(_ header: FrameHeader, _ payload: Range<Int>) -> Event? {
        guard isOurs(header.stream), !isFuture(header.stream), payload.isEmpty else {
            return broken("a heartbeat on stream \(header.stream)")
        }
        if let slot = streams.slot(of: header.stream) {
            streams[slot].lastHeard = now
        }
        return nil
    }
}
