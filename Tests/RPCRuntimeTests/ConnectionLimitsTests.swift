import TestSupport
import Testing

@testable import RPCRuntime

/// What a peer may do with credit, limits and silence without harm to this end.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct ConnectionLimitsTests {
    @Test func `credit too short for a call head waits for more`() throws {
        var narrow = RPCOptions()
        narrow.connectionWindow = 1024
        var pair = Pair(RPCOptions(), server: narrow)
        pair.run()
        // What is left is less than the next head: one stream has used the rest up.
        _ = try pair.call([UInt8](repeating: 1, count: 700))
        pair.client.sendCredit = 2
        let stream = try pair.call([1, 2, 3])
        #expect(pair.client.sendQueue == [stream])
        pair.client.sendCredit = 1024
        pair.run()
        #expect(pair.serverSaw.last == .request(stream, method: 0xEC40, [1, 2, 3]))
    }

    @Test(arguments: [700, 1100, 15_000])
    func `a call head that the peer's windows never let through is not begun`(bytes: Int) throws {
        var narrow = RPCOptions()
        narrow.streamWindow = 1024
        var pair = Pair(RPCOptions(), server: narrow)
        pair.run()
        var terms = ConnectionCore<Tag>.CallTerms()
        terms.metadata = Metadata([.init("key", [UInt8](repeating: 7, count: bytes))])
        let blob = Blob([1, 2])
        do throws(RPCError) {
            let stream = try pair.client.call(echo, terms, now: pair.now, Tag(7)) {
                blob.encode(into: &$0)
            }
            #expect(bytes < 1024)
            pair.run()
            #expect(pair.serverSaw.last == .request(stream, method: 0xEC40, [1, 2]))
        } catch {
            #expect(bytes > 1024)
            #expect(error.code == .resourceExhausted && error.certainty == .notSent)
        }
        // Others go on.
        let next = try pair.call([3])
        pair.run()
        #expect(pair.serverSaw.last == .request(next, method: 0xEC40, [3]))
    }

    @Test(arguments: [16_384, 20_000, 60_000])
    func `no frame is longer than the peer takes`(limit: Int) throws {
        var narrow = RPCOptions()
        narrow.frameBytesMax = limit
        var pair = Pair(RPCOptions(), server: narrow)
        pair.run()
        let data = [UInt8](repeating: 3, count: 100_000)
        let stream = try pair.call(data)
        pair.run()
        let isThere = pair.serverSaw.last == .request(stream, method: 0xEC40, data)
        #expect(isThere)
        let back = try pair.server.call(echo, Blob([1]), deadline: .max, now: pair.now, 8)
        pair.run()
        _ = try pair.client.answer(back, Blob(data), isLast: true)
        pair.run()
        let isBack = pair.serverSaw.last == .message(back, data, isLast: true)
        #expect(isBack)
    }

    @Test func `bytes behind the connection's end are dropped`() {
        var pair = Pair()
        pair.run()
        pair.server.fail(RPCError(.internal, "over"))
        let bytes = [UInt8](repeating: 0, count: 1000)
        var cursor = 0
        guard case .needsBytes = pair.server.next(bytes.span, &cursor, now: pair.now) else {
            Issue.record("a closed connection has no events")
            return
        }
        #expect(cursor == bytes.count)
    }

    @Test(arguments: [16 << 10, 256 << 10])
    func `complete messages that nobody takes hold their credit, however many frames they had`(
        frameBytesMax: Int
    ) throws {
        var options = RPCOptions()
        options.frameBytesMax = frameBytesMax
        var pair = Pair(options)
        pair.run()
        let stream = try pair.call([1])
        pair.run()
        let message = Blob([UInt8](repeating: 5, count: 100_000))
        var sent = 0
        var credits: [Int] = []
        // The caller sees messages and takes none.
        for _ in 0..<100 {
            guard try pair.server.answer(stream, message, isLast: false) else { break }
            sent += 1
            let bytes = pair.server.output.bytes
            pair.server.output.bytes = []
            var cursor = 0
            loop: while true {
                switch pair.client.next(bytes.span, &cursor, now: pair.now) {
                case .message(_, let body, _, _):
                    pair.client.hold(body, of: stream)
                    credits.append(body.credit)
                default: break loop
                }
            }
            let back = pair.client.output.bytes
            pair.client.output.bytes = []
            var unused = 0
            _ = pair.server.next(back.span, &unused, now: pair.now)
        }
        #expect(sent <= RPCOptions().streamWindow / 100_000)
        // Once they are taken, the rest comes.
        for credit in credits { pair.client.consumed(stream, credit) }
        pair.run()
        let slot = try #require(pair.server.streams.slot(of: stream))
        #expect(pair.server.backlog(slot) == nil)
        let isThere = pair.clientSaw.last == .message(stream, message.data, isLast: false)
        #expect(isThere)
    }

    @Test func `calls given up while there is no credit leave nothing behind`() throws {
        var pair = Pair()
        pair.run()
        pair.client.sendCredit = 0
        for _ in 0..<100 {
            let stream = try pair.call([1])
            _ = pair.client.cancel(stream)
        }
        #expect(pair.client.sendQueue.isEmpty && pair.client.streams.isEmpty)
    }

    @Test func `a peer that sends anything after a ping is alive`() throws {
        var pair = Pair()
        pair.run()
        pair.now += 60_000_000_000
        #expect(!isEvent(pair.client.tick(pair.now)))
        #expect(pair.client.pingSent == pair.now)
        // The pong is behind a large answer on a slow line: a part of it comes first.
        pair.now += 4_000_000_000
        pair.client.output.bytes = []
        pair.server.owe(8 << 20)
        pair.run()
        pair.now += 4_000_000_000
        #expect(!isEvent(pair.client.tick(pair.now)))
        pair.now += 2_000_000_000
        guard case .failed? = pair.client.tick(pair.now) else {
            Issue.record("a peer that is silent for the ping's time is dead")
            return
        }
    }

    private func isEvent(_ event: Core.Event?) -> Bool { event != nil }
}
