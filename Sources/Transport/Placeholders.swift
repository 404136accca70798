// The API that other targets code against; bodies follow.

/// Why I/O failed.
public struct TransportError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case refused, unreachable, timedOut, closed, reset, tls, cancelled
        case addressInUse, invalidAddress, system
    }
    public var code: Code
    /// A sentence that names the address and the cause.
    public var message: String
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
    public var description: String { message }
}

/// An IPv4 or IPv6 address with a port.
public struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    public let host: String
    public let port: UInt16
    /// Takes a numeric address: `127.0.0.1`, `::1`.
    public init(host: String, port: UInt16) throws(TransportError) { fatalError() }
    /// Takes `host:port` or `[v6]:port`, numeric.
    public init(parsing text: String) throws(TransportError) { fatalError() }
    public var description: String { "\(host):\(port)" }
    /// Looks a name up (blocking work on a thread of its own); never empty.
    public static func resolve(_ host: String, port: UInt16) async throws(TransportError)
        -> [SocketAddress] { fatalError() }
}

/// One thread with epoll; owns its sockets and timers, and runs tasks.
public final class EventLoop: TaskExecutor, SerialExecutor {
    /// Starts the thread.
    public init(name: String) { fatalError() }
    /// Ends the thread and waits for it; not from the loop itself.
    public func shutdown() { fatalError() }
    public var isCurrent: Bool { fatalError() }
    /// Runs `body` on the loop; from any thread.
    public func execute(_ body: @escaping @Sendable () -> Void) { fatalError() }
    public func enqueue(_ job: consuming ExecutorJob) { fatalError() }
    /// Suspends for at least `duration`; throws `.cancelled` when the task is.
    public func sleep(for duration: Duration) async throws(TransportError) { fatalError() }
}

/// A thread for work that blocks: an executor for actors and tasks.
public final class WorkerThread: TaskExecutor, SerialExecutor {
    public init(name: String) { fatalError() }
    public func shutdown() { fatalError() }
    public func enqueue(_ job: consuming ExecutorJob) { fatalError() }
}

/// Who the other end is: its SPIFFE URI, verified in the handshake.
public struct PeerIdentity: Sendable, Hashable, CustomStringConvertible {
    /// `biometricflow` in `spiffe://biometricflow/location/cairo`.
    public let trustDomain: String
    /// `location` in the same.
    public let role: String
    /// `cairo` in the same.
    public let name: String
    public init?(uri: String) { fatalError() }
    public var description: String { "spiffe://\(trustDomain)/\(role)/\(name)" }
}

/// Certificates and rules of TLS; immutable.
public final class TLSContext: Sendable {
    /// TLS 1.3, both ends with certificates of one CA and SPIFFE identities.
    public static func mutual(
        certificate: String, key: String, ca: String, trustDomain: String, isServer: Bool
    ) throws(TransportError) -> TLSContext { fatalError() }
    /// A web server's TLS: no client certificate asked for.
    public static func webServer(certificate: String, key: String) throws(TransportError)
        -> TLSContext { fatalError() }
}

/// A TCP connection, in TLS or not, for one reading and one writing task.
public final class ByteStream: Sendable {
    /// Connects and, with `tls`, shakes hands; all of it within `timeout`.
    public static func connect(
        to address: SocketAddress, on loop: EventLoop, tls: TLSContext? = nil, timeout: Duration
    ) async throws(TransportError) -> ByteStream { fatalError() }
    /// Finishes the TLS handshake of an accepted stream; nothing to do without TLS.
    public func handshake(timeout: Duration) async throws(TransportError) { fatalError() }
    /// What has arrived, at least a byte; empty at the end of the stream. After `.timedOut`
    /// the stream is as before and can be read again.
    public func read(atMost limit: Int = 65_536, timeout: Duration? = nil)
        async throws(TransportError) -> [UInt8] { fatalError() }
    /// Returns once the bytes are with the kernel. One call, one segment where they fit.
    public func write(_ bytes: [UInt8], timeout: Duration? = nil) async throws(TransportError) {
        fatalError()
    }
    /// Closes at once; idempotent. Readers and writers that wait get `.closed`.
    public func close() { fatalError() }
    public var remoteAddress: SocketAddress { fatalError() }
    /// Who the other end is; nil without mutual TLS or before the handshake.
    public var peer: PeerIdentity? { fatalError() }
}

/// A listening socket.
public final class Listener: Sendable {
    /// Port 0 takes a free one: see ``localAddress``.
    public static func bind(
        to address: SocketAddress, on loop: EventLoop, tls: TLSContext? = nil
    ) throws(TransportError) -> Listener { fatalError() }
    public var localAddress: SocketAddress { fatalError() }
    /// The next connection; its streams live on the listener's loop.
    public func accept() async throws(TransportError) -> ByteStream { fatalError() }
    public func close() { fatalError() }
}
