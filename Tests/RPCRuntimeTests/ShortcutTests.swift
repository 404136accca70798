import TestSupport
import Testing

@testable import RPCRuntime

/// What most frames are is handled ahead of the state machine's general way, and must do the same.
@Suite struct ShortcutTests {
    private static let other = MethodDescriptor(
        name: "test.Echo/other", id: 0x07E4, kind: .unary, deadline: .seconds(10), idleLimit: nil,
        roles: ["ctl"], fingerprint: 0)

    /// What became of a connection that was given bytes.
    private struct Outcome: Equatable {
        var seen: [Pair.Seen] = []
        var output: [UInt8] = []
        var streams: [UInt32] = []
        var numbers: [Int] = []
        var phase = Core.Phase.open
    }

    @Test(arguments: 0..<300)
    func `requests go the short way as they go the long`(seed: Int) throws {
        try Self.compare(seed) { pair, random, isShort in
            let bytes = Self.damaged(pair.client.output.bytes, &random)
            return Self.feed(&pair.server, bytes, now: pair.now, isShort)
        }
    }

    @Test(arguments: 0..<300)
    func `answers go the short way as they go the long`(seed: Int) throws {
        try Self.compare(seed) { pair, random, isShort in
            pair.run()
            for stream in pair.server.streams.all.sorted() {
                try Self.answer(stream, &pair.server, &random)
            }
            let bytes = Self.damaged(pair.server.output.bytes, &random)
            return Self.feed(&pair.client, bytes, now: pair.now, isShort)
        }
    }

    /// Does the same twice, the short way and the long, from the same calls on.
    private static func compare(
        _ seed: Int, _ outcome: (inout Pair, inout SplitMix, Bool) throws -> Outcome
    ) throws {
        let outcomes = try [true, false].map { isShort in
            var random = SplitMix(seed: UInt64(seed))
            var pair = Pair()
            pair.run()
            try begin(&pair, &random)
            return try outcome(&pair, &random, isShort)
        }
        let isSame = outcomes[0] == outcomes[1]
        #expect(isSame, "\(outcomes[0].seen) and \(outcomes[1].seen)")
        #expect(!outcomes[1].seen.isEmpty || outcomes[1].phase == .closed)
    }

    /// Begins calls, of which about a half is the usual.
    private static func begin(_ pair: inout Pair, _ random: inout SplitMix) throws {
        for number in 0..<8 {
            var terms = Core.CallTerms()
            terms.isForOneAnswer = true
            if random.next() % 6 > 0 {
                terms.deadline = pair.now + (1 + random.next() % 1_000_000) * 1000
            }
            if random.next() % 6 == 0 { terms.metadata = ["key": "value"] }
            if random.next() % 6 == 0 { terms.heartbeat = 1_000_000_000 }
            let size = random.next() % 8 == 0 ? 70_000 : Int(random.next() % 300)
            let method = random.next() % 6 == 0 ? other : echo
            _ = try pair.client.call(method, terms, now: pair.now, Tag(number)) {
                $0.field(1, "data", [UInt8](repeating: UInt8(number), count: size))
            }
        }
    }

    private static func answer(
        _ stream: UInt32, _ core: inout Core, _ random: inout SplitMix
    ) throws {
        let size = random.next() % 8 == 0 ? 70_000 : Int(random.next() % 300)
        let blob = Blob([UInt8](repeating: UInt8(truncatingIfNeeded: stream), count: size))
        switch random.next() % 8 {
        case 0: core.finish(stream, RPCError(.aborted, "no"))
        case 1:
            try core.setHead(stream, ["key": "value"])
            _ = try core.answer(stream, blob, isLast: true)
        case 2:
            if try core.answer(stream, blob, isLast: false) { core.finish(stream, nil) }
        default: _ = try core.answer(stream, blob, isLast: true)
        }
    }

    /// Every other time with one bit that is wrong.
    private static func damaged(_ bytes: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var bytes = bytes
        if random.next() % 2 == 0, !bytes.isEmpty {
            let bit = Int(random.next() % UInt64(bytes.count * 8))
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        return bytes
    }

    private static func feed(
        _ core: inout Core, _ bytes: [UInt8], now: UInt64, _ isShort: Bool
    ) -> Outcome {
        var outcome = Outcome()
        var cursor = 0
        while true {
            let before = outcome.seen.count
            if isShort, let answer = core.nextAnswer(bytes.span, &cursor, now: now) {
                let data = Pair.read(Core.Body(range: answer.range), core, bytes)
                outcome.seen.append(.message(answer.stream, data, isLast: true))
            } else if isShort,
                let range = core.nextRequest(of: echo.id, bytes.span, &cursor, now: now)
            {
                let data = Pair.read(Core.Body(range: range), core, bytes)
                outcome.seen.append(.request(core.fresh.stream, method: echo.id, data))
            } else {
                let event = core.next(bytes.span, &cursor, now: now)
                if case .needsBytes = event { break }
                Pair.see(event, &core, bytes, &outcome.seen)
            }
            // Most are answered at once, as handlers do.
            if outcome.seen.count > before, case .request(let stream, _, _)? = outcome.seen.last,
                stream % 3 != 0
            {
                _ = try? core.answer(stream, Blob([1]), isLast: true)
            }
        }
        outcome.output = core.output.bytes
        outcome.streams = core.streams.all.sorted()
        outcome.numbers = [
            cursor, core.receiveCredit, core.sendCredit, core.window.owed, core.servedCount,
            core.unread, Int(core.lastPeerStream), Int(clamping: core.streamsDue),
        ]
        outcome.phase = core.phase
        return outcome
    }
}
