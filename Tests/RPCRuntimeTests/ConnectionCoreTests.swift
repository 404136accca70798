import Testing

@testable import RPCRuntime

@Suite struct ConnectionCoreTests {
    @Test func `a call goes over and its answer comes back`() throws {
        var pair = Pair()
        pair.run()
        let stream = try pair.call([1, 2, 3])
        pair.run()
        #expect(pair.serverSaw == [.ready, .request(stream, method: 0xEC40, [1, 2, 3])])
        #expect(try pair.server.answer(stream, Blob([4]), isLast: true))
        pair.run()
        #expect(pair.clientSaw == [.ready, .message(stream, [4], isLast: true)])
        #expect(pair.client.streams.isEmpty && pair.server.streams.isEmpty)
        #expect(pair.server.servedCount == 0)
    }

    @Test(arguments: [0, 2, 300_000])
    func `a call for one answer ends with it`(size: Int) throws {
        let data = [UInt8](repeating: 6, count: size)
        var pair = Pair()
        pair.run()
        let stream = try pair.client.call(
            echo, Blob([1]), deadline: .max, now: pair.now, 3, isForOneAnswer: true)
        pair.run()
        _ = try pair.server.answer(stream, Blob(data), isLast: true)
        pair.run()
        // A large one comes in parts, and goes another way.
        let expected: Pair.Seen =
            size < 128 << 10
            ? .answer(stream, data, 3) : .message(stream, data, isLast: true)
        let isExpected = pair.clientSaw.last == expected
        #expect(isExpected)
        #expect(pair.client.streams.isEmpty && pair.server.streams.isEmpty)
        let client = pair.client
        #expect(client.receiveCredit + client.window.owed == client.window.size)
    }

    @Test func `both ends call each other on one connection`() throws {
        var pair = Pair()
        pair.run()
        let there = try pair.call([1])
        let back = try pair.server.call(echo, Blob([2]), deadline: .max, now: pair.now, 8)
        pair.run()
        #expect(there % 2 == 1 && back % 2 == 0)
        #expect(pair.serverSaw.last == .request(there, method: 0xEC40, [1]))
        #expect(pair.clientSaw.last == .request(back, method: 0xEC40, [2]))
    }

    @Test(arguments: [1, 2, 3, 7, 11, 12, 13, 100, 16_000])
    func `frames do not depend on where the stream was cut`(piece: Int) throws {
        var pair = Pair()
        pair.piece = piece
        pair.run()
        let large = (0..<40_000).map { UInt8(truncatingIfNeeded: $0) }
        let first = try pair.call(large)
        let second = try pair.call([9])
        pair.run()
        #expect(pair.serverSaw.contains(.request(first, method: 0xEC40, large)))
        #expect(pair.serverSaw.contains(.request(second, method: 0xEC40, [9])))
        _ = try pair.server.answer(first, Blob(large), isLast: true)
        pair.run()
        #expect(pair.clientSaw.last == .message(first, large, isLast: true))
    }

    @Test func `a small call overtakes a large one`() throws {
        var pair = Pair()
        pair.run()
        let large = try pair.call([UInt8](repeating: 1, count: 1_000_000))
        let small = try pair.call([2])
        pair.run()
        let order = pair.serverSaw.compactMap { seen -> UInt32? in
            if case .request(let stream, _, _) = seen { stream } else { nil }
        }
        #expect(order == [small, large])
    }

    @Test func `a message larger than every window arrives`() throws {
        var options = RPCOptions()
        options.streamWindow = 64 << 10
        options.connectionWindow = 128 << 10
        var pair = Pair(options)
        pair.run()
        let data = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let stream = try pair.call(data)
        pair.run()
        #expect(pair.serverSaw.last == .request(stream, method: 0xEC40, data))
        _ = try pair.server.answer(stream, Blob(data), isLast: true)
        pair.run()
        #expect(pair.clientSaw.last == .message(stream, data, isLast: true))
        for core in [pair.client, pair.server] { #expect(core.account.reassemblyBytes == 0) }
    }

    @Test func `a stream stops when its reader takes nothing, and others go on`() throws {
        var options = RPCOptions()
        options.streamWindow = 64 << 10
        var pair = Pair(options)
        pair.run()
        let slow = try pair.call([1])
        pair.run()
        var sent = 0
        while try pair.server.answer(slow, Blob([UInt8](repeating: 0, count: 1000)), isLast: false)
        {
            sent += 1
            // The bytes leave, but the client never reads them.
            pair.server.output.bytes = []
        }
        #expect((60...66).contains(sent))
        let other = try pair.call([2])
        pair.run()
        #expect(try pair.server.answer(other, Blob([3]), isLast: true))
    }

    @Test func `credit comes back whatever becomes of the streams`() throws {
        var pair = Pair()
        pair.run()
        for round in 0..<400 {
            let stream = try pair.call([UInt8](repeating: 1, count: 100_000), round)
            if round % 3 == 0 { _ = pair.client.cancel(stream) }
            pair.run()
            if round % 3 == 1 {
                pair.server.finish(stream, RPCError(.aborted, "no"))
            } else {
                _ = try? pair.server.answer(
                    stream, Blob([UInt8](repeating: 2, count: 100_000)), isLast: true)
            }
            if round % 3 == 2 { _ = pair.client.cancel(stream) }
            pair.server.finish(stream, nil)
            pair.run()
        }
        #expect(pair.client.streams.isEmpty && pair.server.streams.isEmpty)
        for core in [pair.client, pair.server] {
            #expect(core.receiveCredit + core.window.owed == core.window.size)
            #expect(core.unread == 0 && core.withheld == 0 && core.backlogBytes == 0)
            #expect(core.account.servedCount == 0 && core.account.reassemblyBytes == 0)
        }
        #expect(pair.client.sendCredit == pair.server.receiveCredit)
        #expect(pair.server.sendCredit == pair.client.receiveCredit)
    }

    @Test func `a cancelled call counts until its handler has ended`() throws {
        var options = RPCOptions()
        options.streamsMax = 2
        var pair = Pair(RPCOptions(), server: options)
        pair.run()
        pair.client.peerHello.streamsMax = 100  // A client that does not keep to the limit.
        let streams = try (0..<2).map { _ in try pair.call([1]) }
        for stream in streams { _ = pair.client.cancel(stream) }
        let third = try pair.call([1], 42)
        pair.run()
        #expect(pair.serverSaw.contains(.cancelled(streams[0])))
        #expect(pair.clientSaw.last == .ended(42, .resourceExhausted, .refused))
        #expect(pair.server.streams.slot(of: third) == nil)
        pair.server.finish(streams[0], nil)
        let fourth = try pair.call([1])
        pair.run()
        #expect(pair.serverSaw.last == .request(fourth, method: 0xEC40, [1]))
    }

    @Test func `time that is over ends the call at both ends`() throws {
        var pair = Pair()
        pair.run()
        let stream = try pair.call([1], timeout: 5_000_000, 3)
        pair.run()
        #expect(pair.server.nextTick <= pair.now + 5_000_000)
        pair.now += 6_000_000
        #expect(Pair.tick(&pair.server, pair.now) == [.cancelled(stream)])
        #expect(
            Pair.tick(&pair.client, pair.now) == [.ended(3, .deadlineExceeded, .maybeProcessed)])
        pair.run()
        #expect(pair.client.streams.isEmpty && pair.server.streams.count == 1)
        pair.server.finish(stream, nil)
        #expect(pair.server.streams.isEmpty)
    }

    @Test func `a message over the limit is refused before it is sent, with the knob's name`()
        throws
    {
        var pair = Pair()
        pair.run()
        let error = #expect(throws: RPCError.self) {
            try pair.call([UInt8](repeating: 0, count: 5 << 20))
        }
        #expect(error?.code == .resourceExhausted && error?.certainty == .notSent)
        #expect(error?.message.contains("messageBytesMax") == true)
        #expect(pair.client.output.bytes.isEmpty)
    }

    @Test func `a draining end says so, serves what had set out, and then refuses what is new`()
        throws
    {
        var pair = Pair()
        pair.run()
        let stream = try pair.call([1])
        pair.run()
        pair.server.announceDrain("test")
        // Has set out before the client heard.
        let late = try pair.call([2], 9)
        pair.run()
        #expect(pair.clientSaw.contains(.draining))
        #expect(pair.serverSaw.last == .request(late, method: 0xEC40, [2]))
        #expect(pair.server.drain == .refusing && pair.client.peerLastStream == late)
        #expect(try pair.server.answer(stream, Blob([3]), isLast: true))
        #expect(try pair.server.answer(late, Blob([4]), isLast: true))
        pair.run()
        #expect(pair.clientSaw.contains(.message(stream, [3], isLast: true)))
        #expect(pair.clientSaw.last == .message(late, [4], isLast: true))
        let error = #expect(throws: RPCError.self) { try pair.call([1]) }
        #expect(error?.code == .unavailable && error?.certainty == .notSent)
        // A client that goes on calling all the same.
        pair.client.isPeerDraining = false
        let refused = try pair.call([5], 10)
        pair.run()
        #expect(pair.clientSaw.last == .ended(10, .unavailable, .refused))
        #expect(pair.server.streams.slot(of: refused) == nil)
    }

    @Test func `silence is met with a ping, and a dead peer with the end`() {
        var pair = Pair()
        pair.run()
        pair.now += 61_000_000_000
        #expect(!isEvent(pair.client.tick(pair.now)))
        pair.run()
        #expect(pair.client.pingSent == nil)
        pair.now += 61_000_000_000
        #expect(!isEvent(pair.client.tick(pair.now)))
        pair.client.output.bytes = []
        pair.now += 6_000_000_000
        guard case .failed? = pair.client.tick(pair.now) else {
            Issue.record("the dead peer went unnoticed")
            return
        }
        let error = pair.client.detail.error
        #expect(error?.code == .unavailable && error?.message.contains("pingTimeout") == true)
    }

    @Test func `a flood of pings ends the connection`() {
        var pair = Pair()
        pair.run()
        for _ in 0..<11 {
            let start = FrameHeader.reserve(in: &pair.client.output.bytes)
            pair.client.output.bytes += [UInt8](repeating: 0, count: 8)
            FrameHeader(.ping, stream: 0, length: 8).write(
                to: &pair.client.output.bytes, at: start)
        }
        pair.run()
        #expect(pair.serverSaw.last == .failed(.internal))
        #expect(pair.clientSaw.last == .failed(.unavailable))
    }

    /// Each is a first frame, or a frame after good hellos, that no honest peer sends.
    @Test(arguments: [
        [0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0, 0],  // an unknown type that must be understood
        [0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0],  // a ping without its bytes
        [0, 0, 0, 7, 0, 0, 0, 0, 0, 1, 0, 0],  // a reserved byte
        [0, 0, 0, 7, 0, 0, 0, 0, 1, 0, 0, 0],  // flags where none belong
        [255, 255, 255, 3, 1, 0, 0, 0, 0, 0, 0, 0],  // a huge frame
        [0, 0, 0, 3, 1, 0, 0, 0, 1, 0, 0, 0],  // data on a stream nobody opened
        [0, 0, 0, 2, 2, 0, 0, 0, 3, 0, 0, 0],  // a request with the other side's number
        [0, 0, 0, 2, 1, 0, 0, 0, 3, 0, 9, 0],  // a head longer than its frame
        [1, 0, 0, 2, 1, 0, 0, 0, 2, 0, 0, 0, 9],  // a stream that ends inside its message
        [0, 0, 0, 2, 1, 0, 0, 0, 8, 0, 0, 0],  // a flag that does not exist
        [0, 0, 0, 12, 1, 0, 0, 0, 0, 0, 0, 0],  // a heartbeat of nothing
        [0, 0, 0, 11, 1, 0, 0, 0, 0, 0, 0, 0],  // limits on a stream
        [4, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],  // a credit of 0
        [0, 0, 0, 5, 1, 0, 0, 0, 0, 0, 0, 0],  // a cancel of nothing
        [0, 0, 0, 4, 2, 0, 0, 0, 0, 0, 0, 0],  // a status of nothing
        [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],  // a second hello
    ])
    func `a broken frame ends the connection with an epitaph`(frame: [UInt8]) {
        var pair = Pair()
        pair.run()
        pair.client.output.bytes += frame
        pair.run()
        #expect(pair.serverSaw.last == .failed(.internal))
        #expect(pair.server.phase == .closed)
        #expect(pair.clientSaw.last == .failed(.unavailable))
    }

    @Test func `an unknown frame that may be ignored is ignored`() throws {
        var pair = Pair()
        pair.run()
        pair.client.output.bytes += [2, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]
        let stream = try pair.call([5])
        pair.run()
        #expect(pair.serverSaw.last == .request(stream, method: 0xEC40, [5]))
    }

    @Test func `anything but a hello at the beginning ends the connection`() {
        var core = Core(
            .listener, RPCOptions(), peerName: "client", services: [], now: 0)
        var seen: [Pair.Seen] = []
        var input: [UInt8] = []
        Pair.hand(Array("GET / HTTP/1.1\r\n\r\n".utf8), to: &core, &input, &seen, .max, 0)
        #expect(seen == [.failed(.internal)])
    }

    /// The peer's bytes with one bit wrong anywhere: an error perhaps, a trap never.
    @Test func `no flipped bit and no truncation traps`() throws {
        var pair = Pair()
        pair.run()
        let stream = try pair.call([UInt8](repeating: 3, count: 50))
        pair.run()
        let good = Core(
            .dialler, RPCOptions(), peerName: "s", services: [], now: 0)
        var wire = good.output.bytes
        var writer = Core(
            .dialler, RPCOptions(), peerName: "s", services: [], now: 0)
        var hello: [UInt8] = []
        var seen: [Pair.Seen] = []
        Pair.hand(
            Core(.listener, RPCOptions(), peerName: "c", services: [], now: 0)
                .output.bytes, to: &writer, &hello, &seen, .max, 0)
        writer.output.bytes = []
        for size in [0, 20, 30_000] {
            _ = try writer.call(
                echo, Blob([UInt8](repeating: 1, count: size)), deadline: 5_000_000_000, now: 0, 1)
        }
        _ = writer.cancel(stream)
        wire += writer.output.bytes
        for bit in 0..<(wire.count * 8) where bit < 1600 || bit % 397 == 0 {
            var damaged = wire
            damaged[bit / 8] ^= 1 << (bit % 8)
            feed(damaged)
        }
        for length in 0..<min(wire.count, 400) { feed(Array(wire[..<length])) }
    }

    private func isEvent(_ event: Core.Event?) -> Bool { event != nil }

    private func feed(_ bytes: [UInt8]) {
        var core = Core(
            .listener, RPCOptions(), peerName: "client", services: [], now: 0)
        var seen: [Pair.Seen] = []
        var input: [UInt8] = []
        Pair.hand(bytes, to: &core, &input, &seen, .max, 0)
        for case .request(let stream, _, _) in seen {
            _ = try? core.answer(stream, Blob([1]), isLast: true)
        }
        for step in 1...3 { while isEvent(core.tick(UInt64(step) * 70_000_000_000)) {} }
    }
}
