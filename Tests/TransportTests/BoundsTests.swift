import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Transport

/// What a name service that does not answer, and clients that do not shake hands, can do.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct BoundsTests {
    @Test func `a resolver that does not answer is not waited for`() async throws {
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        let isOver = Lock(false)
        defer { isOver.withLock { $0 = true } }
        let error = await #expect(throws: TransportError.self) {
            _ = try await SocketAddress.resolve(
                "somewhere.example", port: 1, on: loop, timeout: .milliseconds(20)
            ) { _, _ in
                while !isOver.withLock({ $0 }) { sched_yield() }
                return .success([])
            }
        }
        #expect(error?.code == .timedOut)
        #expect(
            error?.message == "looking up 'somewhere.example' took longer than 0.02 seconds")
    }

    @Test func `an answer in time is taken, and leaves no timer`() async throws {
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        let address = try SocketAddress(host: "10.1.2.3", port: 4)
        let found = try await SocketAddress.resolve(
            "somewhere.example", port: 4, on: loop, timeout: .seconds(1000)
        ) { _, _ in .success([address]) }
        #expect(found == [address])
        while await Task(executorPreference: loop, operation: { loop.timerCount }).value > 0 {
            await Task.yield()
        }
    }

    /// Two that say nothing fill the room for handshakes; others are accepted when they leave.
    @Test func `connections in the handshake are bounded`() async throws {
        let certificates = try Certificates(["location/cairo", "gateway/main"])
        func context(_ identity: String, isServer: Bool) throws -> TLSContext {
            try TLSContext.mutual(
                certificate: certificates.certificate(identity),
                key: certificates.key(identity), ca: certificates.ca,
                trustDomain: "biometricflow", isServer: isServer)
        }
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        let listener = try Listener.bind(
            to: try SocketAddress(host: "127.0.0.1", port: 0), on: loop,
            tls: try context("gateway/main", isServer: true), handshakesMax: 2)
        let accepted = Keeper()
        listener.onAccept { accepted.keep($0) }
        var silent: [ByteStream] = []
        for _ in 0..<2 {
            silent.append(
                try await ByteStream.connect(
                    to: listener.localAddress, on: loop, timeout: .seconds(30)))
        }
        let tls = try context("location/cairo", isServer: false)
        let address = listener.localAddress
        let third = Task {
            try await ByteStream.connect(to: address, on: loop, tls: tls, timeout: .seconds(30))
        }
        while accepted.count < 2 { await Task.yield() }
        // The kernel takes further ones; here only two come until those are gone.
        let fourth = try await ByteStream.connect(
            to: address, on: loop, timeout: .seconds(30))
        #expect(accepted.count == 2)
        for stream in silent { stream.close() }
        let stream = try await third.value
        while accepted.count < 4 { await Task.yield() }
        for stream in [stream, fourth] { stream.close() }
        listener.close()
    }
}

/// Accepts everything and says nothing.
private final class Keeper: ChannelHandler {
    private let channels = Lock<[Channel]>([])

    var count: Int { channels.withLock { $0.count } }

    func keep(_ channel: Channel) {
        channels.withLock { $0.append(channel) }
        channel.start(self)
    }

    func channelOpened() {}
    func channelReceived(_ bytes: Span<UInt8>) {}
    func channelFlush() {}
    func channelClosed(_ error: TransportError?) {}
}
