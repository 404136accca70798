import Testing
import Transport

@Suite struct DatagramSocketTests {
    private func with<Result>(
        _ body: (EventLoop, SocketAddress) async throws -> Result
    ) async throws -> Result {
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        return try await body(loop, try SocketAddress(host: "127.0.0.1", port: 0))
    }

    @Test func `datagrams arrive whole, with their sender, in order`() async throws {
        try await with { loop, any in
            let server = try DatagramSocket.bind(to: any, on: loop)
            let client = try DatagramSocket.connect(to: server.localAddress, on: loop)
            #expect(server.localAddress.port != 0)
            for size in [0, 1, 1024, 65_000] {
                try await client.send([UInt8](repeating: 7, count: size))
                let datagram = try await server.receive(timeout: .seconds(30))
                #expect(datagram.bytes.count == size)
                try await server.send([UInt8(size & 255)], to: datagram.sender)
                #expect(
                    try await client.receive(timeout: .seconds(30)).bytes == [UInt8(size & 255)])
            }
            for number in 0..<200 { try await client.send([UInt8(number)]) }
            for number in 0..<200 {
                #expect(try await server.receive(timeout: .seconds(30)).bytes == [UInt8(number)])
            }
            server.close()
            client.close()
        }
    }

    @Test func `a connected socket hears nobody else, and of a refusal once`() async throws {
        try await with { loop, any in
            let server = try DatagramSocket.bind(to: any, on: loop)
            let client = try DatagramSocket.connect(to: server.localAddress, on: loop)
            let stranger = try DatagramSocket.bind(to: any, on: loop)
            try await stranger.send([1], to: client.localAddress)
            try await client.send([2])
            #expect(try await server.receive(timeout: .seconds(30)).bytes == [2])
            let silence = await #expect(throws: TransportError.self) {
                try await client.receive(timeout: .milliseconds(20))
            }
            #expect(silence?.code == .timedOut)
            server.close()
            // The socket is closed on the loop, behind what is enqueued there.
            await withCheckedContinuation { done in loop.execute { done.resume() } }
            try await client.send([3])
            let refusal = await #expect(throws: TransportError.self) {
                try await client.receive(timeout: .seconds(30))
            }
            #expect(refusal?.code == .refused)
            client.close()
            let closed = await #expect(throws: TransportError.self) { try await client.receive() }
            #expect(closed?.code == .closed)
            stranger.close()
        }
    }

    @Test func `a receiver that is cancelled or woken loses nothing`() async throws {
        try await with { loop, any in
            let server = try DatagramSocket.bind(to: any, on: loop)
            let client = try DatagramSocket.connect(to: server.localAddress, on: loop)
            let waiting = Task { try await server.receive() }
            waiting.cancel()
            await #expect(throws: TransportError.self) { try await waiting.value }
            let waker = Waker()
            waker.wake()
            let woken = await #expect(throws: TransportError.self) {
                try await server.receive(waker: waker)
            }
            #expect(woken?.code == .timedOut)
            try await client.send([9])
            #expect(try await server.receive(timeout: .seconds(30), waker: waker).bytes == [9])
        }
    }

    @Test func `a flood is kept in bounds and read on`() async throws {
        try await with { loop, any in
            let server = try DatagramSocket.bind(to: any, on: loop)
            let client = try DatagramSocket.connect(to: server.localAddress, on: loop)
            let large = [UInt8](repeating: 1, count: 60_000)
            for _ in 0..<200 { try await client.send(large) }
            var count = 0
            while (try? await server.receive(timeout: .milliseconds(50))) != nil { count += 1 }
            // The kernel dropped the rest, as it may.
            #expect(1..<200 ~= count)
            try await client.send([5])
            #expect(try await server.receive(timeout: .seconds(30)).bytes == [5])
        }
    }

    @Test func `a stream that is reset ends its peer's reading with an error`() async throws {
        try await with { loop, any in
            let listener = try Listener.bind(to: any, on: loop)
            let client = try await ByteStream.connect(
                to: listener.localAddress, on: loop, timeout: .seconds(30))
            let server = try await listener.accept()
            try await server.write([1])
            #expect(try await client.read(timeout: .seconds(30)) == [1])
            server.reset()
            let error = await #expect(throws: TransportError.self) {
                try await client.read(timeout: .seconds(30))
            }
            #expect(error?.code == .reset)
            client.close()
            listener.close()
        }
    }

    @Test func `addresses follow each other`() throws {
        let last = try SocketAddress(host: "10.0.255.255", port: 7)
        #expect(try last.next().description == "10.1.0.0:7")
        #expect(try SocketAddress(host: "::ff", port: 1).next().description == "[::100]:1")
        let end = try SocketAddress(host: "255.255.255.255", port: 1)
        #expect(throws: TransportError.self) { try end.next() }
    }
}
