import CLinux
import Glibc

/// One datagram and whom it is from.
public struct Datagram: Sendable {
    public var bytes: [UInt8]
    public var sender: SocketAddress
}

/// A UDP socket on a loop, for one receiving task; any task may send.
public final class DatagramSocket: Pollable, @unchecked Sendable {
    // Safe because what changes is touched on the loop's thread only, but for the descriptor's
    // number, whose socket is closed on the loop and which `send` uses there.

    public let localAddress: SocketAddress
    /// The only peer of a connected socket.
    public let remoteAddress: SocketAddress?
    private let loop: EventLoop
    private let number: Int32
    private var descriptor: Descriptor?
    private var generation: UInt32 = 0
    private var arrived: [Datagram] = []
    private var arrivedBytes = 0
    private var isPaused = false
    private var receiver: OneShot<Datagram>?
    private var failure: TransportError?

    /// The longest datagram that is received whole; longer ones are dropped.
    public static let bytesMax = 65_507
    /// What waits for a receiver before the kernel's buffer takes the rest.
    private static let arrivedBytesMax = 1 << 20

    private init(
        _ descriptor: consuming Descriptor, to remote: SocketAddress?, at local: SocketAddress,
        on loop: EventLoop
    ) {
        number = descriptor.number
        self.descriptor = consume descriptor
        remoteAddress = remote
        localAddress = local
        self.loop = loop
    }

    /// Receives what is sent to `address`, from anybody; port 0 takes a free one.
    public static func bind(
        to address: SocketAddress, on loop: EventLoop
    ) throws(TransportError) -> DatagramSocket {
        let socket = try openSocket(for: address, type: SOCK_DGRAM)
        guard unsafe address.withSockaddr({ unsafe Glibc.bind(socket.number, $0, $1) }) == 0
        else { throw TransportError(errno: errno, "cannot listen on \(address)") }
        return open(socket, to: nil, at: address, on: loop)
    }

    /// Exchanges datagrams with `address` alone; whether somebody is there shows when one answers.
    public static func connect(
        to address: SocketAddress, on loop: EventLoop
    ) throws(TransportError) -> DatagramSocket {
        let socket = try openSocket(for: address, type: SOCK_DGRAM)
        guard unsafe address.withSockaddr({ unsafe Glibc.connect(socket.number, $0, $1) }) == 0
        else { throw TransportError(errno: errno, "cannot reach \(address)") }
        return open(socket, to: address, at: address, on: loop)
    }

    private static func open(
        _ socket: consuming Descriptor, to remote: SocketAddress?, at address: SocketAddress,
        on loop: EventLoop
    ) -> DatagramSocket {
        var bytes: Int32 = 1 << 20
        // Safe because SO_RCVBUF is an int of the size given.
        unsafe setsockopt(
            socket.number, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        let local = boundAddress(of: socket.number) ?? address
        let opened = DatagramSocket(socket, to: remote, at: local, on: loop)
        loop.perform { opened.watch() }
        return opened
    }

    /// The oldest datagram that is not taken yet, or the next.
    ///
    /// After `.timedOut` or `.cancelled` the socket can be used on. `.refused` says that a datagram
    /// came back: nobody listens there.
    ///
    /// - Parameters:
    ///   - timeout: How long to wait; nil for ever.
    ///   - waker: What ends the wait with `.timedOut` before.
    public func receive(
        timeout: Duration? = nil, waker: Waker? = nil
    ) async throws(TransportError) -> Datagram {
        let shot = OneShot<Datagram>()
        defer { waker?.disarm() }
        return try await shot.value {
            waker?.arm { shot.settle(.failure(TransportError(.timedOut, "the wait was ended"))) }
            loop.perform { [self] in
                serve(shot)
                if let timeout { fail(shot, after: timeout) }
            }
        }
    }

    /// Sends a datagram; one that finds the kernel's buffer full is lost, as on its way.
    ///
    /// - Parameters:
    ///   - bytes: At most ``bytesMax``.
    ///   - address: Whom to; nil for the peer of a connected socket.
    public func send(
        _ bytes: [UInt8], to address: SocketAddress? = nil
    ) async throws(TransportError) {
        let sent = OneShot<Bool>()
        _ = try await sent.value {
            loop.perform { [self] in sent.settle(write(bytes, address)) }
        }
    }

    /// Closes at once; idempotent.
    ///
    /// A receiver that waits gets `.closed`.
    public func close() {
        loop.perform { [self] in
            close(TransportError(.closed, "the socket at \(localAddress) was closed here"))
        }
    }

    // MARK: - On the loop

    func close(_ error: TransportError) {
        guard descriptor != nil else { return }
        if generation != 0 { loop.remove(number) }
        descriptor = nil
        failure = error
        receiver.take()?.settle(.failure(error))
    }

    private func watch() {
        guard descriptor != nil, !loop.isStopped else { return }
        generation = loop.add(self, number, events: UInt32(EPOLLIN.rawValue))
    }

    private func fail(_ shot: OneShot<Datagram>, after timeout: Duration) {
        guard !shot.isSettled else { return }
        let timer = loop.schedule(at: loop.currentTime() &+ timeout.clampedNanoseconds) {
            [localAddress] in
            let message = "no datagram came to \(localAddress) within \(timeout)"
            shot.settle(.failure(TransportError(.timedOut, message)))
        }
        shot.onSettled { [loop] in loop.perform { loop.cancel(timer) } }
    }

    private func serve(_ shot: OneShot<Datagram>) {
        if let first = arrived.first {
            // The receiver may be gone already, by cancellation: then nothing is lost.
            guard shot.settle(.success(first)) else { return }
            arrived.removeFirst()
            arrivedBytes -= max(first.bytes.count, 64)
            updateInterest()
        } else if let failure {
            // A refusal is told once: whoever was not there may come.
            if descriptor != nil { self.failure = nil }
            shot.settle(.failure(failure))
        } else {
            receiver = shot
        }
    }

    private func updateInterest() {
        let isFull = arrivedBytes > Self.arrivedBytesMax
        guard isFull != isPaused, generation != 0, descriptor != nil else { return }
        isPaused = isFull
        loop.modify(number, events: isFull ? 0 : UInt32(EPOLLIN.rawValue), generation: generation)
    }

    private func write(_ bytes: [UInt8], _ address: SocketAddress?) -> Result<Bool, TransportError>
    {
        guard descriptor != nil else {
            return .failure(
                failure ?? TransportError(.closed, "the socket at \(localAddress) is closed"))
        }
        // Safe because the kernel copies the bytes before it returns.
        let count = unsafe bytes.withUnsafeBytes { buffer in
            guard let address else {
                return unsafe Glibc.send(number, buffer.baseAddress, buffer.count, 0)
            }
            return unsafe address.withSockaddr {
                unsafe sendto(number, buffer.baseAddress, buffer.count, 0, $0, $1)
            }
        }
        if count >= 0 { return .success(true) }
        switch errno {
        // Full, or an earlier datagram's refusal, which the receiver is told of.
        case EAGAIN, EWOULDBLOCK, ENOBUFS, EINTR: return .success(true)
        case ECONNREFUSED:
            note(TransportError(errno: ECONNREFUSED, "cannot reach \(peerName)"))
            return .success(true)
        default: return .failure(TransportError(errno: errno, "cannot send to \(peerName)"))
        }
    }

    private var peerName: String { "\(remoteAddress ?? localAddress)" }

    private func note(_ error: TransportError) {
        if let receiver = receiver.take(), receiver.settle(.failure(error)) { return }
        failure = error
    }

    func handle(events: UInt32) {
        // Bounded, so that a flood does not keep the loop's other sockets waiting.
        for _ in 0..<64 where descriptor != nil && arrivedBytes <= Self.arrivedBytesMax {
            var storage = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            // Safe because a sockaddr_storage has room for every family, and the loop's buffer for
            // every datagram; its bytes are copied before the next read.
            let (count, sender) = unsafe withUnsafeMutablePointer(to: &storage) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    let count = unsafe recvfrom(
                        number, loop.readBuffer.baseAddress, loop.readBuffer.count, 0, pointer,
                        &size)
                    return (count, count >= 0 ? unsafe SocketAddress(pointer) : nil)
                }
            }
            guard count >= 0 else {
                if errno == ECONNREFUSED {
                    note(TransportError(errno: ECONNREFUSED, "cannot reach \(peerName)"))
                    continue
                }
                break
            }
            guard let sender = sender ?? remoteAddress else { continue }
            let bytes = unsafe Array(
                UnsafeRawBufferPointer(rebasing: loop.readBuffer[0..<count]))
            let datagram = Datagram(bytes: bytes, sender: sender)
            if let receiver = receiver.take(), receiver.settle(.success(datagram)) { continue }
            arrived.append(datagram)
            // An empty one takes memory too.
            arrivedBytes += max(count, 64)
        }
        updateInterest()
    }
}

/// The address that the kernel has bound a socket to.
func boundAddress(of number: Int32) -> SocketAddress? {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    // Safe because a sockaddr_storage has room for every family.
    return unsafe withUnsafeMutablePointer(to: &storage) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
            unsafe getsockname(number, pointer, &size) == 0
                ? unsafe SocketAddress(pointer) : nil
        }
    }
}
