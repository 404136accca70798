import CLinux
import Glibc
import Synchronization

/// A listening TCP socket.
public final class Listener: Pollable, @unchecked Sendable {
    // Safe because the accept state is touched on the loop's thread only.

    public let localAddress: SocketAddress
    private let loop: EventLoop
    private let tls: TLSContext?
    private let number: Int32
    private var descriptor: Descriptor?
    private var generation: UInt32 = 0
    private var ready: [Channel] = []
    private var waiter: OneShot<Channel>?
    private var onChannel: (@Sendable (Channel) -> Void)?
    private var isPausedForLimit = false
    /// Connections that were accepted and are still in the TLS handshake.
    private var handshakes = 0
    private let handshakesMax: Int
    /// Where channels live, in turn.
    private let loops: [EventLoop]
    private var turn = 0

    /// Connections that wait for ``accept()`` before the kernel's queue takes the rest.
    private static let readyLimit = 128

    private init(
        _ descriptor: consuming Descriptor, at address: SocketAddress, on loop: EventLoop,
        sharedWith others: [EventLoop], tls: TLSContext?, handshakesMax: Int
    ) {
        loops = [loop] + others
        self.handshakesMax = handshakesMax
        number = descriptor.number
        self.descriptor = consume descriptor
        localAddress = address
        self.loop = loop
        self.tls = tls
    }

    /// Listens on `address`; port 0 takes a free one: see ``localAddress``.
    ///
    /// - Parameters:
    ///   - address: What to listen on.
    ///   - loop: Where the listener lives.
    ///   - others: Loops that get connections too, each in its turn; then only with ``onAccept(_:)``.
    ///   - tls: How connections are encrypted; nil for not.
    ///   - handshakesMax: How many connections may be in the TLS handshake at once, whose owners
    ///     bound its time; further ones wait in the kernel's queue until one is done.
    public static func bind(
        to address: SocketAddress, on loop: EventLoop, sharedWith others: [EventLoop] = [],
        tls: TLSContext? = nil, handshakesMax: Int = 1024
    ) throws(TransportError) -> Listener {
        precondition(handshakesMax > 0, "a listener needs room for a handshake")
        let socket = try openSocket(for: address)
        var one: Int32 = 1
        // Safe because SO_REUSEADDR is an int of the size given.
        unsafe setsockopt(
            socket.number, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard unsafe address.withSockaddr({ unsafe Glibc.bind(socket.number, $0, $1) }) == 0,
            Glibc.listen(socket.number, 1024) == 0
        else { throw TransportError(errno: errno, "cannot listen on \(address)") }
        let bound = boundAddress(of: socket.number)
        let listener = Listener(
            socket, at: bound ?? address, on: loop, sharedWith: others, tls: tls,
            handshakesMax: handshakesMax)
        loop.perform { listener.watch() }
        return listener
    }

    /// The next connection; its stream lives on the listener's loop.
    public func accept() async throws(TransportError) -> ByteStream {
        precondition(loops.count == 1, "a listener of several loops gives channels to onAccept")
        let arrived = OneShot<Channel>()
        let channel = try await arrived.value {
            loop.perform { [self] in wait(arrived) }
        }
        return await ByteStream.adopting(channel)
    }

    /// Gives every connection to `body`, on the loop where it lives, in place of ``accept()``; the
    /// channel is not started yet.
    public func onAccept(_ body: @escaping @Sendable (Channel) -> Void) {
        loop.perform { [self] in
            onChannel = body
            for channel in ready { body(channel) }
            ready.removeAll()
        }
    }

    /// Stops listening; idempotent.
    ///
    /// ``accept()`` that waits gets `.closed`.
    public func close() {
        loop.perform { [self] in
            close(TransportError(.closed, "stopped listening on \(localAddress)"))
        }
    }

    func close(_ error: TransportError) {
        guard descriptor != nil else { return }
        if generation != 0 { loop.remove(number) }
        descriptor = nil
        onChannel = nil
        waiter?.settle(.failure(error))
        waiter = nil
        ready.removeAll()
    }

    private func watch() {
        guard descriptor != nil, !loop.isStopped else { return }
        generation = loop.add(self, number, events: UInt32(EPOLLIN.rawValue))
    }

    private func wait(_ arrived: OneShot<Channel>) {
        guard descriptor != nil else {
            arrived.settle(
                .failure(TransportError(.closed, "stopped listening on \(localAddress)")))
            return
        }
        if !ready.isEmpty {
            let channel = ready.removeFirst()
            if !arrived.settle(.success(channel)) { ready.insert(channel, at: 0) }
        } else {
            waiter = arrived
        }
        updateInterest()
    }

    private var hasRoom: Bool { ready.count < Self.readyLimit && handshakes < handshakesMax }

    private func updateInterest() {
        let isFull = !hasRoom
        if isFull == isPausedForLimit || generation == 0 { return }
        isPausedForLimit = isFull
        loop.modify(number, events: isFull ? 0 : UInt32(EPOLLIN.rawValue), generation: generation)
    }

    func handle(events: UInt32) {
        for _ in 0..<64 where hasRoom && descriptor != nil {
            var storage = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            // Safe because a sockaddr_storage has room for every family.
            let (accepted, address) = unsafe withUnsafeMutablePointer(to: &storage) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    let accepted = unsafe CLinux_accept(number, pointer, &size)
                    return (accepted, accepted >= 0 ? unsafe SocketAddress(pointer) : nil)
                }
            }
            guard accepted >= 0 else {
                if [EMFILE, ENFILE, ENOMEM, ENOBUFS].contains(errno) { pauseForResources() }
                return
            }
            if tls != nil {
                handshakes += 1
                updateInterest()
            }
            // Without a body yet, what waits for one waits here.
            turn = onChannel == nil ? 0 : (turn + 1) % loops.count
            let home = loops[turn]
            guard home !== loop, let onChannel else {
                deliver(channel(accepted, address ?? localAddress, on: loop))
                continue
            }
            home.execute { [self] in
                onChannel(channel(accepted, address ?? localAddress, on: home))
            }
        }
    }

    /// The channel of a connection, which counts until its handshake is over, one way or the other.
    private func channel(_ number: Int32, _ address: SocketAddress, on home: EventLoop) -> Channel {
        let channel = SocketChannel(
            Descriptor(owning: number), to: address, on: home, tls: tls, isConnecting: false)
        if tls == nil { return channel }
        channel.onHandshakeEnd = { [weak self, loop] in
            loop.perform {
                guard let self else { return }
                self.handshakes -= 1
                if self.descriptor != nil { self.updateInterest() }
            }
        }
        return channel
    }

    private func deliver(_ channel: Channel) {
        if let onChannel {
            onChannel(channel)
        } else if let waiter, waiter.settle(.success(channel)) {
            self.waiter = nil
        } else {
            waiter = nil
            ready.append(channel)
            updateInterest()
        }
    }

    /// Without free descriptors or memory the listener would spin: it rests for a moment.
    private func pauseForResources() {
        loop.modify(number, events: 0, generation: generation)
        loop.schedule(at: loop.now &+ 100_000_000) { [weak self] in
            guard let self, descriptor != nil else { return }
            isPausedForLimit = true
            updateInterest()
        }
    }
}
