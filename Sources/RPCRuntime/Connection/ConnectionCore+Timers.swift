extension ConnectionCore {
    /// When ``tick(_:)`` is due next.
    var nextTick: UInt64 {
        switch phase {
        case .closed: .max
        case .greeting: greetingDeadline
        case .open: min(streamsDue, keepaliveDue, partialDue, min(idleDue, oldDue))
        }
    }

    private var partialDue: UInt64 {
        partialSince.map { $0 &+ times.frame } ?? .max
    }

    private var idleDue: UInt64 {
        guard drain == .no, streams.isEmpty else { return .max }
        let (due, isNever) = lastCall.addingReportingOverflow(idleMax)
        return isNever ? .max : due
    }

    private var oldDue: UInt64 { drain == .no ? oldAt : .max }

    private var keepaliveDue: UInt64 {
        // Anything that comes is life: on a slow line the pong stands behind other bytes.
        if let pingSent { return max(pingSent, lastReceived) &+ times.ping }
        let silence = streams.isEmpty ? times.idle : times.active
        let floor = UInt64(peerHello.keepaliveMinMilliseconds) * 1_000_000
        return lastReceived &+ max(silence, floor)
    }

    /// Lets time pass: sends a due ping or heartbeat, and finds what is overdue.
    ///
    /// Call it again until it returns nil.
    mutating func tick(_ now: UInt64) -> Event? {
        self.now = now
        if fresh.stream != 0 { park() }
        switch phase {
        case .closed: return nil
        case .greeting:
            if now < greetingDeadline { return nil }
            return dead("sent no hello within \(options.connectTimeout) (option connectTimeout)")
        case .open: break
        }
        if !settling.isEmpty || now >= streamsDue, let event = settleStreams() { return event }
        if now >= partialDue {
            return dead(
                "began a frame and did not end it within \(options.frameTimeout) (option frameTimeout)"
            )
        }
        if now >= oldDue { return .old }
        if now >= idleDue { return .idle }
        if now < keepaliveDue { return nil }
        if pingSent != nil {
            return dead("did not answer a ping within \(options.pingTimeout) (option pingTimeout)")
        }
        ping()
        return nil
    }

    /// Asks for a sign of life, and measures the round trip.
    mutating func ping() {
        pingSent = now
        pingNumber += 1
        control(.ping, stream: 0, pingNumber, bytes: 8)
    }

    private mutating func dead(_ why: String) -> Event {
        end(RPCError(.unavailable, "\(peerName) \(why)", certainty: .maybeProcessed))
    }

    /// Does what is due on streams, up to the first event; nil when nothing is due any more.
    ///
    /// One round looks at each stream once, however many events that makes.
    private mutating func settleStreams() -> Event? {
        if settling.isEmpty {
            settling = streams.all
            streamsDue = .max
        }
        while let stream = settling.popLast() {
            guard let slot = streams.slot(of: stream) else { continue }
            if let event = settle(slot, stream) { return event }
        }
        return nil
    }

    private mutating func settle(_ slot: Int, _ stream: UInt32) -> Event? {
        if streams[slot].deadline <= now { return expire(slot, stream) }
        lower(due: streams[slot].deadline)
        guard let more = streams[slot].more else { return nil }
        if let backlog = more.backlog {
            let end = backlog.movedAt &+ times.stall
            if end <= now { return stall(slot, stream) }
            lower(due: end)
        }
        guard more.heartbeat > 0, !streams[slot].flags.contains(.abandoned) else { return nil }
        if isOurs(stream) {
            let end = streams[slot].lastHeard &+ 3 &* more.heartbeat
            if end <= now { return silent(stream, more) }
            lower(due: end)
        } else {
            // A message that waits for credit is no news; its parts are.
            if more.backlog == nil, more.lastSent &+ more.heartbeat <= now {
                let start = FrameHeader.reserve(in: &output.bytes)
                FrameHeader(.heartbeat, stream: stream, length: 0)
                    .write(to: &output.bytes, at: start)
                more.lastSent = now
            }
            let last = more.backlog == nil ? more.lastSent : now
            lower(due: last &+ more.heartbeat)
        }
        return nil
    }

    private mutating func expire(_ slot: Int, _ stream: UInt32) -> Event? {
        if isOurs(stream) {
            let error = RPCError(
                .deadlineExceeded, "\(peerName) did not answer in time",
                certainty: hasBegunToLeave(streams[slot]) ? .maybeProcessed : .notSent)
            detail.attachment = cancel(stream)
            detail.error = error
            return .ended
        }
        streams[slot].deadline = .max
        if streams[slot].flags.contains(.abandoned) { return nil }
        let isRunning = streams[slot].flags.contains(.running)
        let error = RPCError(
            .deadlineExceeded,
            isRunning
                ? "the call's time was over at the server"
                : "the call's time was over before its request had come",
            certainty: isRunning ? .maybeProcessed : .refused)
        control(.status, stream: stream, CallStatus(error))
        return abandon(slot, stream)
    }

    /// A message that the peer gives no credit for.
    private mutating func stall(_ slot: Int, _ stream: UInt32) -> Event? {
        let why =
            "\(peerName) took nothing of a message for \(options.stallTimeout) (option stallTimeout)"
        if isOurs(stream) {
            let certainty: RPCError.Certainty =
                hasBegunToLeave(streams[slot]) ? .maybeProcessed : .notSent
            detail.attachment = cancel(stream)
            detail.error = RPCError(.unavailable, why, certainty: certainty)
            return .ended
        }
        control(
            .status, stream: stream,
            CallStatus(RPCError(.unavailable, why, certainty: .maybeProcessed)))
        return abandon(slot, stream)
    }

    /// An open-ended call of which nothing is heard.
    private mutating func silent(_ stream: UInt32, _ more: More) -> Event? {
        let silence = Duration.nanoseconds(Int64(clamping: 3 &* more.heartbeat))
        detail.attachment = cancel(stream)
        detail.error = RPCError(
            .unavailable, "nothing was heard of the call from \(peerName) for \(silence)",
            certainty: .maybeProcessed)
        return .ended
    }
}
