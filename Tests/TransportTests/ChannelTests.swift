import Synchronization
import TestSupport
import Testing

@testable import Transport

/// What a channel does with peers that do not read, and at its end.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct ChannelTests {
    private func withServer(
        _ server: Sender, tls: (server: TLSContext, client: TLSContext)? = nil,
        _ body: (ByteStream) async throws -> Void
    ) async throws {
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        let listener = try Listener.bind(
            to: try SocketAddress(host: "127.0.0.1", port: 0), on: loop, tls: tls?.server)
        listener.onAccept { server.start($0) }
        let stream = try await ByteStream.connect(
            to: listener.localAddress, on: loop, tls: tls?.client, timeout: .seconds(5))
        try await body(stream)
        stream.close()
    }

    @Test func `what was held back for a slow reader leaves before the end`() async throws {
        let certificates = try Certificates(["location/cairo", "gateway/main"])
        func context(_ identity: String, isServer: Bool) throws -> TLSContext {
            try TLSContext.mutual(
                certificate: certificates.certificate(identity),
                key: certificates.key(identity), ca: certificates.ca,
                trustDomain: "biometricflow", isServer: isServer)
        }
        let contexts = (
            server: try context("gateway/main", isServer: true),
            client: try context("location/cairo", isServer: false)
        )
        let server = Sender(20_000_000, closesWithin: .seconds(50))
        try await withServer(server, tls: contexts) { stream in
            var count = 0
            while true {
                let bytes = try await stream.read()
                if bytes.isEmpty { break }
                count += bytes.count
            }
            #expect(count == 20_000_000)
            #expect(try await server.closed.value {} == nil)
        }
    }

    @Test func `a peer that neither reads nor closes is not waited for without end`() async throws {
        let server = Sender(50_000_000, closesWithin: .milliseconds(100))
        try await withServer(server) { _ in
            let error = try await server.closed.value {}
            #expect(error?.code == .timedOut)
        }
    }

    @Test func `a peer that takes nothing is not read from`() async throws {
        let server = Sender(40_000_000, closesWithin: nil)
        try await withServer(server) { stream in
            try await stream.write([1])
            var count = 0
            while count < 40_000_000 { count += try await stream.read().count }
            let pending = try await server.pendingAtReceipt.value {}
            #expect(pending <= SocketChannel.readingLimit)
        }
    }

    @Test func `sleeps that are cancelled leave no timers behind`() async throws {
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        func timers() async -> Int {
            await Task(executorPreference: loop) { loop.timerCount }.value
        }
        let sleeps = (0..<100).map { _ in Task { try await loop.sleep(for: .seconds(1000)) } }
        while await timers() < 100 { await Task.yield() }
        for sleep in sleeps {
            sleep.cancel()
            await #expect(throws: TransportError.self) { try await sleep.value }
        }
        #expect(await timers() == 0)
    }
}

/// Sends bytes as fast as its channel takes them.
private final class Sender: ChannelHandler {
    private let left: Lock<Int>
    private let patience: Duration?
    private let channel = Lock<Channel?>(nil)
    let closed = OneShot<TransportError?>()
    let pendingAtReceipt = OneShot<Int>()

    init(_ count: Int, closesWithin patience: Duration?) {
        left = Lock(count)
        self.patience = patience
    }

    func start(_ channel: Channel) {
        self.channel.withLock { $0 = channel }
        channel.start(self)
    }

    func channelOpened() {
        let channel = channel.withLock { $0 }
        channel?.setNeedsFlush()
        guard let patience else { return }
        channel?.closingLimit = patience.clampedNanoseconds
        channel?.closeAfterFlush()
    }

    func channelReceived(_ bytes: Span<UInt8>) {
        guard let channel = channel.withLock({ $0 }) else { return }
        pendingAtReceipt.settle(.success(channel.pending))
    }

    func channelFlush() {
        guard let channel = channel.withLock({ $0 }) else { return }
        // One that closes holds back what the socket does not take; the other gives all at once.
        while patience == nil || !channel.isCongested {
            let count = left.withLock { left in
                let count = min(left, 100_000)
                left -= count
                return count
            }
            if count == 0 { return }
            let bytes = [UInt8](repeating: 7, count: count)
            channel.send(bytes.span)
        }
    }

    func channelClosed(_ error: TransportError?) {
        channel.withLock { $0 = nil }
        closed.settle(.success(error))
    }
}
