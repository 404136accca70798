import Transport

/// A call that waits until the peer serves fewer.
final class RoomWaiter: Waiting {
    private let connection: RPCConnection
    private let number: UInt64
    /// Whether the call may begin; it must look again when something else woke it.
    var isAdmitted = false
    var isOverdue = false

    init(_ connection: RPCConnection, _ number: UInt64) {
        self.connection = connection
        self.number = number
    }

    func isNumber(_ other: UInt64) -> Bool { number == other }

    override func cancelled() {
        let (connection, number) = (self.connection, self.number)
        connection.loop.execute { connection.wakeQueued(number) }
    }
}

extension RPCConnection {
    /// Whether a call must wait, because the peer serves no more at once, or others wait already.
    @usableFromInline var needsQueue: Bool {
        state.withValue { $0.needsQueue }
    }

    /// Suspends until the peer has room for the call, first come, first served; the call's deadline,
    /// which counts from here.
    @usableFromInline
    func queue(_ method: MethodDescriptor, _ options: CallOptions) async throws(RPCError) -> UInt64
    {
        let began = loop.now
        let due = deadline(method, options, began)
        let waiter = try enqueue(method)
        var timer: TimerID?
        if due != .max {
            timer = loop.schedule(at: due) {
                waiter.isOverdue = true
                waiter.wake()
            }
        }
        while !waiter.isAdmitted, !waiter.isOverdue, !Task.isCancelled, mayWait {
            await waiter.wait()
            guard loop.isCurrent else { break }
        }
        guard loop.isCurrent else {
            throw RPCError(.internal, "\(method.name): the queue's task left its loop")
        }
        if let timer { loop.cancel(timer) }
        state.withValue { state in state.queue.removeAll { $0 === waiter } }
        if waiter.isAdmitted, !Task.isCancelled { return due }
        admitQueued()
        throw leftQueue(method, waiter, began)
    }

    private func enqueue(_ method: MethodDescriptor) throws(RPCError) -> RoomWaiter {
        try state.withValue { state throws(RPCError) in
            guard state.queue.count < options.queuedCallsMax else {
                throw RPCError(
                    .resourceExhausted,
                    "\(method.name) was not sent: \(state.queue.count) calls wait until \(state.core.peerName) serves fewer than \(state.core.peerHello.streamsMax) (options queuedCallsMax, and its streamsMax)",
                    certainty: .notSent)
            }
            state.runnerCount += 1
            let waiter = RoomWaiter(self, state.runnerCount)
            state.queue.append(waiter)
            return waiter
        }
    }

    private var mayWait: Bool {
        state.withValue { $0.end == nil && !$0.isPeerDraining && $0.core.drain == .no }
    }

    private func leftQueue(_ method: MethodDescriptor, _ waiter: RoomWaiter, _ began: UInt64)
        -> RPCError
    {
        let streamsMax = state.withValue { $0.core.peerHello.streamsMax }
        var error =
            if Task.isCancelled {
                RPCError(
                    .cancelled, "\(method.name) was cancelled before it was sent",
                    certainty: .notSent)
            } else if waiter.isOverdue {
                RPCError(
                    .deadlineExceeded,
                    "\(method.name) was not sent: \(peer) served \(streamsMax) other calls all the time (its option streamsMax)",
                    certainty: .notSent)
            } else {
                RPCError(
                    .unavailable, "\(method.name) was not sent: the link to \(peer) ends",
                    certainty: .notSent)
            }
        let elapsed = (loop.now &- began) / 1000
        error.hops = [
            Hop(
                peer: peer.description, method: method.name, stage: .queue,
                times: [Hop.Time(.queue, microseconds: elapsed)])
        ]
        return error
    }

    /// Lets as many waiting calls begin as the peer has room for.
    func admitQueued() {
        let ready = state.withValue { state -> [RoomWaiter] in
            if state.queue.isEmpty { return [] }
            let open = state.core.streams.count - state.core.servedCount
            let room = Int(clamping: state.core.peerHello.streamsMax) - open
            let isOver = state.isPeerDraining || state.core.drain != .no
            let count = isOver ? state.queue.count : min(max(room, 0), state.queue.count)
            for waiter in state.queue.prefix(count) where !isOver { waiter.isAdmitted = true }
            let admitted = Array(state.queue.prefix(count))
            return admitted
        }
        for waiter in ready { waiter.wake() }
    }

    /// Wakes one waiting call, so that it sees that its task was cancelled.
    func wakeQueued(_ number: UInt64) {
        state.withValue { state in state.queue.first { $0.isNumber(number) } }?.wake()
    }
}
