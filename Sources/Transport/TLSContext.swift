import Glibc
import Synchronization

/// Certificates and rules of TLS.
///
/// The certificates can be read again while connections live: new ones use what was read last, old
/// ones keep what they began with.
public final class TLSContext: Sendable {
    /// What ``reload(evenIfUnchanged:)`` came to.
    public enum Reload: Sendable {
        case unchanged
        case reloaded
    }

    /// The handshakes that have succeeded.
    public struct HandshakeCounts: Sendable, Hashable {
        /// With certificates.
        public var full: UInt64 = 0
        /// Of an earlier session.
        public var resumed: UInt64 = 0
    }

    private struct State: Sendable {
        var counts = HandshakeCounts()
        var credentials: TLSCredentials
        /// The files as they were before the last reading that succeeded.
        var stamps: [FileStamp?]
    }

    let isServer: Bool
    /// The trust domain that the peer's SPIFFE URI must be of; nil where no client certificate
    /// is asked for.
    let trustDomain: String?
    /// The roles that the peer may have; empty for any.
    let peerRoles: [String]
    let resumption: TLSResumption
    /// Seconds since 1970.
    let now: @Sendable () -> Int64
    private let files: TLSFiles
    private let state: Lock<State>

    private init(
        _ files: TLSFiles, isServer: Bool, trustDomain: String?, peerRoles: [String],
        _ resumption: TLSResumption, now: @escaping @Sendable () -> Int64
    ) throws(TransportError) {
        self.files = files
        self.isServer = isServer
        self.trustDomain = trustDomain
        self.peerRoles = peerRoles
        self.resumption = resumption
        self.now = now
        let stamps = files.stamps
        let credentials = try TLSCredentials(files, resumption, isServer: isServer)
        state = Lock(State(credentials: credentials, stamps: stamps))
    }

    /// TLS 1.3 where both ends show certificates with SPIFFE identities.
    ///
    /// - Parameters:
    ///   - certificate: A PEM file with the chain, the own certificate first.
    ///   - key: A PEM file that only its owner may read (mode 0600 or 0400).
    ///   - ca: A PEM file with the roots: two while one takes the place of the other.
    ///   - trustDomain: What the peer's SPIFFE URI must be of.
    ///   - peerRoles: What roles the peer may have; empty for any.
    ///   - isServer: Whether this end accepts connections.
    ///   - resumption: Whether sessions are resumed; both ends must allow it.
    ///   - now: The time that certificates are checked against, in seconds since 1970.
    public static func mutual(
        certificate: String, key: String, ca: String, trustDomain: String,
        peerRoles: [String] = [], isServer: Bool, resumption: TLSResumption = TLSResumption(),
        now: @escaping @Sendable () -> Int64 = { TLSContext.systemTime() }
    ) throws(TransportError) -> TLSContext {
        try TLSContext(
            TLSFiles(certificate: certificate, key: key, ca: ca), isServer: isServer,
            trustDomain: trustDomain, peerRoles: peerRoles, resumption, now: now)
    }

    /// A web server's TLS: no client certificate is asked for, and no session is resumed.
    public static func webServer(certificate: String, key: String) throws(TransportError)
        -> TLSContext
    {
        try TLSContext(
            TLSFiles(certificate: certificate, key: key, ca: nil), isServer: true,
            trustDomain: nil, peerRoles: [], .off, now: { TLSContext.systemTime() })
    }

    /// The system's clock in seconds since 1970.
    public static func systemTime() -> Int64 { Int64(time(nil)) }

    // MARK: - Reading the files again

    /// Reads the files again, if one of them has changed since they were read.
    ///
    /// All or nothing: when one cannot be used, everything stays as it was, the error says why, and
    /// the next call tries again. What was read voids all tickets and sessions.
    ///
    /// - Parameter evenIfUnchanged: Reads them in any case.
    public func reload(evenIfUnchanged: Bool = false) throws(TransportError) -> Reload {
        let stamps = files.stamps
        if !evenIfUnchanged, state.withLock({ $0.stamps }) == stamps { return .unchanged }
        let credentials = try TLSCredentials(files, resumption, isServer: isServer)
        if trustDomain != nil, let before = identity {
            let after = credentials.identity
            guard after == before else {
                throw TransportError(
                    .tls,
                    """
                    the certificate file \(files.certificate) is for \
                    \(after?.description ?? "no SPIFFE identity") now, and this program runs as \
                    \(before): restart it to make it another
                    """)
            }
        }
        state.withLock { state in
            state.credentials = credentials
            state.stamps = stamps
        }
        return .reloaded
    }

    /// What new connections use.
    var credentials: TLSCredentials { state.withLock { $0.credentials } }

    /// How many handshakes have succeeded, for metrics.
    public var handshakeCounts: HandshakeCounts { state.withLock { $0.counts } }

    func countHandshake(isResumed: Bool) {
        state.withLock { state in
            if isResumed { state.counts.resumed += 1 } else { state.counts.full += 1 }
        }
    }

    // MARK: - The own certificate

    /// The file of the own certificate.
    public var certificateFile: String { files.certificate }

    /// From when to when the own certificate is valid.
    public var certificateValidity: CertificateValidity? { credentials.validity }

    /// The SPIFFE identity in the own certificate.
    public var identity: PeerIdentity? { credentials.identity }

    // MARK: - The peer

    /// Why a peer with a verified certificate is refused; nil when it is admitted.
    func refusal(of peer: PeerIdentity) -> String? {
        if let trustDomain, peer.trustDomain != trustDomain {
            return "the peer \(peer) is not of the trust domain '\(trustDomain)'"
        }
        if peerRoles.isEmpty || peerRoles.contains(peer.role) { return nil }
        return "the peer is \(peer); expected the role \(peerRoles.joined(separator: " or "))"
    }
}
