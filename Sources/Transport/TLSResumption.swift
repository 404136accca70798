import COpenSSL
import Synchronization

/// Whether and for how long a TLS session may be taken up again without certificates (RFC 8446
/// §2.2): with a fresh key exchange, and never with early data.
///
/// Both ends keep sessions in memory, and each is good for one connection. A resumed session is
/// checked anew on both ends: the peer's whole chain must be valid now, its identity must be one
/// that is admitted, and the roots must be those that the chain was verified against, because
/// each reading of the files has sessions of its own.
public struct TLSResumption: Sendable, Hashable {
    /// Tickets that a server gives after a full handshake; a resumed one gives one more.
    ///
    /// A ticket is good for one connection, and a location has one connection to each gateway.
    public var ticketsPerHandshake = 1
    /// Seconds for which a ticket is good: as long as an outage of an afternoon.
    public var ticketSeconds: Int64 = 7200
    /// Seconds after which a peer must prove again that it has its certificate's key, however often
    /// it resumed.
    public var proofSeconds: Int64 = 86_400
    /// The sessions that are kept for one peer, the newest: by identity on a server, by address on
    /// a client.
    public var sessionsPerPeer = 4
    /// The peers for which sessions are kept; one session takes some 8 KB.
    public var peersMax = 2048

    public init() {}

    /// Every connection makes a full handshake.
    public static var off: TLSResumption {
        var off = TLSResumption()
        (off.ticketsPerHandshake, off.sessionsPerPeer) = (0, 0)
        return off
    }

    var isOff: Bool { ticketsPerHandshake <= 0 || sessionsPerPeer <= 0 || peersMax <= 0 }
}

/// What a full handshake has shown about the peer, as far as time changes it.
struct PeerProof: Hashable {
    /// When every certificate of the verified chain is valid.
    var validity: CertificateValidity
    /// When the peer proved that it has its certificate's key.
    var provedAt: Int64

    /// Whether it still tells who the peer is.
    func isGood(at now: Int64, _ resumption: TLSResumption) -> Bool {
        guard validity.contains(now) else { return false }
        let (age, overflow) = now.subtractingReportingOverflow(provedAt)
        // A clock that was set back by a few seconds makes no age negative for long.
        return !overflow && age >= -60 && age < resumption.proofSeconds
    }
}

/// A session that may be resumed, once.
@safe final class ResumableSession: @unchecked Sendable {
    // Safe because the session is not changed while it is kept here, and OpenSSL counts its
    // references atomically.
    let raw: OpaquePointer
    let proof: PeerProof

    /// Takes over one reference to `raw`.
    init(owning raw: OpaquePointer, _ proof: PeerProof) {
        unsafe self.raw = raw
        self.proof = proof
    }

    /// A session of nobody, for tests.
    static func empty(_ proof: PeerProof) -> ResumableSession {
        guard let raw = unsafe SSL_SESSION_new() else {
            preconditionFailure("OpenSSL is out of memory")
        }
        return unsafe ResumableSession(owning: raw, proof)
    }

    deinit { unsafe SSL_SESSION_free(raw) }
}

/// The newest sessions of some peers.
final class SessionStore: Sendable {
    /// Whom a session is with: a client knows an address before it knows an identity.
    enum Peer: Hashable, Sendable {
        case address(SocketAddress)
        case identity(PeerIdentity)
    }

    private struct State {
        /// By name, which is what a server's ticket says.
        var sessions: [[UInt8]: ResumableSession] = [:]
        /// The names of a peer's sessions, the newest last; some may be gone.
        var names: [Peer: [[UInt8]]] = [:]
    }

    private let resumption: TLSResumption
    private let state = Lock(State())

    init(_ resumption: TLSResumption) { self.resumption = resumption }

    var count: Int { state.withLock { $0.sessions.count } }

    func add(_ session: ResumableSession, named name: [UInt8], of peer: Peer) {
        if resumption.isOff { return }
        state.withLock { state in
            if state.names[peer] == nil, state.names.count >= resumption.peersMax {
                // Any other: a program with so many peers loses one short handshake by it.
                if let other = state.names.keys.first {
                    for name in state.names[other] ?? [] { state.sessions[name] = nil }
                    state.names[other] = nil
                }
            }
            var names = (state.names[peer] ?? []).filter { state.sessions[$0] != nil }
            names.append(name)
            if names.count > resumption.sessionsPerPeer {
                state.sessions[names.removeFirst()] = nil
            }
            state.names[peer] = names
            state.sessions[name] = session
        }
    }

    /// The session of that name, taken out.
    func take(named name: [UInt8]) -> ResumableSession? {
        state.withLock { $0.sessions.removeValue(forKey: name) }
    }

    /// The newest session with a peer, taken out: used twice, it would show an eavesdropper that
    /// both connections are of one client (RFC 8446 §C.4).
    func takeNewest(of peer: Peer) -> ResumableSession? {
        state.withLock { state in
            while let name = state.names[peer]?.popLast() {
                if let session = state.sessions.removeValue(forKey: name) { return session }
            }
            state.names[peer] = nil
            return nil
        }
    }
}
