extension ConnectionCore {
    /// What a caller says of a call beside its message.
    struct CallTerms {
        /// On the clock of `now`; `UInt64.max` for none.
        var deadline = UInt64.max
        /// How often the caller wants to hear of an open-ended call, in nanoseconds; 0 for never.
        var heartbeat: UInt64 = 0
        var metadata: Metadata?
        var isCompressed = false
        /// Whether it is for one answer that its caller takes as it comes.
        var isForOneAnswer = false
        /// Whether the request is a stream, of which nothing is sent yet.
        var streamsRequest = false
    }

    /// Begins a call; the stream's id.
    ///
    /// - Parameters:
    ///   - method: What is called.
    ///   - terms: Deadline, metadata and so on.
    ///   - now: The time.
    ///   - attachment: Kept with the stream.
    ///   - encode: Appends the request's one message, or nothing for a stream of them.
    mutating func call(
        _ method: MethodDescriptor, _ terms: CallTerms, now: UInt64, _ attachment: Attachment,
        _ encode: (inout WireWriter) -> Void
    ) throws(RPCError) -> UInt32 {
        self.now = now
        if !mayCall(terms, now), let refusal = refusal(method, terms, now) { throw refusal }
        let start = output.bytes.count
        writeHead(method, terms, now)
        let headLength = output.bytes.count - start - FrameHeader.size
        if terms.metadata != nil { try checkHead(headLength, from: start, method) }
        encode(&output)
        let length = output.bytes.count - start - FrameHeader.size + output.apartCount
        if length - headLength > messageLimit {
            try checkSize(length - headLength, from: start, "request to \(method.name)")
        }
        let stream = nextStream
        nextStream += 2
        lower(due: terms.deadline)
        let hasMessage = !terms.streamsRequest
        var streamFlags: StreamFlags = terms.isForOneAnswer ? .awaitsAnswer : []
        if terms.deadline == .max { streamFlags.insert(.openEnded) }
        if hasMessage { streamFlags.insert(.requestEnded) }
        let credit = peerStreamWindow
        let leaves =
            unsentHeads == 0 && mayLeave(length, start) && length <= sendCredit
            && length <= credit
        // The closure takes numbers only: to hold anything else it would be counted.
        let (id, due, window) = (method.id, terms.deadline, options.streamWindow)
        let slot = streams.insert(stream) { slot in
            slot.set(
                method: id, deadline: due, sendCredit: leaves ? credit &- length : credit,
                receiveCredit: window, flags: streamFlags, now: now)
        }
        streams[slot].attachment = attachment
        if leaves {
            let flags = Self.flags(
                endsMessage: hasMessage, endsStream: hasMessage, terms.isCompressed)
            FrameHeader(.request, stream: stream, length: length, flags: flags, head: headLength)
                .write(to: &output.bytes, at: start)
            sendCredit -= length
        } else {
            let backlog = takeBacklog(
                from: start, head: headLength, isRequest: true, isCompressed: terms.isCompressed,
                hasMessage: hasMessage, endsStream: hasMessage)
            // Streams begin in the order of their numbers: the next call must not go ahead.
            unsentHeads += 1
            wait(stream, backlog)
            sendHeads()
        }
        if terms.heartbeat > 0 { expectHeartbeats(stream, terms.heartbeat) }
        return stream
    }

    /// Appends room for the frame's header, and the call's head.
    private mutating func writeHead(_ method: MethodDescriptor, _ terms: CallTerms, _ now: UInt64) {
        let timeout = terms.deadline == .max ? 0 : max(1, (terms.deadline - now) / 1000)
        let heartbeat = terms.heartbeat > 0 ? max(1, terms.heartbeat / 1_000_000) : 0
        if terms.metadata == nil {
            lastHead.append(
                method: method.id, timeoutMicroseconds: timeout,
                heartbeatMilliseconds: UInt32(clamping: heartbeat), to: &output.bytes)
            return
        }
        _ = FrameHeader.reserve(in: &output.bytes)
        var head = CallHead()
        head.method = method.id
        head.timeoutMicroseconds = timeout
        head.heartbeatMilliseconds = UInt32(clamping: heartbeat)
        if let metadata = terms.metadata { head.metadata = metadata }
        head.encode(into: &output)
    }

    /// Takes a message out of the output again.
    private mutating func forget(from start: Int) {
        output.bytes.removeSubrange(start...)
        (output.apart, output.apartCount) = ([], 0)
    }

    private mutating func expectHeartbeats(_ stream: UInt32, _ interval: UInt64) {
        guard let slot = streams.slot(of: stream) else { return }
        more(slot).heartbeat = interval
        lower(due: now &+ 3 * interval)
    }

    private static func flags(endsMessage: Bool, endsStream: Bool, _ isCompressed: Bool) -> UInt8 {
        (endsMessage ? FrameHeader.endMessage : 0) | (endsStream ? FrameHeader.endStream : 0)
            | (isCompressed ? FrameHeader.compressed : 0)
    }

    /// Whether a frame that begins at `start` may go out whole now: small ones always, larger ones
    /// when no other message waits for its turn.
    private func mayLeave(_ length: Int, _ start: Int) -> Bool {
        start < Self.outputHighWater
            && (length <= pieceLimit || (length <= frameLimit && sendQueue.isEmpty))
    }

    /// Whether a call may be begun now: cheap, as it is asked for every call.
    @inline(__always)
    private func mayCall(_ terms: borrowing CallTerms, _ now: UInt64) -> Bool {
        phase == .open && !isPeerDraining && drain == .no && terms.deadline > now
            && nextStream < 1 << 31 && hasRoomForCall && terms.metadata == nil
    }

    /// Why no call may be begun now, if it may not; what a full peer refuses may be tried later.
    private func refusal(_ method: MethodDescriptor, _ terms: CallTerms, _ now: UInt64)
        -> RPCError?
    {
        func refused(_ code: RPCError.Code, _ why: String) -> RPCError {
            RPCError(code, "\(method.name) was not sent: \(why)", certainty: .notSent)
        }
        guard phase == .open else {
            return refused(.unavailable, "the link to \(peerName) is not open")
        }
        guard !isPeerDraining, drain == .no else {
            let side = isPeerDraining ? peerName : "this end of the link to \(peerName)"
            return refused(.unavailable, "\(side) is draining and takes no new calls")
        }
        guard terms.deadline > now else {
            return refused(.deadlineExceeded, "no time was left to call \(peerName)")
        }
        guard nextStream < 1 << 31 else {
            return refused(.unavailable, "the link to \(peerName) has used up its stream ids")
        }
        guard hasRoomForCall else {
            return refused(
                .resourceExhausted,
                "\(peerName) serves at most \(peerHello.streamsMax) calls at once (its option streamsMax)"
            )
        }
        if let metadata = terms.metadata,
            let flaw = metadata.flaw(limit: Int(clamping: peerHello.metadataBytesMax))
        {
            return refused(.resourceExhausted, "the call's metadata \(flaw) at \(peerName)")
        }
        return nil
    }

    /// Whether the peer serves one more call now.
    var hasRoomForCall: Bool {
        streams.count - servedCount < Int(clamping: peerHello.streamsMax)
    }

    /// Takes a call head that would never leave out of the output again: it travels in one frame,
    /// whose header counts it in 16 bits.
    private mutating func checkHead(_ length: Int, from start: Int, _ method: MethodDescriptor)
        throws(RPCError)
    {
        let limit = headBytesMax
        if length <= limit { return }
        output.bytes.removeSubrange(start...)
        throw RPCError(
            .resourceExhausted,
            "\(method.name) was not sent: its head has \(length) bytes; \(peerName) takes \(limit) (its frames and windows)",
            certainty: .notSent)
    }

    /// The longest head that a frame to the peer has room for, and its windows have credit for.
    private var headBytesMax: Int {
        let window = min(peerHello.streamWindow, peerHello.connectionWindow)
        return min(Int(UInt16.max), frameLimit, Int(clamping: window))
    }

    /// Takes a message that is over a limit out of the output again.
    private mutating func checkSize(
        _ length: Int, from start: Int, _ what: @autoclosure () -> String,
        _ certainty: RPCError.Certainty = .notSent
    ) throws(RPCError) {
        if length <= messageLimit { return }
        forget(from: start)
        let (limit, theirs) = (messageLimit, Int(clamping: peerHello.messageBytesMax))
        let side = theirs < options.messageBytesMax ? peerName : "this end"
        throw RPCError(
            .resourceExhausted,
            "the \(what()) has \(length) bytes; the limit of \(side) is \(limit) (option messageBytesMax)",
            certainty: certainty)
    }

    private mutating func takeBacklog(
        from start: Int, head: Int?, isRequest: Bool, isCompressed: Bool, hasMessage: Bool = true,
        endsStream: Bool
    ) -> Backlog {
        // The shorter of the message and what stands before it is copied.
        let isLong = output.bytes.count - start > start
        var bytes = Array(isLong ? output.bytes[..<start] : output.bytes[start...])
        if isLong { swap(&bytes, &output.bytes) } else { output.bytes.removeSubrange(start...) }
        let origin = isLong ? 0 : start
        let rest = BacklogBytes(
            bytes, from: start - origin + FrameHeader.size, apart: output.apart, origin)
        (output.apart, output.apartCount) = ([], 0)
        return Backlog(
            rest, head: head, isRequest: isRequest, isCompressed: isCompressed,
            hasMessage: hasMessage, endsStream: endsStream, now: now)
    }

    private mutating func wait(_ stream: UInt32, _ backlog: Backlog) {
        guard let slot = streams.slot(of: stream) else { return }
        more(slot).backlog = backlog
        backlogBytes += backlog.left
        lower(due: now &+ times.stall)
        enqueue(stream)
    }

    /// Sends a message on an open stream: of an answer, or of a stream of requests.
    mutating func send(
        _ stream: UInt32, endsStream: Bool, isCompressed: Bool = false,
        _ encode: (inout WireWriter) -> Void
    ) throws(RPCError) -> Sent {
        let start = FrameHeader.reserve(in: &output.bytes)
        if stream == fresh.stream, stream != 0 {
            encode(&output)
            let length = output.bytes.count - start - FrameHeader.size + output.apartCount
            try checkSize(length, from: start, "answer")
            if endsStream, mayLeave(length, start), length <= sendCredit,
                length <= peerStreamWindow
            {
                let flags = Self.flags(endsMessage: true, endsStream: true, isCompressed)
                FrameHeader(.data, stream: stream, length: length, flags: flags)
                    .write(to: &output.bytes, at: start)
                sendCredit -= length
                fresh.stream = 0
                lastCall = now
                return .whole
            }
            park()
            guard let slot = streams.slot(of: stream) else { return .whole }
            return sendGeneral(slot, stream, start, nil, endsStream, isCompressed)
        }
        guard phase == .open, let slot = streams.slot(of: stream), maySend(slot, stream) else {
            output.bytes.removeSubrange(start...)
            throw RPCError(
                .cancelled, "the call is over at \(peerName)", certainty: .maybeProcessed)
        }
        let head = writeHead(slot)
        encode(&output)
        let length = output.bytes.count - start - FrameHeader.size + output.apartCount
        let (what, certainty): (String, RPCError.Certainty) =
            isOurs(stream) ? ("request", .maybeProcessed) : ("answer", .processed)
        // The message stays here, but the call is under way.
        try checkSize(length - (head ?? 0), from: start, what, certainty)
        if head != nil { streams[slot].flags.insert(.hasHead) }
        return sendGeneral(slot, stream, start, head, endsStream, isCompressed)
    }

    /// What became of a message given to `send`.
    enum Sent {
        /// It has gone into the output whole.
        case whole
        /// It waits: the next may be sent once the stream was among ``takeDrained()``.
        case waits
    }

    @inline(__always)
    private func maySend(_ slot: Int, _ stream: UInt32) -> Bool {
        precondition(backlog(slot) == nil, "one message at a time is sent on a stream")
        let over: StreamFlags = isOurs(stream) ? .requestEnded : [.abandoned, .answered]
        return streams[slot].flags.isDisjoint(with: over)
    }

    /// Appends the answer's head, if one waits; its length.
    private mutating func writeHead(_ slot: Int) -> Int? {
        guard let more = streams[slot].more, let metadata = more.head,
            !streams[slot].flags.contains(.hasHead)
        else { return nil }
        let before = output.bytes.count
        AnswerHead(metadata: metadata).encode(into: &output)
        return output.bytes.count - before
    }

    /// Sends what stands in the output behind `start`, or keeps it until it may leave.
    private mutating func sendGeneral(
        _ slot: Int, _ stream: UInt32, _ start: Int, _ head: Int?, _ endsStream: Bool,
        _ isCompressed: Bool
    ) -> Sent {
        let length = output.bytes.count - start - FrameHeader.size + output.apartCount
        let ours = isOurs(stream)
        if ours, endsStream { streams[slot].flags.insert(.requestEnded) }
        if mayLeave(length, start), length <= sendCredit, length <= streams[slot].sendCredit {
            let flags = Self.flags(endsMessage: true, endsStream: endsStream, isCompressed)
            FrameHeader(.data, stream: stream, length: length, flags: flags, head: head ?? 0)
                .write(to: &output.bytes, at: start)
            sendCredit -= length
            streams[slot].sendCredit -= length
            streams[slot].more?.lastSent = now
            if endsStream, !ours { removeServed(stream) }
            return .whole
        }
        let backlog = takeBacklog(
            from: start, head: head, isRequest: false, isCompressed: isCompressed,
            endsStream: endsStream)
        if endsStream, !ours { streams[slot].flags.insert(.answered) }
        wait(stream, backlog)
        guard let slot = streams.slot(of: stream) else { return .whole }
        return self.backlog(slot) == nil ? .whole : .waits
    }

    /// Sets the metadata that goes out before the first message of an answer.
    mutating func setHead(_ stream: UInt32, _ metadata: Metadata) throws(RPCError) {
        guard let slot = slot(of: stream), !isOurs(stream),
            !streams[slot].flags.contains(.hasHead)
        else {
            throw RPCError(.failedPrecondition, "the answer's head has been sent")
        }
        let limit = min(Int(clamping: peerHello.metadataBytesMax), headBytesMax)
        if let flaw = metadata.flaw(limit: limit) {
            throw RPCError(.resourceExhausted, "the answer's metadata \(flaw) at \(peerName)")
        }
        more(slot).head = metadata
    }

    /// Sets the metadata that goes out with the end of an answer.
    mutating func setTrailers(_ stream: UInt32, _ metadata: Metadata) throws(RPCError) {
        guard let slot = slot(of: stream), !isOurs(stream) else {
            throw RPCError(.cancelled, "the call is over at \(peerName)")
        }
        let limit = min(Int(clamping: peerHello.metadataBytesMax), CallStatus.trailerBytesMax)
        if let flaw = metadata.flaw(limit: limit) {
            throw RPCError(.resourceExhausted, "the answer's trailers: it \(flaw) at \(peerName)")
        }
        more(slot).trailers = metadata
    }

    /// Whether messages sent on a stream are compressed from now on.
    mutating func setCompression(_ stream: UInt32, _ isOn: Bool) {
        guard let slot = slot(of: stream) else { return }
        if isOn, peerHello.compressions.contains(Hello.zlib) {
            streams[slot].flags.insert(.compressed)
        } else {
            streams[slot].flags.remove(.compressed)
        }
    }

    /// Whether messages sent on a stream are compressed.
    func isCompressed(_ stream: UInt32) -> Bool {
        guard let slot = streams.slot(of: stream) else { return false }
        return streams[slot].flags.contains(.compressed)
    }

    /// Whether an answer must be followed by a status, for its trailers.
    func hasTrailers(_ stream: UInt32) -> Bool {
        guard let slot = streams.slot(of: stream) else { return false }
        return streams[slot].more?.trailers != nil
    }

    /// Sends the answer's head ahead of its first message.
    mutating func sendHead(_ stream: UInt32) {
        guard phase == .open, let slot = slot(of: stream), maySend(slot, stream),
            streams[slot].more?.head != nil, !streams[slot].flags.contains(.hasHead)
        else { return }
        let start = FrameHeader.reserve(in: &output.bytes)
        let length = writeHead(slot) ?? 0
        guard length <= sendCredit, length <= streams[slot].sendCredit, length <= frameLimit else {
            // It goes with the first message.
            output.bytes.removeSubrange(start...)
            return
        }
        streams[slot].flags.insert(.hasHead)
        FrameHeader(.data, stream: stream, length: length, head: length)
            .write(to: &output.bytes, at: start)
        sendCredit -= length
        streams[slot].sendCredit -= length
    }

    /// Says that no further message of a stream of requests comes.
    mutating func endRequest(_ stream: UInt32) {
        guard phase == .open, let slot = streams.slot(of: stream), isOurs(stream),
            !streams[slot].flags.contains(.requestEnded)
        else { return }
        streams[slot].flags.insert(.requestEnded)
        if let backlog = backlog(slot) {
            // The head alone must not be joined with the end of a message.
            backlog.endsStream = true
            return
        }
        let start = FrameHeader.reserve(in: &output.bytes)
        FrameHeader(.data, stream: stream, length: 0, flags: FrameHeader.endStream)
            .write(to: &output.bytes, at: start)
    }

    /// Ends a served stream: with an error, or without one behind its messages.
    ///
    /// Every stream whose request was an event comes here once, unless its last message was sent
    /// with `endsStream`.
    mutating func finish(_ stream: UInt32, _ error: RPCError?) {
        var error = error
        // "Not sent" is about an answer over a limit, or a call that the handler made itself; this
        // call has come, and its caller must not conclude that nothing was done.
        if error?.certainty == .notSent { error?.certainty = .processed }
        if stream == fresh.stream, stream != 0, phase == .open {
            fresh.stream = 0
            lastCall = now
            control(.status, stream: stream, CallStatus(error))
            return
        }
        guard let slot = slot(of: stream) else { return }
        if streams[slot].flags.contains(.abandoned) || phase != .open {
            removeServed(stream)
            return
        }
        let status = CallStatus(error, trailers: streams[slot].more?.trailers ?? Metadata())
        if let backlog = backlog(slot) {
            streams[slot].flags.insert(.answered)
            backlog.status = status
        } else {
            if error == nil { sendHead(stream) }
            control(.status, stream: stream, status)
            removeServed(stream)
        }
    }

    /// Gives up a call of ours; who made it.
    mutating func cancel(_ stream: UInt32) -> Attachment? {
        guard let slot = streams.slot(of: stream) else { return nil }
        // A request that has not begun to leave is not worth a word.
        if hasBegunToLeave(streams[slot]) {
            control(.cancel, stream: stream, CallStatus())
        }
        return takeCall(stream)
    }

    /// Whether any of a call's request has left.
    func hasBegunToLeave(_ stream: Stream) -> Bool {
        guard let backlog = stream.more?.backlog, backlog.isRequest else { return true }
        return backlog.head == nil
    }

    /// What the peer may have done of a call of ours that ends now.
    func certainty(of stream: UInt32) -> RPCError.Certainty {
        guard let slot = streams.slot(of: stream) else { return .maybeProcessed }
        return hasBegunToLeave(streams[slot]) ? .maybeProcessed : .notSent
    }

    // MARK: - The backlog

    /// Sends the beginning of requests that wait, so that others may be begun behind them.
    private mutating func sendHeads() {
        while unsentHeads > 0, output.bytes.count < Self.outputHighWater,
            let index = sendQueue.firstIndex(where: { unsentHead($0) != nil }),
            let head = unsentHead(sendQueue[index]), head <= sendCredit
        {
            let stream = sendQueue.remove(at: index)
            if sendPiece(stream) { sendQueue.append(stream) }
        }
    }

    /// The length of the head of a request of which nothing has left.
    private func unsentHead(_ stream: UInt32) -> Int? {
        guard let slot = streams.slot(of: stream), let backlog = backlog(slot), backlog.isRequest
        else { return nil }
        return backlog.head
    }

    mutating func enqueue(_ stream: UInt32) {
        guard let slot = streams.slot(of: stream), !streams[slot].flags.contains(.queued) else {
            return
        }
        streams[slot].flags.insert(.queued)
        sendQueue.append(stream)
    }

    /// Sends pieces of the messages that wait, in turn, as far as credit and the socket allow.
    mutating func pump() {
        guard phase == .open, !sendQueue.isEmpty else { return }
        var index = 0
        while index < sendQueue.count, sendCredit > 0, output.bytes.count < Self.pumpHighWater {
            let stream = sendQueue[index]
            let before = sendCredit
            let hasMore = sendPiece(stream)
            // What is left is too short for a call head: the next credit brings more. It keeps its
            // place, as requests begin in the order of their streams.
            if hasMore, sendCredit == before { break }
            index += 1
            if hasMore { sendQueue.append(stream) }
        }
        sendQueue.removeFirst(min(index, sendQueue.count))
    }

    /// Sends one piece; whether the stream stays in the queue.
    private mutating func sendPiece(_ stream: UInt32) -> Bool {
        guard let slot = streams.slot(of: stream), let backlog = backlog(slot) else {
            return false
        }
        let left = backlog.left
        // Alone in the queue, it need not be cut for the sake of others.
        let limit = sendQueue.last == stream && sendQueue.first == stream ? frameLimit : pieceLimit
        let head = backlog.head ?? 0
        let count = min(left, max(limit, head), streams[slot].sendCredit, sendCredit)
        // Without stream credit it waits outside the queue. The head travels in one frame; when
        // the connection's credit is too short for it, more is on its way.
        if count < head || (count == 0 && left > 0) {
            let least = max(head, 1)
            if streams[slot].sendCredit >= least, sendCredit < least { return true }
            streams[slot].flags.remove(.queued)
            return false
        }
        let isEnd = count == left
        var flags: UInt8 = isEnd && backlog.hasMessage ? FrameHeader.endMessage : 0
        if isEnd, backlog.endsStream, backlog.status == nil { flags |= FrameHeader.endStream }
        if backlog.isCompressed, !backlog.hasBegun { flags |= FrameHeader.compressed }
        let start = FrameHeader.reserve(in: &output.bytes)
        backlog.rest.move(count, to: &output.bytes)
        let type =
            backlog.isRequest && !backlog.hasBegun ? FrameType.request : .data
        FrameHeader(type, stream: stream, length: count, flags: flags, head: head)
            .write(to: &output.bytes, at: start)
        sendCredit -= count
        backlogBytes -= count
        streams[slot].sendCredit -= count
        streams[slot].more?.lastSent = now
        backlog.hasBegun = true
        if backlog.isRequest, backlog.head != nil { unsentHeads -= 1 }
        backlog.head = nil
        backlog.movedAt = now
        if isEnd { endBacklog(stream, slot, backlog) }
        return !isEnd
    }

    private mutating func endBacklog(_ stream: UInt32, _ slot: Int, _ backlog: Backlog) {
        streams[slot].more?.backlog = nil
        streams[slot].flags.remove(.queued)
        drained.append(stream)
        guard streams[slot].flags.contains(.answered) else { return }
        if let status = backlog.status {
            control(.status, stream: stream, status)
        }
        removeServed(stream)
    }
}
