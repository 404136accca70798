import RPCRuntime
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
    func `flow/slow-reader stream, and others unaffected`(medium: Medium) async throws {
        try await on(medium) { bed in
            let client = try await bed.client()
            try await client.streamingOutput(Self.many(1000, of: 100_000)) {
                replies throws(RPCError) in
                // Nothing is read, and still other calls and streams go on.
                for _ in 0..<5 {
                    _ = try await client.unaryCall(Ask(payload: 200_000, answers: 200_000))
                    let ask = Self.many(5, of: 50_000)
                    _ = try await client.streamingOutput(ask, CallOptions(), BasicTests.sizes)
                }
            }
            // A window and what waits behind it, besides the 25 of the other streams.
            #expect(bed.service.tally["wrote"] < 25 + 40)
            try await bed.tally("cancelled", reaches: 1)
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
    func `streams/limit 1, 10 calls`(medium: Medium) async throws {
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
                for connection in bed.server.connections { connection.setStreamsMax(2) }
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
            for connection in bed.server.connections { connection.setStreamsMax(1) }
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

    @Test(arguments: [Medium.memory])
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
