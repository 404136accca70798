extension ConnectionCore {
    /// When ``tick(_:)`` is due next.
    var nextTick: UInt64 {
        switch phase {
        case .closed: .max
        case .greeting: greetingDeadline
        case .open: min(deadlineBound, keepaliveDue)
        }
    }

    private var keepaliveDue: UInt64 {
        // Anything that comes is life: on a slow line the pong stands behind other bytes.
        if let pingSent { return max(pingSent, lastReceived) &+ options.pingTimeout.nanoseconds }
        let silence = streams.isEmpty ? options.keepaliveIdle : options.keepaliveActive
        let floor = UInt64(peerHello.keepaliveMinMilliseconds) * 1_000_000
        return lastReceived &+ max(silence.nanoseconds, floor)
    }

    /// Lets time pass: sends a due ping, and finds what is overdue.
    ///
    /// Call it again until it returns nil.
    mutating func tick(_ now: UInt64) -> Event? {
        switch phase {
        case .closed: return nil
        case .greeting:
            if now < greetingDeadline { return nil }
            return dead("sent no hello within \(options.connectTimeout) (option connectTimeout)")
        case .open: break
        }
        if now >= deadlineBound, let event = expire(now) { return event }
        if now < keepaliveDue { return nil }
        if pingSent != nil {
            return dead("did not answer a ping within \(options.pingTimeout) (option pingTimeout)")
        }
        pingSent = now
        let start = FrameHeader.reserve(in: &output.bytes)
        output.bytes.append(contentsOf: repeatElement(0, count: 8))
        FrameHeader(.ping, stream: 0, length: 8).write(to: &output.bytes, at: start)
        return nil
    }

    private mutating func dead(_ why: String) -> Event {
        .failed(fail(RPCError(.unavailable, "\(peerName) \(why)", certainty: .maybeProcessed)))
    }

    /// Ends one stream whose time is over, or finds when the next one's is.
    private mutating func expire(_ now: UInt64) -> Event? {
        var bound = UInt64.max
        for stream in streams.all {
            guard let slot = streams.slot(of: stream) else { continue }
            let deadline = streams[slot].deadline
            if deadline > now {
                bound = min(bound, deadline)
            } else if let event = expire(slot, stream) {
                return event
            }
        }
        deadlineBound = bound
        return nil
    }

    private mutating func expire(_ slot: Int, _ stream: UInt32) -> Event? {
        if isOurs(stream) {
            let wasSent = streams[slot].backlog?.head == nil
            let error = RPCError(
                .deadlineExceeded, "\(peerName) did not answer in time",
                certainty: wasSent ? .maybeProcessed : .notSent)
            return .ended(cancel(stream), error)
        }
        streams[slot].deadline = .max
        if streams[slot].isAbandoned { return nil }
        let error = RPCError(
            .deadlineExceeded, "the call's time was over at the server", certainty: .maybeProcessed)
        control(.status, stream: stream, CallStatus(error))
        return abandon(slot, stream)
    }
}
