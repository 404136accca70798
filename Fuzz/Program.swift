/// Two connections that do what the bytes say: calls, messages, ends, time and pieces of what is
/// on its way.
///
/// Both keep to the protocol, so neither may fail, and nothing may be left over.
struct Program {
    private var left: ArraySlice<UInt8>
    private var ends: [End]
    private var now: UInt64 = 1_000_000_000

    private struct End {
        var core: Core
        var input: [UInt8] = []
        /// What the other end has sent and this one has not got.
        var arriving: [UInt8] = []
        /// Streams whose handlers run, and calls that are open.
        var served: [UInt32] = []
        var calls: [UInt32] = []
        var isOver = false
    }

    init(_ bytes: [UInt8]) {
        left = bytes[...]
        ends = [Core.Role.dialler, .listener].map { role in
            var core = Core(
                role, smallOptions(), peerName: "\(role)", services: services,
                now: 1_000_000_000)
            core.streamingMethods = [2]
            return End(core: core)
        }
    }

    private mutating func byte() -> UInt8 { left.popFirst() ?? 0 }

    mutating func run() {
        exchangeAll()
        while !left.isEmpty { step() }
        finishAll()
    }

    private mutating func step() {
        let operation = byte()
        let side = Int(operation & 1)
        switch operation >> 1 & 15 {
        case 0: call(side, streams: false)
        case 1: call(side, streams: false, isForOneAnswer: true)
        case 2: call(side, streams: true)
        case 3, 4: send(side, endsStream: false)
        case 5: send(side, endsStream: true)
        case 6: finish(side)
        case 7: cancel(side)
        case 8: endRequest(side)
        case 9: advance(UInt64(byte()) * 10_000_000)
        case 10: advance(UInt64(byte()) * 1_000_000_000)
        case 11: ends[side].core.announce(streamsMax: Int(byte() & 7) + 1)
        case 12 where operation == 255: ends[side].core.announceDrain("fuzz")
        default: deliver(side, Int(byte()) * 16 + 1)
        }
    }

    private mutating func call(_ side: Int, streams: Bool, isForOneAnswer: Bool = false) {
        let size = Int(byte()) * 100
        var terms = Core.CallTerms()
        if !streams { terms.deadline = now + UInt64(byte()) * 100_000_000 + 1 }
        terms.streamsRequest = streams
        terms.isForOneAnswer = isForOneAnswer
        let method = services[0].methods[streams ? 1 : 0]
        if let stream = try? ends[side].core.call(
            method, terms, now: now, Caller(),
            { if !streams { $0.field(1, "b", [UInt8](repeating: 7, count: size)) } })
        {
            ends[side].calls.append(stream)
        }
    }

    private mutating func send(_ side: Int, endsStream: Bool) {
        let ours = byte() & 1 == 0
        let streams = ours ? ends[side].calls : ends[side].served
        guard !streams.isEmpty else { return }
        let stream = streams[Int(byte()) % streams.count]
        guard let slot = ends[side].core.slot(of: stream),
            ends[side].core.backlog(slot) == nil
        else { return }
        let size = Int(byte()) * 50
        ends[side].core.now = now
        let sent = try? ends[side].core.send(stream, endsStream: endsStream) {
            $0.field(1, "b", [UInt8](repeating: 9, count: size))
        }
        if sent != nil, endsStream, !ours { ends[side].served.removeAll { $0 == stream } }
    }

    private mutating func finish(_ side: Int) {
        guard !ends[side].served.isEmpty else { return }
        let stream = ends[side].served.remove(at: Int(byte()) % ends[side].served.count)
        ends[side].core.now = now
        let error = byte() & 1 == 0 ? nil : RPCError(.aborted, "fuzz")
        ends[side].core.finish(stream, error)
    }

    private mutating func cancel(_ side: Int) {
        guard !ends[side].calls.isEmpty else { return }
        let stream = ends[side].calls.remove(at: Int(byte()) % ends[side].calls.count)
        _ = ends[side].core.cancel(stream)
    }

    private mutating func endRequest(_ side: Int) {
        guard !ends[side].calls.isEmpty else { return }
        ends[side].core.endRequest(ends[side].calls[Int(byte()) % ends[side].calls.count])
    }

    private mutating func advance(_ nanoseconds: UInt64) {
        // What was sent arrives before long: silence is another matter.
        exchangeAll()
        now += nanoseconds
        for side in 0...1 {
            while let event = ends[side].core.tick(now) { handle(side, event) }
        }
        exchangeAll()
    }

    /// Gives some of what is on its way to an end.
    private mutating func deliver(_ side: Int, _ count: Int) {
        collect()
        let piece = ends[side].arriving.prefix(count)
        guard !piece.isEmpty else { return }
        ends[side].input += piece
        ends[side].arriving.removeFirst(piece.count)
        var cursor = 0
        while true {
            let input = ends[side].input
            if let answer = ends[side].core.nextAnswer(input.span, &cursor, now: now) {
                ends[side].calls.removeAll { $0 == answer.stream }
                continue
            }
            if ends[side].core.nextRequest(
                of: services[0].methods[0].id, input.span, &cursor, now: now) != nil
            {
                ends[side].served.append(ends[side].core.fresh.stream)
                continue
            }
            let event = ends[side].core.next(input.span, &cursor, now: now)
            if case .needsBytes = event { break }
            handle(side, event)
        }
        ends[side].input.removeFirst(cursor)
    }

    private mutating func collect() {
        for side in 0...1 {
            ends[side].core.now = now
            ends[side].core.pump()
            ends[1 - side].arriving += ends[side].core.output.bytes
            ends[side].core.output.bytes = []
            _ = ends[side].core.takeDrained()
        }
    }

    private mutating func exchangeAll() {
        repeat {
            collect()
            for side in 0...1 { deliver(side, .max) }
            collect()
        } while !ends.allSatisfy(\.arriving.isEmpty)
    }

    private mutating func handle(_ side: Int, _ event: Core.Event) {
        switch event {
        case .request(let request): ends[side].served.append(request.stream)
        case .message(let stream, let body, let isLast, _):
            ends[side].core.hold(body, of: stream)
            ends[side].core.consumed(stream, body.credit)
            if isLast, ends[side].core.isOurs(stream) {
                ends[side].core.takeCall(stream)
                ends[side].calls.removeAll { $0 == stream }
            }
        case .ended:
            let core = ends[side].core
            ends[side].calls.removeAll { core.streams.slot(of: $0) == nil }
        case .cancelled(let stream):
            ends[side].served.removeAll { $0 == stream }
            ends[side].core.finish(stream, nil)
        case .failed:
            let why = ends[side].core.detail.error?.message ?? ""
            report(
                !why.contains("broke the protocol"), "an end that keeps to it: \(why)")
            ends[side].isOver = true
        default: break
        }
    }

    /// Ends every call; then nothing may be held.
    private mutating func finishAll() {
        exchangeAll()
        for side in 0...1 {
            for stream in ends[side].calls { _ = ends[side].core.cancel(stream) }
            ends[side].calls = []
        }
        exchangeAll()
        for side in 0...1 {
            for stream in ends[side].served { ends[side].core.finish(stream, nil) }
            ends[side].served = []
        }
        exchangeAll()
        if ends.contains(where: { $0.isOver || $0.core.phase == .closed }) { return }
        for side in 0...1 {
            let core = ends[side].core
            report(core.streams.isEmpty && core.servedCount == 0, "a stream is left")
            report(core.account.servedCount == 0, "a call is still counted")
            report(core.account.reassemblyBytes == 0, "assembled bytes are still counted")
            report(core.unread == 0 && core.withheld == 0, "unread bytes are still counted")
            report(core.backlogBytes == 0 && core.unsentHeads == 0, "a backlog is left")
            let other = ends[1 - side].core
            report(
                other.sendCredit == core.receiveCredit,
                "credit was lost: \(other.sendCredit) of \(core.receiveCredit)")
            report(
                core.receiveCredit + core.window.owed == core.window.size,
                "credit was not given back: \(core.receiveCredit) and \(core.window.owed) of \(core.window.size)"
            )
        }
    }
}
