import TestSupport
import Testing
import Transport

/// Streams over real sockets on loopback, in the clear and in TLS.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct ByteStreamTests {
    private func withLoop<Result>(_ body: (EventLoop) async throws -> Result) async throws
        -> Result
    {
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        return try await body(loop)
    }

    private let loopback = try? SocketAddress(host: "127.0.0.1", port: 0)

    /// Answers one connection with what it sends.
    private func echo(_ listener: Listener) async throws {
        let stream = try await listener.accept()
        try await stream.handshake(timeout: .seconds(60))
        while true {
            let bytes = try await stream.read()
            if bytes.isEmpty { break }
            try await stream.write(bytes)
        }
        stream.close()
    }

    @Test(arguments: [1, 100, 100_000, 5_000_000])
    func `bytes come back as they went`(count: Int) async throws {
        try await withLoop { loop in
            let listener = try Listener.bind(to: try #require(loopback), on: loop)
            async let echoed: Void = echo(listener)
            let stream = try await ByteStream.connect(
                to: listener.localAddress, on: loop, timeout: .seconds(60))
            let sent = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            async let written: Void = stream.write(sent)
            var received: [UInt8] = []
            while received.count < count { received += try await stream.read() }
            try await written
            #expect(received == sent)
            stream.close()
            _ = try? await echoed
        }
    }

    @Test func `bytes come back through mutual TLS and both ends know each other`() async throws {
        let certificates = try Certificates(["location/cairo", "gateway/main"])
        try await withLoop { loop in
            let listener = try Listener.bind(
                to: try #require(loopback), on: loop,
                tls: try context(certificates, "gateway/main", isServer: true))
            async let echoed: Void = echo(listener)
            let stream = try await ByteStream.connect(
                to: listener.localAddress, on: loop,
                tls: try context(certificates, "location/cairo", isServer: false),
                timeout: .seconds(60))
            #expect(stream.peer?.description == "spiffe://biometricflow/gateway/main")
            let sent = [UInt8](repeating: 42, count: 1_000_000)
            async let written: Void = stream.write(sent)
            var received: [UInt8] = []
            while received.count < sent.count { received += try await stream.read() }
            try await written
            #expect(received == sent)
            stream.close()
            _ = try? await echoed
        }
    }

    private func context(_ certificates: Certificates, _ identity: String, isServer: Bool)
        throws -> TLSContext
    {
        try TLSContext.mutual(
            certificate: certificates.certificate(identity), key: certificates.key(identity),
            ca: certificates.ca, trustDomain: "biometricflow", isServer: isServer)
    }

    /// Connects with `client`; the error that the listening end saw.
    private func refusal(
        server: Certificates, client: TLSContext?, sending bytes: [UInt8] = [1]
    ) async throws -> TransportError {
        try await withLoop { loop in
            let listener = try Listener.bind(
                to: try #require(loopback), on: loop,
                tls: try context(server, "gateway/main", isServer: true))
            async let accepted: TransportError = {
                let stream = try await listener.accept()
                do throws(TransportError) {
                    try await stream.handshake(timeout: .seconds(60))
                } catch { return error }
                return TransportError(.system, "the handshake succeeded")
            }()
            do {
                let stream = try await ByteStream.connect(
                    to: listener.localAddress, on: loop, tls: client, timeout: .seconds(60))
                try await stream.write(bytes)
                _ = try await stream.read(timeout: .seconds(60))
            } catch {}
            return try await accepted
        }
    }

    @Test func `a certificate of another CA is refused and the reason named`() async throws {
        let ours = try Certificates(["gateway/main"])
        let theirs = try Certificates(["location/cairo"])
        let client = try TLSContext.mutual(
            certificate: theirs.certificate("location/cairo"), key: theirs.key("location/cairo"),
            ca: ours.ca, trustDomain: "biometricflow", isServer: false)
        let error = try await refusal(server: ours, client: client)
        #expect(error.code == .tls)
        #expect(error.message.contains("the peer's certificate was refused"))
    }

    @Test func `an expired certificate is refused and the reason named`() async throws {
        let certificates = try Certificates(["gateway/main"], expired: ["location/cairo"])
        let client = try context(certificates, "location/cairo", isServer: false)
        let error = try await refusal(server: certificates, client: client)
        #expect(error.message.contains("certificate has expired"))
    }

    @Test func `plaintext is refused and the reason named`() async throws {
        let certificates = try Certificates(["gateway/main"])
        let error = try await refusal(
            server: certificates, client: nil, sending: Array("GET / HTTP/1.1\r\n\r\n".utf8))
        #expect(error.code == .tls)
        #expect(error.message.contains("http request") || error.message.contains("wrong version"))
    }

    @Test func `a peer of another trust domain is refused`() async throws {
        let certificates = try Certificates(["gateway/main", "location/cairo"])
        let client = try context(certificates, "location/cairo", isServer: false)
        let server = try TLSContext.mutual(
            certificate: certificates.certificate("gateway/main"),
            key: certificates.key("gateway/main"), ca: certificates.ca,
            trustDomain: "elsewhere", isServer: true)
        let error = try await withLoop { loop in
            let listener = try Listener.bind(to: try #require(loopback), on: loop, tls: server)
            async let accepted = listener.accept()
            _ = try? await ByteStream.connect(
                to: listener.localAddress, on: loop, tls: client, timeout: .seconds(60))
            let stream = try await accepted
            return await #expect(throws: TransportError.self) {
                try await stream.handshake(timeout: .seconds(60))
            }
        }
        #expect(error?.message.contains("not of the trust domain 'elsewhere'") == true)
    }

    @Test func `a refused connection says so and names the address`() async throws {
        try await withLoop { loop in
            // Port 1 (tcpmux) has no listener; a port just closed could be another test's by now.
            let address = try SocketAddress(host: "127.0.0.1", port: 1)
            let error = await #expect(throws: TransportError.self) {
                try await ByteStream.connect(to: address, on: loop, timeout: .seconds(60))
            }
            #expect(error?.code == .refused)
            #expect(error?.message.contains(address.description) == true)
        }
    }

    @Test func `a read that times out or is cancelled loses nothing`() async throws {
        try await withLoop { loop in
            let listener = try Listener.bind(to: try #require(loopback), on: loop)
            async let accepted = listener.accept()
            let stream = try await ByteStream.connect(
                to: listener.localAddress, on: loop, timeout: .seconds(60))
            let far = try await accepted
            let late = await #expect(throws: TransportError.self) {
                try await stream.read(timeout: .milliseconds(10))
            }
            #expect(late?.code == .timedOut)
            let waiting = Task { try await stream.read() }
            waiting.cancel()
            let cancelled = await #expect(throws: TransportError.self) { try await waiting.value }
            #expect(cancelled?.code == .cancelled)
            try await far.write([1, 2, 3])
            #expect(try await stream.read() == [1, 2, 3])
            far.close()
            #expect(try await stream.read() == [])
        }
    }

    @Test func `a closed stream wakes its reader`() async throws {
        try await withLoop { loop in
            let listener = try Listener.bind(to: try #require(loopback), on: loop)
            async let accepted = listener.accept()
            let stream = try await ByteStream.connect(
                to: listener.localAddress, on: loop, timeout: .seconds(60))
            _ = try await accepted
            let read = Task { try await stream.read() }
            stream.close()
            let error = await #expect(throws: TransportError.self) { try await read.value }
            #expect(error?.code == .closed)
        }
    }

    @Test func `tasks and actors run on their loop and their worker`() async throws {
        actor Owner {
            let worker: WorkerThread
            var count = 0
            init(_ worker: WorkerThread) { self.worker = worker }
            nonisolated var unownedExecutor: UnownedSerialExecutor {
                worker.actorExecutor
            }
            func add() -> Int {
                count += 1
                return count
            }
        }
        try await withLoop { loop in
            let isOnLoop = await Task(executorPreference: loop) { loop.isCurrent }.value
            #expect(isOnLoop)
            let worker = WorkerThread(name: "worker")
            let owner = Owner(worker)
            for expected in 1...100 { #expect(await owner.add() == expected) }
            worker.shutdown()
            try await loop.sleep(for: .milliseconds(1))
        }
    }
}
