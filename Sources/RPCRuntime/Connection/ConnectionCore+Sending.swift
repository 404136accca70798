extension ConnectionCore {
    /// Begins a call; the stream's id.
    ///
    /// - Parameters:
    ///   - method: What is called.
    ///   - deadline: On the clock of `now`; `UInt64.max` for none.
    ///   - now: The time.
    ///   - attachment: Kept with the stream.
    ///   - encode: Appends the request's one message.
    mutating func call(
        _ method: MethodDescriptor, deadline: UInt64, now: UInt64, _ attachment: Attachment,
        _ encode: (inout WireWriter) -> Void
    ) throws(RPCError) -> UInt32 {
        try checkMayCall(method, deadline, now)
        let start = FrameHeader.reserve(in: &output.bytes)
        var head = CallHead()
        head.method = method.id
        if deadline != .max { head.timeoutMicroseconds = max(1, (deadline - now) / 1000) }
        head.encode(into: &output)
        let headLength = output.bytes.count - start - FrameHeader.size
        encode(&output)
        let length = output.bytes.count - start - FrameHeader.size
        try checkSize(length - headLength, from: start, "request to \(method.name)")
        let stream = nextStream
        nextStream += 2
        if deadline < deadlineBound { deadlineBound = deadline }
        var state = Stream()
        state.attachment = attachment
        state.deadline = deadline
        state.sendCredit = Int(clamping: peerHello.streamWindow)
        state.receiveCredit = options.streamWindow
        if length <= pieceLimit, length <= sendCredit, length <= state.sendCredit,
            start < Self.outputHighWater
        {
            let flags = FrameHeader.endMessage | FrameHeader.endStream
            FrameHeader(.request, stream: stream, length: length, flags: flags, head: headLength)
                .write(to: &output.bytes, at: start)
            sendCredit -= length
            state.sendCredit -= length
            streams.insert(stream, state)
        } else {
            state.backlog = takeBacklog(from: start, head: headLength, endsStream: true)
            streams.insert(stream, state)
            enqueue(stream)
            pump()
        }
        return stream
    }

    private func checkMayCall(_ method: MethodDescriptor, _ deadline: UInt64, _ now: UInt64)
        throws(RPCError)
    {
        func refused(_ code: RPCError.Code, _ why: String) -> RPCError {
            RPCError(code, "\(method.name) was not sent: \(why)", certainty: .notSent)
        }
        guard phase == .open else {
            throw refused(.unavailable, "the link to \(peerName) is not open")
        }
        guard !isPeerDraining, !isDraining else {
            let side = isPeerDraining ? peerName : "this end of the link to \(peerName)"
            throw refused(.unavailable, "\(side) is draining and takes no new calls")
        }
        guard deadline > now else {
            throw refused(.deadlineExceeded, "no time was left to call \(peerName)")
        }
        guard nextStream < 1 << 31 else {
            throw refused(.unavailable, "the link to \(peerName) has used up its stream ids")
        }
        guard streams.count - servedCount < Int(clamping: peerHello.streamsMax) else {
            throw refused(
                .resourceExhausted,
                "\(peerName) serves at most \(peerHello.streamsMax) calls at once (its option streamsMax)"
            )
        }
    }

    /// Takes a message that is over a limit out of the output again.
    private mutating func checkSize(
        _ length: Int, from start: Int, _ what: @autoclosure () -> String
    )
        throws(RPCError)
    {
        let theirs = Int(clamping: peerHello.messageBytesMax)
        let limit = min(options.messageBytesMax, theirs)
        if length <= limit { return }
        output.bytes.removeSubrange(start...)
        let side = theirs < options.messageBytesMax ? peerName : "this end"
        throw RPCError(
            .resourceExhausted,
            "the \(what()) has \(length) bytes; the limit of \(side) is \(limit) (option messageBytesMax)",
            certainty: .notSent)
    }

    private mutating func takeBacklog(from start: Int, head: Int?, endsStream: Bool) -> Backlog {
        let bytes = Array(output.bytes[(start + FrameHeader.size)...])
        output.bytes.removeSubrange(start...)
        return Backlog(bytes, head: head, endsStream: endsStream)
    }

    /// Sends a message of an answer, which `encode` appends.
    ///
    /// - Returns: Whether it has gone into the output whole. When not, the next may be sent once
    ///   the stream was among ``takeDrained()``.
    mutating func answer(
        _ stream: UInt32, isLast: Bool, _ encode: (inout WireWriter) -> Void
    ) throws(RPCError) -> Bool {
        guard phase == .open, let slot = streams.slot(of: stream), !streams[slot].isAbandoned,
            !streams[slot].isAnswered
        else { throw RPCError(.cancelled, "the caller at \(peerName) is gone") }
        precondition(streams[slot].backlog == nil, "one message at a time is sent on a stream")
        let start = FrameHeader.reserve(in: &output.bytes)
        encode(&output)
        let length = output.bytes.count - start - FrameHeader.size
        try checkSize(length, from: start, "answer")
        if length <= pieceLimit, length <= sendCredit, length <= streams[slot].sendCredit,
            start < Self.outputHighWater
        {
            let flags = FrameHeader.endMessage | (isLast ? FrameHeader.endStream : 0)
            FrameHeader(.data, stream: stream, length: length, flags: flags)
                .write(to: &output.bytes, at: start)
            sendCredit -= length
            streams[slot].sendCredit -= length
            if isLast { removeServed(stream) }
            return true
        }
        streams[slot].backlog = takeBacklog(from: start, head: nil, endsStream: isLast)
        streams[slot].isAnswered = isLast
        enqueue(stream)
        pump()
        return streams.slot(of: stream).map { streams[$0].backlog == nil } ?? true
    }

    /// Ends a served stream: with an error, or without one behind its messages.
    ///
    /// Every stream whose request was an event comes here once, unless its last message was an
    /// `answer` with `isLast`.
    mutating func finish(_ stream: UInt32, _ error: RPCError?) {
        guard let slot = streams.slot(of: stream) else { return }
        var error = error
        // "Not sent" is about an answer over a limit, or a call that the handler made itself; this
        // call has come, and its caller must not conclude that nothing was done.
        if error?.certainty == .notSent { error?.certainty = .processed }
        if streams[slot].isAbandoned || phase != .open {
            removeServed(stream)
        } else if let backlog = streams[slot].backlog {
            streams[slot].isAnswered = true
            if error == nil { backlog.endsStream = true } else { backlog.status = error }
        } else {
            control(.status, stream: stream, CallStatus(error))
            removeServed(stream)
        }
    }

    /// Gives up a call of ours; its attachment.
    mutating func cancel(_ stream: UInt32) -> Attachment? {
        guard let state = takeCall(stream) else { return nil }
        // A request that has not begun to leave is not worth a word.
        if state.backlog?.head == nil { control(.cancel, stream: stream, CallStatus()) }
        return state.attachment
    }

    /// Takes out a call of ours that has ended.
    @discardableResult
    mutating func takeCall(_ stream: UInt32) -> Stream? {
        guard let state = streams.remove(stream) else { return nil }
        reassemblyBytes -= state.assembly.count
        if state.isQueued { sendQueue.removeAll { $0 == stream } }
        return state
    }

    /// Forgets a call of ours whose last message has come.
    mutating func completeCall(slot: Int) {
        reassemblyBytes -= streams[slot].assembly.count
        streams.discard(slot: slot)
    }

    /// Forgets a served stream.
    mutating func removeServed(_ stream: UInt32) {
        guard let slot = streams.slot(of: stream) else { return }
        servedCount -= 1
        reassemblyBytes -= streams[slot].assembly.count
        streams.discard(slot: slot)
    }

    // MARK: - The backlog

    mutating func enqueue(_ stream: UInt32) {
        guard let slot = streams.slot(of: stream), !streams[slot].isQueued else { return }
        streams[slot].isQueued = true
        sendQueue.append(stream)
    }

    /// Sends pieces of the messages that wait, in turn, as far as credit and the socket allow.
    mutating func pump() {
        guard phase == .open, !sendQueue.isEmpty else { return }
        var index = 0
        while index < sendQueue.count, sendCredit > 0, output.bytes.count < Self.outputHighWater {
            let stream = sendQueue[index]
            index += 1
            let before = sendCredit
            guard sendPiece(stream) else { continue }
            sendQueue.append(stream)
            // What is left is too short for a call head: the next credit brings more.
            if sendCredit == before { break }
        }
        sendQueue.removeFirst(index)
    }

    /// Sends one piece; whether the stream stays in the queue.
    private mutating func sendPiece(_ stream: UInt32) -> Bool {
        guard let slot = streams.slot(of: stream), let backlog = streams[slot].backlog else {
            return false
        }
        let left = backlog.bytes.count - backlog.start
        let count = min(left, pieceLimit, streams[slot].sendCredit, sendCredit)
        let head = backlog.head ?? 0
        // Without stream credit it waits outside the queue. The head travels in one frame; when
        // the connection's credit is too short for it, more is on its way.
        if count < head || (count == 0 && left > 0) {
            if streams[slot].sendCredit > max(head, 0), sendCredit < max(head, 1) { return true }
            streams[slot].isQueued = false
            return false
        }
        let isEnd = count == left
        var flags: UInt8 = isEnd ? FrameHeader.endMessage : 0
        if isEnd, backlog.endsStream { flags |= FrameHeader.endStream }
        let start = FrameHeader.reserve(in: &output.bytes)
        output.bytes.append(contentsOf: backlog.bytes[backlog.start..<backlog.start + count])
        let type = backlog.head == nil ? FrameType.data : .request
        FrameHeader(type, stream: stream, length: count, flags: flags, head: head)
            .write(to: &output.bytes, at: start)
        sendCredit -= count
        streams[slot].sendCredit -= count
        backlog.start += count
        backlog.head = nil
        if isEnd { endBacklog(stream, slot, backlog) }
        return !isEnd
    }

    private mutating func endBacklog(_ stream: UInt32, _ slot: Int, _ backlog: Backlog) {
        streams[slot].backlog = nil
        streams[slot].isQueued = false
        drained.append(stream)
        guard streams[slot].isAnswered else { return }
        if let status = backlog.status {
            control(.status, stream: stream, CallStatus(status))
        }
        removeServed(stream)
    }

    // MARK: - Credit for the peer

    /// The owner has taken a message of an answer: its bytes are credited back.
    mutating func consumed(_ stream: UInt32, _ count: Int) {
        owe(count)
        if let slot = streams.slot(of: stream) { oweStream(slot, stream, count) }
    }

    mutating func oweStream(_ slot: Int, _ stream: UInt32, _ count: Int) {
        streams[slot].creditOwed += count
        let owed = streams[slot].creditOwed
        guard owed >= options.streamWindow / 4 else { return }
        streams[slot].creditOwed = 0
        streams[slot].receiveCredit += owed
        sendCreditFrame(stream, owed)
    }

    /// Gives connection credit back, in large steps.
    mutating func owe(_ count: Int) {
        creditOwed += count
        guard creditOwed >= options.connectionWindow / 4 else { return }
        receiveCredit += creditOwed
        sendCreditFrame(0, creditOwed)
        creditOwed = 0
    }

    private mutating func sendCreditFrame(_ stream: UInt32, _ count: Int) {
        let start = FrameHeader.reserve(in: &output.bytes)
        for shift in [0, 8, 16, 24] {
            output.bytes.append(UInt8(truncatingIfNeeded: count >> shift))
        }
        FrameHeader(.credit, stream: stream, length: 4).write(to: &output.bytes, at: start)
    }
}
