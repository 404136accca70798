import RPCRuntime
import RPCTesting
import Synchronization
import TestSchemas
import TestSupport
import Testing
import Transport

/// Credit, limits of calls at once, and many calls.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct FlowTests {
    private static func many(_ count: Int, of size: Int) -> Ask {
        var ask = Ask()
        var wanted = Wanted()
        wanted.size = UInt32(size)
        ask.answers = Array(repeating: wanted, count: count)
        return ask
    }

    @Test(arguments: Medium.allCases)
    func `flow/slow-reader stream`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            let sum = try await client.streamingOutput(Self.many(100, of: 100_000)) {
                replies throws(RPCError) in
                // Nothing is read until the stream stands still.
                try await Self.standstill(bed)
                // What the window takes, and what waits behind it.
                #expect(bed.service.tally["wrote"] < 40)
                return try await BasicTests.sizes(replies).reduce(0, +)
            }
            #expect(sum == 10_000_000)
        }
    }

    @Test(arguments: Medium.allCases)
    func `flow/other stream unaffected`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            try await client.streamingOutput(Self.many(1000, of: 100_000)) {
                replies throws(RPCError) in
                try await Self.standstill(bed)
                for _ in 0..<5 {
                    _ = try await client.unaryCall(Ask(payload: 200_000, answers: 200_000))
                    let ask = Self.many(5, of: 50_000)
                    _ = try await client.streamingOutput(ask, CallOptions(), BasicTests.sizes)
                }
            }
            try await bed.tally("cancelled", reaches: 1)
        }
    }

    /// Waits until the server can send no more of the first stream.
    private static func standstill(_ bed: Bed) async throws(RPCError) {
        do {
            let server = try await bed.served()
            while await server.snapshot().streams.first?.sendCredit != 0 {
                try await bed.sleep(.milliseconds(1))
            }
        } catch { throw RPCError(.aborted, "\(error)") }
    }

    @Test(arguments: Medium.allCases)
    func `flow/slow-reader connection`(medium: Medium) async throws {
        var options = RPCOptions()
        (options.connectionWindow, options.connectionWindowMax) = (1 << 20, 1 << 20)
        (options.streamWindow, options.streamWindowMax) = (1 << 18, 1 << 18)
        options.unreadBytesMax = 1 << 20
        try await on(medium) { [options] bed in
            let link = try await bed.link(options)
            let client = Interop.Client(link)
            let begun = Log<Bool>()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        try await client.streamingOutput(Self.many(8, of: 100_000)) {
                            replies throws(RPCError) in
                            do {
                                try await bed.eventually { !begun.all.isEmpty }
                            } catch { throw RPCError(.aborted, "\(error)") }
                            return try await BasicTests.sizes(replies).reduce(0, +)
                        }
                    }
                }
                // Each stream alone has room: it is the connection that stands still.
                let server = try await bed.served()
                while await server.snapshot().sendCredit != 0 {
                    try await bed.sleep(.milliseconds(1))
                }
                // The bound, what was on its way, and the messages of which parts had come then.
                #expect(await link.snapshot().unreadBytes <= 2 << 20 + 16 * 100_000)
                // Others of this peer's links are not held up.
                let other = try await bed.client()
                #expect(try await other.unaryCall(Ask(payload: 7)).total == 7)
                begun.add(true)
                for try await sum in group { #expect(sum == 800_000) }
            }
            #expect(try await client.unaryCall(Ask(payload: 7)).total == 7)
        }
    }

    @Test(arguments: Medium.allCases)
    func `flow/credit leak after cancel`(medium: Medium) async throws {
        var options = RPCOptions()
        (options.connectionWindow, options.connectionWindowMax) = (1 << 18, 1 << 18)
        (options.streamWindow, options.streamWindowMax) = (1 << 17, 1 << 17)
        try await on(medium, server: options) { [options] bed in
            let link = try await bed.link(options)
            let client = Interop.Client(link)
            for _ in 0..<40 {
                // Given up with answers on their way, unread, and half come.
                try await client.streamingOutput(Self.many(20, of: 60_000)) {
                    replies throws(RPCError) in
                    var iterator = replies.makeAsyncIterator()
                    _ = try await iterator.next()
                }
                // And with requests on theirs.
                try await client.fullDuplex { asks, _ throws(RPCError) in
                    for _ in 0..<4 { try await asks.write(Ask(payload: 40_000)) }
                }
            }
            // A receiver may still owe a quarter of its window, and no more.
            let server = try await bed.served()
            try await bed.credit(of: link, reaches: 3 << 16)
            try await bed.credit(of: server, reaches: 3 << 16)
            let reply = try await client.unaryCall(Ask(payload: 271_828, answers: 314_159))
            #expect(reply.payload.count == 314_159)
        }
    }

    /// A message in many small frames costs no credit beside its bytes (for HTTP/2's padding).
    @Test(arguments: Medium.allCases)
    func `flow/small frames`(medium: Medium) async throws {
        try await on(medium) { bed in
            let peer = try await bed.script()
            try await peer.greet()
            let message = Ask(payload: 4_000_000).encoded()
            peer.send(Wire.request(Interop.Method.unaryCall, 1, [], flags: 0))
            for start in stride(from: 0, to: message.count, by: 4096) {
                let part = Array(message[start..<min(start + 4096, message.count)])
                let isLast = start + 4096 >= message.count
                peer.send(Wire.data(1, part, flags: isLast ? Wire.both : 0))
                // What has been sent is less than was credited, beyond the windows at first.
                if start % (1 << 19) == 0, start > 0 {
                    while try await peer.next(type: Wire.credit).stream != 1 {}
                }
            }
            #expect(try await peer.next(type: Wire.data).stream == 1)
            peer.close()
        }
    }

    // MARK: - Calls at once

    private static func serving(_ count: Int) -> RPCOptions {
        var options = RPCOptions()
        options.streamsMax = count
        return options
    }

    /// Makes calls at once; the numbers of those that have ended, in order.
    private static func ended(
        _ calls: [Duration], _ client: Interop.Client
    ) async throws -> [Int] {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for (number, pause) in calls.enumerated() {
                group.addTask {
                    _ = try await client.unaryCall(Ask(pause: pause))
                    return number
                }
            }
            var ended: [Int] = []
            for try await number in group { ended.append(number) }
            return ended
        }
    }

    @Test(arguments: Medium.allCases)
    func `streams/limit 1 × 10 calls`(medium: Medium) async throws {
        try await on(medium, server: Self.serving(1)) { bed in
            let calls = [Duration](repeating: .milliseconds(2), count: 10)
            let ended = try await Self.ended(calls, bed.client())
            #expect(Set(ended) == Set(0..<10))
        }
    }

    @Test(arguments: Medium.allCases)
    func `streams/raise`(medium: Medium) async throws {
        try await on(medium, server: Self.serving(1)) { bed in
            let client = try await bed.client()
            try await withThrowingTaskGroup(of: Int.self) { group in
                group.addTask {
                    _ = try await client.unaryCall(Ask(pause: .seconds(20)))
                    return 0
                }
                try await bed.tally("began", reaches: 1)
                group.addTask {
                    _ = try await client.unaryCall(Ask())
                    return 1
                }
                try await bed.served().setStreamsMax(2)
                // The second need not wait for the first.
                #expect(try await group.next() == 1)
                group.cancelAll()
                _ = try? await group.next()
            }
        }
    }

    @Test(arguments: Medium.allCases)
    func `streams/lower`(medium: Medium) async throws {
        try await on(medium, server: Self.serving(2)) { bed in
            let client = try await bed.client()
            try await bed.served().setStreamsMax(1)
            // Its answer stands behind the new limit.
            _ = try await client.unaryCall(Ask())
            let ended = try await Self.ended(
                [Duration](repeating: .milliseconds(5), count: 4), client)
            #expect(Set(ended) == Set(0..<4))
        }
    }

    // MARK: - Many and long

    @Test(arguments: Medium.allCases)
    func `soak/rpc`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            for _ in 0..<20 {
                let reply = try await client.unaryCall(Ask(payload: 271_828, answers: 314_159))
                #expect(reply.payload.count == 314_159)
            }
        }
    }

    @Test(arguments: Medium.allCases)
    func `soak/channel`(medium: Medium) async throws {
        try await on(medium) { bed in
            for _ in 0..<10 {
                let link = try await bed.link()
                let ask = Ask(payload: 271_828, answers: 314_159)
                #expect(try await Interop.Client(link).unaryCall(ask).total == 271_828)
                link.close()
                _ = await link.closed()
            }
            try await bed.eventually { bed.server.connections.isEmpty }
        }
    }

    @Test(arguments: Medium.allCases)
    func `soak/idle`(medium: Medium) async throws {
        var options = RPCOptions()
        if medium == .sockets {
            (options.keepaliveIdle, options.keepaliveFloor) = (.milliseconds(20), .milliseconds(5))
            options.pingTimeout = .seconds(60)
        }
        try await on(medium, server: options) { [options] bed in
            let link = try await bed.link(options)
            let client = Interop.Client(link)
            for _ in 0..<3 {
                #expect(try await client.unaryCall(Ask(payload: 1)).total == 1)
                // Only pings pass, for as long as a link may be without calls.
                try await bed.sleep(medium == .memory ? .seconds(1000) : .milliseconds(300))
            }
            #expect(try await client.unaryCall(Ask(payload: 2)).total == 2)
            #expect(await link.snapshot().roundTrip != nil)

            var short = options
            if medium == .sockets { short.idleTimeout = .milliseconds(300) }
            let idle = try await bed.link(short)
            let end = await idle.closed()
            #expect(end.certainty == .notSent && end.message.contains("drained"))
            #expect(try await bed.client().unaryCall(Ask(payload: 3)).total == 3)
        }
    }

    @Test(arguments: [Medium.sockets])
    func `scale/1000 concurrent large`(medium: Medium) async throws {
        var options = RPCOptions()
        // As many as are served at once may come and go in parts at once.
        options.reassemblyBytesMax = options.streamsMax * 400_000
        options.backlogBytesMax = options.streamsMax * 400_000
        options.refusesDoomedCalls = false
        options.pingTimeout = .seconds(60)
        try await on(medium, server: options) { [options] bed in
            let client = try await bed.client(options)
            let ask = Ask(payload: 271_828, answers: 314_159)
            let good = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<1000 {
                    group.addTask {
                        let reply = try await client.unaryCall(
                            ask, CallOptions(timeout: .seconds(500)))
                        return reply.total == 271_828 && reply.payload.count == 314_159
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(good == 1000 && bed.service.tally["ended"] == 1000)
        }
    }

    @Test(arguments: Medium.allCases)
    func `scale/10k concurrent deadlines`(medium: Medium) async throws {
        var options = Self.serving(20_000)
        options.peerStreamsMax = 20_000
        options.abusePoints = 1_000_000
        try await on(medium, server: options) { bed in
            let client = try await bed.client()
            let late = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<10_000 {
                    group.addTask {
                        do {
                            let options = CallOptions(timeout: .seconds(2))
                            _ = try await client.unaryCall(Ask(pause: .seconds(25)), options)
                            return false
                        } catch let error as RPCError { return error.code == .deadlineExceeded }
                    }
                }
                var late = 0
                for try await isLate in group where isLate { late += 1 }
                return late
            }
            #expect(late == 10_000)
            #expect(try await client.unaryCall(Ask(payload: 1)).total == 1)
        }
    }
}
