extension ConnectionCore {
    /// What is so of a stream.
    struct StreamFlags: OptionSet {
        let rawValue: UInt16

        /// It waits in the send queue.
        static var queued: Self { Self(rawValue: 1) }
        /// Served: its handler has been asked for, and will `finish` it.
        static var running: Self { Self(rawValue: 2) }
        /// Served: nothing more is sent on it.
        static var abandoned: Self { Self(rawValue: 4) }
        /// Served: everything has been given to send.
        static var answered: Self { Self(rawValue: 8) }
        /// The caller has said that the request is whole.
        static var requestEnded: Self { Self(rawValue: 16) }
        /// The method takes a stream of messages.
        static var streamsRequest: Self { Self(rawValue: 32) }
        /// A message of the answer has come; of a served call, one of the request is whole.
        static var hasMessage: Self { Self(rawValue: 64) }
        /// The answer's head has come, or gone out.
        static var hasHead: Self { Self(rawValue: 128) }
        /// It has no deadline.
        static var openEnded: Self { Self(rawValue: 512) }
        /// Its messages to the peer are compressed.
        static var compressed: Self { Self(rawValue: 1024) }
        /// Parts of an incoming message have come, which may be empty, and not its end.
        static var assembling: Self { Self(rawValue: 4096) }
        /// A call of ours for one answer, of which nothing has come.
        static var awaitsAnswer: Self { Self(rawValue: 2048) }
    }

    struct Stream {
        var attachment: Attachment?
        /// What few streams need.
        var more: More?
        /// When its time is over, on the clock of `now`; `UInt64.max` for never.
        var deadline = UInt64.max
        /// Payload bytes that may still be sent on it.
        var sendCredit = 0
        /// Payload bytes that the peer may still send on it.
        var receiveCredit = 0
        /// When a frame of it came last.
        var lastHeard: UInt64 = 0
        /// Bytes of messages that its reader has not taken.
        var unread = 0
        var method: UInt32 = 0
        var flags: StreamFlags = []

        /// Makes a slot of the table a new stream's.
        @inline(__always)
        mutating func set(
            method: UInt32, deadline: UInt64, sendCredit: Int, receiveCredit: Int,
            flags: StreamFlags, now: UInt64
        ) {
            lastHeard = now
            unread = 0
            self.deadline = deadline
            self.sendCredit = sendCredit
            self.receiveCredit = receiveCredit
            self.method = method
            self.flags = flags
        }

        /// Lets go of what it refers to.
        mutating func letGo() {
            attachment = nil
            more = nil
        }
    }

    /// What a stream needs whose messages come or leave in parts, or that lives long.
    final class More {
        /// The parts of an incoming message that is not complete.
        var assembly = Assembly()
        var isCompressed = false
        var backlog: Backlog?
        /// Metadata for the answer's head, until that goes out.
        var head: Metadata?
        /// Metadata for the answer's end.
        var trailers: Metadata?
        /// The window that the stream has towards this end.
        var window: Window
        /// Open-ended: how often the caller hears from the other end at least, in nanoseconds; 0
        /// for never.
        var heartbeat: UInt64 = 0
        var lastSent: UInt64

        init(window: Int, now: UInt64) {
            self.window = Window(window, now: now)
            lastSent = now
        }
    }

    /// An outgoing message that waits for credit or for its turn.
    final class Backlog {
        /// What has not left.
        var rest: BacklogBytes
        var hasBegun = false
        /// The length of the head that the bytes begin with; nil once that has gone out, and where
        /// there is none.
        var head: Int?
        let isRequest: Bool
        let isCompressed: Bool
        /// Whether there is a message: a request stream may begin with its head alone.
        let hasMessage: Bool
        var endsStream: Bool
        /// The status that follows the bytes.
        var status: CallStatus?
        var movedAt: UInt64

        init(
            _ rest: BacklogBytes, head: Int?, isRequest: Bool, isCompressed: Bool,
            hasMessage: Bool, endsStream: Bool, now: UInt64
        ) {
            self.rest = rest
            self.head = head
            self.isRequest = isRequest
            self.isCompressed = isCompressed
            self.hasMessage = hasMessage
            self.endsStream = endsStream
            movedAt = now
        }

        /// How many bytes have not left.
        var left: Int { rest.count }
    }

    /// What the stream in `slot` keeps beyond the usual; made when there is none.
    mutating func more(_ slot: Int) -> More {
        if let more = streams[slot].more { return more }
        let more = More(window: options.streamWindow, now: now)
        streams[slot].more = more
        return more
    }

    func backlog(_ slot: Int) -> Backlog? { streams[slot].more?.backlog }

    /// The slot of a stream that is open.
    mutating func slot(of stream: UInt32) -> Int? {
        if stream == fresh.stream, stream != 0 { park() }
        return streams.slot(of: stream)
    }

    /// Puts the request that was the last event into the table, when its handler has not answered
    /// it: most do at once, and never stand there.
    mutating func park() {
        guard fresh.stream != 0 else { return }
        let began = fresh
        fresh.stream = 0
        servedCount += 1
        account.serve(1)
        lower(due: began.deadline)
        var flags: StreamFlags = [.running, .requestEnded]
        if began.deadline == .max { flags.insert(.openEnded) }
        let (credit, now) = (peerStreamWindow, now)
        let window = options.streamWindow
        let slot = streams.insert(began.stream) { stream in
            stream.set(
                method: began.method, deadline: began.deadline, sendCredit: credit,
                receiveCredit: window, flags: flags, now: now)
        }
        if began.heartbeat == 0 { return }
        more(slot).heartbeat = began.heartbeat
        lower(due: now &+ began.heartbeat)
    }

    /// Forgets a served stream.
    mutating func removeServed(_ stream: UInt32) {
        lastCall = now
        if stream == fresh.stream {
            fresh.stream = 0
            return
        }
        guard let slot = streams.slot(of: stream) else { return }
        servedCount -= 1
        account.serve(-1)
        release(slot, stream)
        streams.discard(slot: slot) { $0.letGo() }
    }

    /// Takes out a call of ours that has ended; who made it.
    @discardableResult
    mutating func takeCall(_ stream: UInt32) -> Attachment? {
        guard let slot = streams.slot(of: stream) else { return nil }
        return completeCall(slot, stream)
    }

    /// Forgets a call of ours that is over; who made it.
    @discardableResult
    mutating func completeCall(_ slot: Int, _ stream: UInt32) -> Attachment? {
        lastCall = now
        if streams[slot].more != nil || streams[slot].unread > 0 { release(slot, stream) }
        var attachment: Attachment?
        streams.discard(slot: slot) { stream in
            attachment = stream.attachment.take()
            stream.more = nil
        }
        return attachment
    }

    /// Gives back what a stream holds of the connection's and the account's.
    mutating func release(_ slot: Int, _ stream: UInt32) {
        if streams[slot].unread > 0 {
            read(streams[slot].unread)
            streams[slot].unread = 0
        }
        guard let more = streams[slot].more else { return }
        dropAssembly(more)
        streams[slot].flags.remove(.assembling)
        if let backlog = more.backlog {
            backlogBytes -= backlog.left
            if backlog.isRequest, backlog.head != nil { unsentHeads -= 1 }
            more.backlog = nil
            drained.append(stream)
        }
        if streams[slot].flags.contains(.queued) { sendQueue.removeAll { $0 == stream } }
        streams[slot].flags.remove(.queued)
    }

    func dropAssembly(_ more: More) {
        account.assemble(-more.assembly.count)
        more.assembly = Assembly()
    }

    /// No stream has anything due before this.
    mutating func lower(due: UInt64) { if due < streamsDue { streamsDue = due } }
}
