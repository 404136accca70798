extension ConnectionCore {
    mutating func handleRequest(
        _ header: FrameHeader, _ bytes: Span<UInt8>, _ payload: Range<Int>
    ) -> Event? {
        let stream = header.stream
        guard !isOurs(stream), stream > lastPeerStream, stream < 1 << 31 else {
            return broken("a request on stream \(stream), which is not the peer's next")
        }
        guard header.head <= payload.count else {
            return broken("a head that is longer than its frame")
        }
        receiveCredit -= payload.count
        guard receiveCredit >= 0 else {
            return broken("more bytes than the connection's credit (option connectionWindow)")
        }
        guard payload.count <= options.streamWindow else {
            return broken("more bytes than the stream's credit (option streamWindow)")
        }
        let body = payload.lowerBound + header.head..<payload.upperBound
        let endsMessage = header.flags & FrameHeader.endMessage != 0
        let endsStream = header.flags & FrameHeader.endStream != 0
        guard !endsStream || endsMessage || body.isEmpty else {
            return broken("a stream that ends inside a message")
        }
        let isCompressed = header.flags & FrameHeader.compressed != 0
        guard !isCompressed || options.takesCompressed else {
            return broken(
                "a compressed message, which this end's hello does not take (option takesCompressed)"
            )
        }
        lastPeerStream = stream
        guard let head = decode(CallHead.self, bytes, payload.lowerBound..<body.lowerBound) else {
            return broken("a call head that cannot be read")
        }
        // The bytes are paid back at once: a complete message is decoded before the next frame
        // is read, and an incomplete one is bounded by the reassembly limits.
        owe(payload.count)
        if mayRefuse(head), let refusal = refusal(head) {
            control(.status, stream: stream, CallStatus(refusal))
            return charge(1, "a call that was refused")
        }
        let hasMetadata = !head.metadata.isEmpty
        if hasMetadata { detail.metadata = head.metadata }
        fresh = Fresh(
            stream: stream, method: head.method, deadline: deadline(head.timeoutMicroseconds),
            heartbeat: Self.heartbeat(head.heartbeatMilliseconds))
        if endsMessage, endsStream {
            return .request(
                Request(
                    stream: stream, method: head.method, deadline: fresh.deadline,
                    body: Body(range: body, isCompressed: isCompressed), isLast: true,
                    hasMetadata: hasMetadata))
        }
        return begin(
            stream, bytes, payload, body, isCompressed: isCompressed, endsMessage: endsMessage,
            endsStream: endsStream, hasMetadata ? head.metadata : nil)
    }

    /// Handles the frame at `cursor` if it is a whole request of `method` with nothing beside it; nil,
    /// having moved nowhere, when ``next(_:_:now:)`` must look at it.
    ///
    /// Nearly all requests are the like of the one before, for a fraction of what an event costs.
    ///
    /// - Returns: Where its message is; ``fresh`` says the rest.
    @inline(__always)
    mutating func nextRequest(
        of method: UInt32, _ bytes: Span<UInt8>, _ cursor: inout Int, now: UInt64
    ) -> Range<Int>? {
        guard phase == .open, fresh.stream == 0, bytes.count - cursor >= FrameHeader.size
        else { return nil }
        let header = FrameHeader(bytes, at: cursor)
        let start = cursor + FrameHeader.size
        guard header.type == FrameType.request.rawValue,
            header.flags == FrameHeader.endMessage | FrameHeader.endStream, header.reserved == 0,
            header.length <= min(bytes.count - start, options.frameBytesMax),
            header.length <= min(receiveCredit, options.streamWindow),
            header.head <= header.length, !isOurs(header.stream),
            header.stream > lastPeerStream, header.stream < 1 << 31, !isFull,
            let timeout = CallHead.timeout(of: method, bytes, start..<start + header.head)
        else { return nil }
        self.now = now
        lastReceived = now
        cursor = start + header.length
        receiveCredit -= header.length
        lastPeerStream = header.stream
        owe(header.length)
        fresh.stream = header.stream
        fresh.method = method
        fresh.deadline = deadline(timeout)
        fresh.heartbeat = 0
        return start + header.head..<cursor
    }

    /// How often a caller hears of its call, in nanoseconds: a caller's wish costs its server no
    /// more than ten frames a second.
    private static func heartbeat(_ milliseconds: UInt32) -> UInt64 {
        milliseconds == 0 ? 0 : max(UInt64(milliseconds) * 1_000_000, heartbeatFloor)
    }

    static var heartbeatFloor: UInt64 { 100_000_000 }

    /// A request whose first frame is not all of it.
    private mutating func begin(
        _ stream: UInt32, _ bytes: Span<UInt8>, _ payload: Range<Int>, _ body: Range<Int>,
        isCompressed: Bool, endsMessage: Bool, endsStream: Bool, _ metadata: Metadata?
    ) -> Event? {
        let (method, deadline) = (fresh.method, fresh.deadline)
        park()
        guard let slot = streams.slot(of: stream) else { return nil }
        streams[slot].flags.subtract([.running, .requestEnded])
        if endsStream { streams[slot].flags.insert(.requestEnded) }
        streams[slot].receiveCredit -= payload.count
        oweStream(slot, stream, payload.count)
        let isStreaming = streamingMethods.contains(method)
        var request = Request(
            stream: stream, method: method, deadline: deadline, body: nil, isLast: endsStream,
            hasMetadata: metadata != nil)
        if isStreaming {
            streams[slot].flags.formUnion([.running, .streamsRequest])
            if endsMessage {
                request.body = Body(range: body, isCompressed: isCompressed)
                return .request(request)
            }
        } else {
            // Said again when the request is whole.
            if let metadata { more(slot).head = metadata }
            if endsStream { return endRequest(slot, stream) }
        }
        if endsMessage || !body.isEmpty {
            let more = more(slot)
            if !endsMessage { streams[slot].flags.insert(.assembling) }
            more.isCompressed = isCompressed
            if let why = assemblyLimit(more, body.count) {
                _ = account.charge(20, now)
                return reject(slot, stream, .resourceExhausted, why)
            }
            account.assemble(body.count)
            more.assembly.append(bytes, body)
            if endsMessage { streams[slot].flags.insert(.hasMessage) }
        }
        return isStreaming ? .request(request) : nil
    }

    /// The peer sends nothing more on a stream that it called.
    mutating func endRequest(_ slot: Int, _ stream: UInt32) -> Event? {
        streams[slot].flags.insert(.requestEnded)
        if streams[slot].flags.contains(.streamsRequest) { return .requestEnded(stream: stream) }
        guard streams[slot].flags.contains(.hasMessage), let more = streams[slot].more else {
            return reject(slot, stream, .unimplemented, "it has no message")
        }
        streams[slot].flags.insert(.running)
        detail.assembled = takeAssembly(more)
        let metadata = more.head
        more.head = nil
        if let metadata { detail.metadata = metadata }
        return .request(
            Request(
                stream: stream, method: streams[slot].method, deadline: streams[slot].deadline,
                body: Body(
                    range: 0..<detail.assembled.count, isAssembled: true,
                    isCompressed: more.isCompressed),
                isLast: true, hasMetadata: metadata != nil))
    }

    @inline(__always)
    private func deadline(_ timeoutMicroseconds: UInt64) -> UInt64 {
        if timeoutMicroseconds == 0 { return .max }
        let (nanoseconds, isLong) = timeoutMicroseconds.multipliedReportingOverflow(by: 1000)
        let (deadline, isFar) = now.addingReportingOverflow(nanoseconds)
        return isLong || isFar ? .max : deadline
    }

    /// Whether ``refusal(_:)`` may have anything to say: cheap, as it is asked for every call.
    @inline(__always)
    private func mayRefuse(_ head: borrowing CallHead) -> Bool {
        isFull || !head.metadata.isEmpty
    }

    /// Whether no more calls are taken now.
    @inline(__always)
    private var isFull: Bool {
        drain == .refusing || servedCount >= servedMax
            || account.servedCount >= options.peerStreamsMax
            || backlogBytes > options.backlogBytesMax
    }

    private func refusal(_ head: CallHead) -> RPCError? {
        func refused(_ code: RPCError.Code, _ why: String) -> RPCError {
            RPCError(code, why, certainty: .refused)
        }
        if drain == .refusing {
            return refused(.unavailable, "the server is draining and takes no new calls")
        }
        if servedCount >= servedMax {
            return refused(
                .resourceExhausted,
                "\(servedMax) calls of this link are being served (option streamsMax)")
        }
        if account.servedCount >= options.peerStreamsMax {
            return refused(
                .resourceExhausted,
                "\(options.peerStreamsMax) calls of \(peerName) are being served (option peerStreamsMax)"
            )
        }
        if backlogBytes > options.backlogBytesMax {
            return refused(
                .resourceExhausted,
                "answers of \(backlogBytes) bytes wait for \(peerName) (option backlogBytesMax)")
        }
        if let flaw = head.metadata.isEmpty
            ? nil : head.metadata.flaw(limit: options.metadataBytesMax)
        {
            return refused(.resourceExhausted, "the call's metadata \(flaw)")
        }
        return nil
    }

    mutating func handleCancel(
        _ header: FrameHeader, _ bytes: Span<UInt8>, _ payload: Range<Int>
    ) -> Event? {
        guard !isOurs(header.stream), !isFuture(header.stream) else {
            return broken("a cancel of stream \(header.stream), which the peer has not opened")
        }
        guard decode(CallStatus.self, bytes, payload) != nil else {
            return broken("a cancel that cannot be read")
        }
        // Not for a call that has ended meanwhile, nor for one whose time is over.
        guard let slot = streams.slot(of: header.stream),
            !streams[slot].flags.contains(.abandoned)
        else { return nil }
        if streams[slot].deadline > now, let end = charge(1, "the cancelling of calls") {
            return end
        }
        return abandon(slot, header.stream)
    }

    /// Sends nothing more on a served stream; an event when its handler must hear of it.
    mutating func abandon(_ slot: Int, _ stream: UInt32) -> Event? {
        if streams[slot].flags.contains(.abandoned) { return nil }
        streams[slot].flags.insert(.abandoned)
        release(slot, stream)
        // Nobody would finish it: its handler has not begun, or has answered all.
        if streams[slot].flags.isDisjoint(with: .running)
            || streams[slot].flags.contains(.answered)
        {
            removeServed(stream)
            return nil
        }
        return .cancelled(stream: stream)
    }

    /// Ends a served stream with a status while its handler still runs: it is to be cancelled.
    mutating func endServed(_ stream: UInt32, _ error: RPCError) -> Event? {
        guard let slot = slot(of: stream), !streams[slot].flags.contains(.abandoned) else {
            return nil
        }
        var told = error
        // Its request has not come whole, and nothing has been done with it.
        if !streams[slot].flags.contains(.running) { told.certainty = .refused }
        control(.status, stream: stream, CallStatus(told))
        return abandon(slot, stream)
    }
}
