import CLinux
import Glibc

/// A socket whose last bytes were sent, until the peer has closed too.
///
/// Closing with bytes unread, or with more on their way, has the kernel reset the connection; the
/// peer could lose the alert that tells it why.
final class LingeringSocket: Pollable {
    private let loop: EventLoop
    private let number: Int32
    private var descriptor: Descriptor?
    private var timer: TimerID?

    /// How long it waits for the peer, in nanoseconds: a few times the way there and back.
    private static let limit: UInt64 = 2_000_000_000

    /// How many of a loop's sockets may linger: a flood of refused peers must not use up the
    /// program's descriptors.
    static let countMax = 256

    /// Says that nothing more comes, and reads what arrives to nowhere.
    static func start(_ descriptor: consuming Descriptor, on loop: EventLoop) {
        if loop.lingeringCount >= countMax { return }
        loop.lingeringCount += 1
        let socket = LingeringSocket(descriptor, on: loop)
        shutdown(socket.number, Int32(SHUT_WR))
        // The loop keeps it from here on.
        _ = loop.add(socket, socket.number, events: UInt32(EPOLLIN.rawValue))
        socket.timer = loop.schedule(at: loop.currentTime() &+ limit) { socket.end() }
    }

    private init(_ descriptor: consuming Descriptor, on loop: EventLoop) {
        number = descriptor.number
        self.descriptor = consume descriptor
        self.loop = loop
    }

    func handle(events: UInt32) {
        // Safe because the loop's buffer is used by nobody else until this returns.
        let count = unsafe recv(number, loop.readBuffer.baseAddress, loop.readBuffer.count, 0)
        if count > 0 || count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        end()
    }

    func close(_ error: TransportError) { end() }

    private func end() {
        guard descriptor != nil else { return }
        loop.lingeringCount -= 1
        if let timer { loop.cancel(timer) }
        loop.remove(number)
        descriptor = nil
    }
}
