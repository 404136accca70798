import MeshAPI
import TestSupport
import Testing
import Transport

@testable import RPCRuntime

/// Messages that are read and written beside their loop.
@Suite(.timeLimit(.minutes(10))) struct LargeMessageTests {
    private static func options(message: Int, window: Int = 1 << 20) -> RPCOptions {
        var options = RPCOptions()
        options.messageBytesMax = message
        options.reassemblyBytesMax = 4 * message
        (options.streamWindow, options.connectionWindow) = (window, 8 * window)
        (options.streamWindowMax, options.connectionWindowMax) = (window, 8 * window)
        return options
    }

    private static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 11) }
    }

    private static func withLink(
        _ options: RPCOptions, _ body: (LinkTests.Mesh) async throws -> Void
    ) async throws {
        try await LinkTests().withMesh(options) { try await body($0) }
    }

    @Test func `large messages of both directions come whole beside small ones`() async throws {
        try await Self.withLink(Self.options(message: 32 << 20)) { mesh in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for size in [1 << 20, (1 << 20) + 1, 3_000_000, 20_000_000] {
                    group.addTask {
                        let request = Self.pattern(size)
                        let back = try await mesh.send(request)
                        let isSame = back == request
                        #expect(isSame, "\(size) bytes did not come back")
                    }
                }
                for index in 0..<200 {
                    group.addTask {
                        let request = Self.pattern(index)
                        let back = try await mesh.send(request)
                        #expect(back == request)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `a large message that is over a limit ends its call alone`() async throws {
        try await Self.withLink(Self.options(message: 4 << 20)) { mesh in
            let tooLong = await Self.error {
                _ = try await mesh.send(Self.pattern(5 << 20))
            }
            #expect(tooLong?.code == .resourceExhausted && tooLong?.certainty == .notSent)
            #expect(tooLong?.message.contains("option messageBytesMax") ?? false)
            let answer = await Self.error {
                _ = try await mesh.send([8] + Self.pattern(3 << 20))
            }
            #expect(answer?.code == .resourceExhausted && answer?.certainty == .processed)
            let back = try await mesh.send([9])
            #expect(back == [9])
        }
    }

    @Test func `a large call that is cancelled leaves its link in order`() async throws {
        try await Self.withLink(Self.options(message: 32 << 20)) { mesh in
            for delay in 0..<8 {
                let call = Task { try await mesh.send(Self.pattern(8 << 20)) }
                for _ in 0..<delay * 40 { await Task.yield() }
                call.cancel()
                let result = await call.result
                if case .failure(let error) = result {
                    #expect((error as? RPCError)?.code == .cancelled)
                }
                let back = try await mesh.send([9])
                #expect(back == [9])
            }
        }
    }

    @Test func `a large call whose deadline is over ends in time`() async throws {
        try await Self.withLink(Self.options(message: 64 << 20)) { mesh in
            let error = await Self.error {
                _ = try await mesh.send(
                    [UInt8](repeating: 0, count: 60 << 20), timeout: .milliseconds(2))
            }
            #expect(error?.code == .deadlineExceeded)
            let back = try await mesh.send([9])
            #expect(back == [9])
        }
    }

    private static func error(_ body: () async throws -> Void) async -> RPCError? {
        do {
            try await body()
            return nil
        } catch { return error as? RPCError }
    }

    // MARK: - Without sockets

    @Test(arguments: [1 << 10, 1 << 12, 1 << 20], [1, 7, .max])
    func `a large request goes behind its head, whatever credit there is`(window: Int, piece: Int)
        throws
    {
        var pair = Pair(Self.options(message: 16 << 20, window: window))
        pair.piece = piece == 1 ? 4093 : piece == 7 ? 65_521 : piece
        pair.run()
        // Uses up all credit, so that the head of the large request must wait.
        let small = Blob([UInt8](repeating: 1, count: 9 * window))
        let first = try pair.client.call(echo, small, deadline: .max, now: pair.now, 1)
        let blob = Blob(Self.pattern(2 << 20))
        var terms = Core.CallTerms()
        terms.isForOneAnswer = true
        let second = try pair.client.call(
            echo, terms, now: pair.now, Tag(2), LargeMessage { blob.encode(into: &$0) })
        let third = try pair.client.call(echo, Blob([3]), deadline: .max, now: pair.now, 3)
        pair.run()
        // Compared before they are expected: what does not hold would be printed.
        let came = pair.serverSaw.compactMap { seen -> UInt32? in
            if case .request(let stream, _, _) = seen { stream } else { nil }
        }
        #expect(Set(came) == [first, second, third])
        let isWhole = pair.serverSaw.contains(.request(second, method: echo.id, blob.data))
        #expect(isWhole, "the large request did not come as it went")
        for stream in [first, second, third] {
            try pair.server.send(
                stream, endsStream: true, LargeMessage { blob.encode(into: &$0) })
        }
        pair.run()
        for stream in [first, second, third] {
            let isWhole = pair.clientSaw.contains(.message(stream, blob.data, isLast: true))
            #expect(isWhole, "the answer on stream \(stream) did not come as it went")
        }
        for core in [pair.client, pair.server] {
            #expect(core.backlogBytes == 0 && core.unsentHeads == 0 && core.streams.isEmpty)
            #expect(core.account.reassemblyBytes == 0 && core.unread == 0)
        }
    }

    @Test func `a large answer follows the head that waits for it`() throws {
        var pair = Pair(Self.options(message: 4 << 20))
        pair.run()
        let stream = try pair.client.call(echo, Blob([1]), deadline: .max, now: pair.now, 1)
        pair.run()
        try pair.server.setHead(stream, ["who": "me"])
        try pair.server.setTrailers(stream, ["end": "1"])
        let blob = Blob(Self.pattern(2 << 20))
        try pair.server.send(stream, endsStream: false, LargeMessage { blob.encode(into: &$0) })
        pair.server.finish(stream, nil)
        pair.run()
        let isInOrder =
            pair.clientSaw.suffix(3) == [
                .head(stream, ["who": "me"]), .message(stream, blob.data, isLast: false),
                .ended(1, nil, nil),
            ]
        #expect(isInOrder)
    }
}
