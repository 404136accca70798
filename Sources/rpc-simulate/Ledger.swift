import RPCRuntime
import Synchronization
import Transport

/// What both ends know of every call: afterwards the two accounts must agree.
final class Ledger: Sendable {
    struct Call: Sendable {
        let operation: Plan.Operation
        let began: Duration
        var ended: Duration?
        /// What the caller was told: nil for success.
        var error: RPCError?
        var isSettled = false
        /// How often its handler began.
        var executions = 0
        /// Handlers that have not ended.
        var running = 0
        /// Whether its handler came to its good end.
        var isDone = false
        /// The messages that the handler began to write, and those that the caller got in order.
        var written: UInt32 = 0
        var received: UInt32 = 0
        /// The messages of the request that the caller began to write, and those that the handler
        /// got in order.
        var asked: UInt32 = 0
        var taken: UInt32 = 0
        var mistakes: [String] = []
    }

    private let calls = Lock<[Call]>([])
    private let others = Lock<[String]>([])

    func open(_ operation: Plan.Operation, at time: Duration) -> UInt64 {
        calls.withLock { calls in
            calls.append(Call(operation: operation, began: time))
            return UInt64(calls.count - 1)
        }
    }

    func change(_ call: UInt64, _ body: (inout Call) -> Void) {
        let isKnown = calls.withLock { calls in
            guard call < UInt64(calls.count) else { return false }
            body(&calls[Int(call)])
            return true
        }
        // A number that nobody gave out: bytes were changed on the way.
        if !isKnown { note("a handler was asked for call \(call), which nobody made") }
    }

    /// A message came to the caller.
    func receive(_ call: UInt64, _ item: Item, size: UInt32) {
        change(call) { state in
            Self.check(item, call, state.received, Int(size), &state.mistakes)
            state.received += 1
        }
    }

    /// A message of the request came to the handler.
    func take(_ call: UInt64, _ item: Item) {
        change(call) { state in
            Self.check(item, call, state.taken, state.operation.requestSize, &state.mistakes)
            state.taken += 1
        }
    }

    private static func check(
        _ item: Item, _ call: UInt64, _ number: UInt32, _ size: Int, _ mistakes: inout [String]
    ) {
        if item.call != call || item.number != number {
            mistakes.append(
                "message \(item.number) of call \(item.call) came in place of message \(number)")
        }
        let byte = byte(call, item.number)
        if item.padding.count != size || item.padding.contains(where: { $0 != byte }) {
            mistakes.append("message \(item.number) came changed")
        }
    }

    /// What fills a message.
    static func byte(_ call: UInt64, _ number: UInt32) -> UInt8 {
        UInt8(truncatingIfNeeded: call &* 31 &+ UInt64(number) &+ 1)
    }

    func note(_ mistake: String) { others.withLock { $0.append(mistake) } }

    var count: Int { calls.withLock { $0.count } }
    var succeeded: Int {
        calls.withLock { calls in calls.count { $0.isSettled && $0.error == nil } }
    }
    var messages: Int { calls.withLock { calls in calls.reduce(0) { $0 + Int($1.received) } } }

    /// How many calls ended with each code and certainty.
    var outcomes: [String: Int] {
        calls.withLock { calls in
            var outcomes: [String: Int] = [:]
            for call in calls {
                let name = call.error.map { "\($0.code), \($0.certainty)" } ?? "success"
                outcomes[name, default: 0] += 1
            }
            return outcomes
        }
    }

    /// Everything in which the two accounts do not agree.
    ///
    /// - Parameter isBare: Whether bytes may have come changed, so that nothing is sure but that
    ///   everything ended.
    func mistakes(isBare: Bool) -> [String] {
        calls.withLock { calls in
            calls.indices.flatMap { index in
                check(calls[index], isBare).map {
                    "call \(index) (\(calls[index].operation.kind.rawValue)): \($0)"
                }
            }
        } + (isBare ? [] : others.withLock { $0 })
    }

    private func check(_ call: Call, _ isBare: Bool) -> [String] {
        var mistakes: [String] = []
        if !call.isSettled { mistakes.append("its caller was never told of its end") }
        if call.running != 0 { mistakes.append("its handler never ended") }
        if isBare { return mistakes }
        mistakes += call.mistakes
        if call.executions > 1 { mistakes.append("its handler ran \(call.executions) times") }
        if call.received > call.written {
            mistakes.append("\(call.received) messages came of \(call.written) that were written")
        }
        if call.taken > call.asked {
            mistakes.append("\(call.taken) messages were read of \(call.asked) that were sent")
        }
        if let error = call.error {
            let wasRun = call.executions > 0
            switch error.certainty {
            case .notSent, .refused:
                if wasRun {
                    mistakes.append("its handler ran, and its caller was told \(error.certainty)")
                }
            case .processed:
                if !wasRun { mistakes.append("told processed, and no handler ran: \(error)") }
            case .maybeProcessed: break
            }
        } else {
            // A caller that leaves early has asked for nothing more.
            if call.received < call.operation.stopAfter {
                if call.executions != 1 { mistakes.append("it succeeded, and no handler ran") }
                if !call.isDone { mistakes.append("it succeeded, and its handler did not") }
                let wanted = wanted(call.operation)
                let taken = min(call.operation.requests, max(call.operation.limit, 1))
                if call.operation.kind.streamsRequests, call.taken != taken {
                    mistakes.append("it succeeded, and \(call.taken) of \(taken) were read")
                }
                if call.received != wanted {
                    mistakes.append("it succeeded with \(call.received) messages of \(wanted)")
                }
            }
        }
        return mistakes + overdue(call)
    }

    private func wanted(_ operation: Plan.Operation) -> UInt32 {
        if !operation.kind.streamsAnswers { return 1 }
        // Without a message there is none that says how many are wanted.
        return operation.kind == .talk && operation.requests == 0 ? 0 : operation.count
    }

    private func overdue(_ call: Call) -> [String] {
        guard let timeout = call.operation.timeout, let ended = call.ended,
            // A caller that reads slowly ends when it has read.
            call.operation.readPause == nil
        else { return [] }
        let taken = ended - call.began
        return taken > timeout + .milliseconds(1)
            ? ["it took \(taken) with a deadline of \(timeout)"] : []
    }
}
