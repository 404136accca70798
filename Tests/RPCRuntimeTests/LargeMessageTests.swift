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
        let second = try pair.client.call(echo, blob, deadline: .max, now: pair.now, 2)
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
            _ = try pair.server.answer(stream, blob, isLast: true)
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
        _ = try pair.server.answer(stream, blob, isLast: false)
        pair.server.finish(stream, nil)
        pair.run()
        let isInOrder =
            pair.clientSaw.suffix(3) == [
                .head(stream, ["who": "me"]), .message(stream, blob.data, isLast: false),
                .ended(1, nil, nil),
            ]
        #expect(isInOrder)
    }

    // MARK: - In parts

    /// A message with a field of every kind that has a length.
    private struct Lengths: Message {
        static let typeName = "test.Lengths"

        var one: [UInt8] = []
        var many: [[UInt8]] = []
        var text = ""
        var blob = Blob()
        var number: UInt64 = 0
        var unknownFields: [UInt8] = []

        func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
            writer.field(1, "one", one)
            writer.field(2, "many", many)
            writer.field(3, "text", text)
            writer.field(4, "blob", blob)
            writer.field(5, "number", number)
            writer.unknown(unknownFields)
        }

        mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
            throws(DecodingFailure)
        {
            try reader.field(bytes, 1, "one", &one, 0...200)
            try reader.field(bytes, 2, "many", &many, 0...300, count: 9)
            try reader.field(bytes, 3, "text", &text, 0...100)
            try reader.field(bytes, 4, "blob", &blob)
            try reader.field(bytes, 5, "number", &number)
            try reader.rest(bytes, &unknownFields)
        }
    }

    private static func drawn(from random: inout SplitMix) -> Lengths {
        func bytes(_ most: UInt64) -> [UInt8] { pattern(Int(random.next() % most)) }
        var message = Lengths()
        if random.next() % 2 == 0 { message.one = bytes(220) }
        message.many = (0..<random.next() % 10).map { _ in bytes(320) }
        if random.next() % 2 == 0 {
            message.text = String(repeating: "é", count: Int(random.next() % 60))
        }
        if random.next() % 2 == 0 { message.blob = Blob(bytes(300)) }
        message.number = random.next() >> (random.next() % 64)
        if random.next() % 4 == 0 {
            var writer = WireWriter()
            writer.field(99, "bytes", bytes(300))
            message.unknownFields = writer.bytes
        }
        return message
    }

    private static func read(_ body: () throws(DecodingFailure) -> Lengths)
        -> Result<Lengths, DecodingFailure>
    {
        do throws(DecodingFailure) { return .success(try body()) } catch { return .failure(error) }
    }

    @Test(arguments: 0..<8)
    func `a message in parts reads, and fails, as it does in one`(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        for _ in 0..<1000 {
            var whole = Self.drawn(from: &random).encoded()
            // Half of them damaged: a byte changed, or the end missing.
            if !whole.isEmpty, random.next() % 4 == 0 {
                whole[Int(random.next() % UInt64(whole.count))] ^= UInt8(1 << (random.next() % 8))
            }
            if !whole.isEmpty, random.next() % 4 == 0 {
                whole.removeLast(Int(random.next() % UInt64(whole.count)))
            }
            let size = Int(random.next() % 200) + 1
            let pieces = stride(from: 0, to: whole.count, by: size).map {
                Array(whole[$0..<min($0 + size, whole.count)])
            }
            var parted = PartedMessage(
                Assembly(pieces), longBytesMin: Int(random.next() % 250))
            while parted.step({ _ in }) {}
            #expect(parted.whole() == whole)
            let (inOne, inParts) = (
                Self.read { () throws(DecodingFailure) in try Lengths(decoding: whole) },
                Self.read { () throws(DecodingFailure) in try Lengths(parted) }
            )
            #expect(inParts == inOne)
        }
    }

    @Test(arguments: 0..<4)
    func `a message whose long fields are kept apart leaves as its encoding says`(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        for _ in 0..<500 {
            let message = Self.drawn(from: &random)
            var writer = WireWriter([1, 2, 3])
            writer.copiedMax = Int(random.next() % 250)
            message.encode(into: &writer)
            var rest = BacklogBytes(writer.bytes, from: 3, apart: writer.apart)
            #expect(rest.count == writer.bytes.count - 3 + writer.apartCount)
            var left: [UInt8] = []
            while rest.count > 0 {
                rest.move(min(rest.count, Int(random.next() % 90) + 1), to: &left)
            }
            #expect(left == message.encoded())
        }
    }
}
