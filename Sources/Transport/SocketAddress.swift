import CLinux
import Glibc

/// An IPv4 or IPv6 address with a port.
public struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// The numeric address, as `inet_ntop` writes it.
    public let host: String
    public let port: UInt16
    /// Network byte order: 4 bytes for IPv4, 16 for IPv6.
    let bytes: [UInt8]

    /// Takes a numeric address: `127.0.0.1`, `::1`.
    public init(host: String, port: UInt16) throws(TransportError) {
        var bytes = [UInt8](repeating: 0, count: 16)
        // Safe because inet_pton writes 4 or 16 bytes into a buffer of 16.
        let isIPv4 = unsafe bytes.withUnsafeMutableBytes {
            unsafe inet_pton(AF_INET, host, $0.baseAddress) == 1
        }
        if isIPv4 {
            bytes.removeLast(12)
        } else {
            let isIPv6 = unsafe bytes.withUnsafeMutableBytes {
                unsafe inet_pton(AF_INET6, host, $0.baseAddress) == 1
            }
            guard isIPv6 else {
                throw TransportError(
                    .invalidAddress, "'\(host)' is not a numeric IPv4 or IPv6 address")
            }
        }
        self.init(bytes: bytes, port: port)
    }

    /// Takes `host:port` or `[v6]:port`, numeric.
    public init(parsing text: String) throws(TransportError) {
        let (host, port) = try Self.split(text)
        try self.init(host: host, port: port)
    }

    /// Splits `host:port` or `[v6]:port`; the host may be a name.
    public static func split(_ text: String) throws(TransportError) -> (host: String, port: UInt16)
    {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else {
            throw TransportError(
                .invalidAddress, "'\(text)' is not an address: expected HOST:PORT or [IPv6]:PORT")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw TransportError(
                .invalidAddress, "'\(text)' is not an address: an IPv6 host needs brackets")
        }
        guard !host.isEmpty else {
            throw TransportError(.invalidAddress, "'\(text)' is not an address: no host")
        }
        return (String(host), port)
    }

    /// Takes the 4 or 16 bytes of an address.
    package init(bytes: [UInt8], port: UInt16) {
        self.bytes = bytes
        self.port = port
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        // Safe because both buffers are as long as inet_ntop is told, and it ends with NUL.
        host = unsafe text.withUnsafeMutableBufferPointer { text in
            unsafe bytes.withUnsafeBytes { source in
                _ = unsafe inet_ntop(
                    family, source.baseAddress, text.baseAddress, socklen_t(text.count))
            }
            return unsafe text.baseAddress.map { unsafe String(cString: $0) } ?? ""
        }
    }

    /// The next address, with the same port; throws behind the last one.
    public func next() throws(TransportError) -> SocketAddress {
        var bytes = bytes
        for place in bytes.indices.reversed() {
            bytes[place] &+= 1
            if bytes[place] != 0 { return SocketAddress(bytes: bytes, port: port) }
        }
        throw TransportError(.invalidAddress, "there is no address behind \(self)")
    }

    public var isLoopback: Bool {
        if bytes.count == 4 { return bytes[0] == 127 }
        if bytes.dropLast() == ArraySlice([UInt8](repeating: 0, count: 15)) {
            return bytes[15] == 1
        }
        return bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127])
    }

    public var description: String { bytes.count == 4 ? "\(host):\(port)" : "[\(host)]:\(port)" }

    /// Looks a name up on a thread of its own, since the resolver blocks; never empty.
    ///
    /// When it takes longer than `timeout`, the waiting ends with `.timedOut`, and the thread when
    /// the resolver gives up.
    public static func resolve(
        _ host: String, port: UInt16, on loop: EventLoop, timeout: Duration
    ) async throws(TransportError) -> [SocketAddress] {
        try await resolve(host, port: port, on: loop, timeout: timeout, with: lookUp)
    }

    static func resolve(
        _ host: String, port: UInt16, on loop: EventLoop, timeout: Duration,
        with lookUp: @escaping @Sendable (String, UInt16) -> Result<[SocketAddress], TransportError>
    ) async throws(TransportError) -> [SocketAddress] {
        if let numeric = try? SocketAddress(host: host, port: port) { return [numeric] }
        let found = OneShot<[SocketAddress]>()
        return try await found.value {
            loop.perform {
                let late = TransportError(
                    .timedOut, "looking up '\(host)' took longer than \(timeout)")
                let deadline = loop.currentTime() &+ timeout.clampedNanoseconds
                let timer = loop.schedule(at: deadline) { found.settle(.failure(late)) }
                found.onSettled { loop.perform { loop.cancel(timer) } }
            }
            detachThread { found.settle(lookUp(host, port)) }
        }
    }

    private static func lookUp(
        _ host: String, port: UInt16
    ) -> Result<[SocketAddress], TransportError> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        // Safe because getaddrinfo owns the list until freeaddrinfo, and nothing of it is kept.
        let status = unsafe getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else {
            let reason = unsafe String(cString: gai_strerror(status))
            return .failure(TransportError(.unreachable, "cannot look up '\(host)': \(reason)"))
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = unsafe list
        while let item = unsafe next {
            if let address = unsafe item.pointee.ai_addr,
                let parsed = unsafe SocketAddress(address, port: port)
            {
                addresses.append(parsed)
            }
            unsafe next = item.pointee.ai_next
        }
        guard !addresses.isEmpty else {
            return .failure(TransportError(.unreachable, "'\(host)' has no address"))
        }
        return .success(addresses)
    }

    /// Reads a kernel's address; nil for families other than IPv4 and IPv6.
    ///
    /// - Parameters:
    ///   - address: As long as its family says.
    ///   - port: Used instead of the address's own.
    @unsafe init?(_ address: UnsafePointer<sockaddr>, port: UInt16? = nil) {
        switch Int32(unsafe address.pointee.sa_family) {
        case AF_INET:
            let v4 = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self)
            let bytes = unsafe withUnsafeBytes(of: v4.sin_addr) { unsafe Array($0) }
            self.init(bytes: bytes, port: port ?? UInt16(bigEndian: v4.sin_port))
        case AF_INET6:
            let v6 = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self)
            let bytes = unsafe withUnsafeBytes(of: v6.sin6_addr) { unsafe Array($0) }
            self.init(bytes: bytes, port: port ?? UInt16(bigEndian: v6.sin6_port))
        default: return nil
        }
    }

    /// Calls `body` with the address as the kernel wants it.
    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        if bytes.count == 4 {
            var v4 = sockaddr_in()
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            // Safe because `bytes` has exactly the 4 bytes of an in_addr.
            unsafe withUnsafeMutableBytes(of: &v4.sin_addr) { unsafe $0.copyBytes(from: bytes) }
            return unsafe withUnsafePointer(to: &v4) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        var v6 = sockaddr_in6()
        v6.sin6_family = sa_family_t(AF_INET6)
        v6.sin6_port = port.bigEndian
        // Safe because `bytes` has exactly the 16 bytes of an in6_addr.
        unsafe withUnsafeMutableBytes(of: &v6.sin6_addr) { unsafe $0.copyBytes(from: bytes) }
        return unsafe withUnsafePointer(to: &v6) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }
}
