import Synchronization
import TestSupport
import Testing
import Transport

@Suite(.ownThread, .timeLimit(.minutes(10))) struct HandshakeTests {
    /// The client's last flight and many records behind it arrive in one read of the server.
    @Test(arguments: [1, 16_384, 40_000, 200_000])
    func `what is sent at once behind the handshake arrives whole`(count: Int) async throws {
        let certificates = try Certificates(["location/cairo", "gateway/main"])
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        func context(_ identity: String, isServer: Bool) throws -> TLSContext {
            try TLSContext.mutual(
                certificate: certificates.certificate(identity),
                key: certificates.key(identity), ca: certificates.ca,
                trustDomain: "biometricflow", isServer: isServer)
        }
        let listener = try Listener.bind(
            to: try SocketAddress(host: "127.0.0.1", port: 0), on: loop,
            tls: try context("gateway/main", isServer: true))
        let sent = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let client = try context("location/cairo", isServer: false)
        // On the server's loop, so that everything is in the socket before the server looks.
        let address = listener.localAddress
        loop.perform { Sender.connect(to: address, on: loop, client, sending: sent) }
        let stream = try await listener.accept()
        try await stream.handshake(timeout: .seconds(60))
        var received: [UInt8] = []
        while received.count < count {
            let bytes = try await stream.read()
            if bytes.isEmpty { break }
            received += bytes
        }
        #expect(received == sent)
        stream.close()
    }
}

/// Sends its bytes in the turn in which its handshake ends.
private final class Sender: ChannelHandler {
    private let bytes: [UInt8]
    private let channel = Lock<Channel?>(nil)

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func connect(
        to address: SocketAddress, on loop: EventLoop, _ tls: TLSContext, sending bytes: [UInt8]
    ) {
        let sender = Sender(bytes)
        let channel = try? SocketChannel.connect(to: address, on: loop, tls: tls, handler: sender)
        sender.channel.withLock { $0 = channel }
    }

    func channelOpened() {
        guard let channel = channel.withLock({ $0 }) else { return }
        let bytes = bytes
        channel.send(bytes.span)
    }
    func channelReceived(_ bytes: Span<UInt8>) {}
    func channelFlush() {}
    func channelClosed(_ error: TransportError?) { channel.withLock { $0 = nil } }
}
