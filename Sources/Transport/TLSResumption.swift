import COpenSSL
import Synchronization

/// Whether and for how long a TLS session may be taken up again without certificates (RFC 8446
/// §2.2): with a fresh key exchange, and never with early data.
///
/// A resumed session costs a third of a full handshake. It is checked anew each time: the peer's
/// whole chain must be valid now, its identity must be one that is admitted, and the roots must be
/// those the chain was verified against, because each reading of the files has ticket keys and
/// sessions of its own.
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
    /// The sessions that a client keeps for one address, the newest.
    public var sessionsPerPeer = 4
    /// The addresses for which a client keeps sessions.
    public var peersMax = 256

    public init() {}

    /// Every connection makes a full handshake.
    public static var off: TLSResumption {
        var off = TLSResumption()
        (off.ticketsPerHandshake, off.sessionsPerPeer) = (0, 0)
        return off
    }
}

/// What a full handshake has shown about the peer, as far as time changes it.
struct PeerProof: Hashable {
    /// When every certificate of the verified chain is valid.
    var validity: CertificateValidity
    /// When the peer proved that it has its certificate's key.
    var provedAt: Int64

    static let encodedCount = 24

    /// Three little-endian integers, for a ticket.
    var encoded: [UInt8] {
        [validity.notBefore, validity.notAfter, provedAt].flatMap { number in
            (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
        }
    }

    init(validity: CertificateValidity, provedAt: Int64) {
        self.validity = validity
        self.provedAt = provedAt
    }

    /// Reads ``encoded``; nil when the length is another.
    init?(encoded: [UInt8]) {
        guard encoded.count == Self.encodedCount else { return nil }
        func number(_ index: Int) -> Int64 {
            encoded[index * 8..<index * 8 + 8].reversed().reduce(0) { $0 << 8 | Int64($1) }
        }
        validity = CertificateValidity(notBefore: number(0), notAfter: number(1))
        provedAt = number(2)
    }

    /// Whether it still tells who the peer is.
    func isGood(at now: Int64, _ resumption: TLSResumption) -> Bool {
        guard validity.contains(now) else { return false }
        let (age, overflow) = now.subtractingReportingOverflow(provedAt)
        // A clock that was set back by a few seconds makes no age negative for long.
        return !overflow && age >= -60 && age < resumption.proofSeconds
    }
}

/// A session that a server allows to resume.
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

/// The newest sessions of a client, by the address they were made with.
struct SessionStore: ~Copyable, Sendable {
    private let resumption: TLSResumption
    private let sessions = Mutex<[SocketAddress: [ResumableSession]]>([:])

    init(_ resumption: TLSResumption) { self.resumption = resumption }

    var isOff: Bool { resumption.sessionsPerPeer == 0 }

    func add(_ session: ResumableSession, for address: SocketAddress) {
        sessions.withLock { sessions in
            if sessions[address] == nil, sessions.count >= resumption.peersMax {
                // Any other: a program with so many peers loses one short handshake by it.
                if let other = sessions.keys.first { sessions[other] = nil }
            }
            var kept = sessions[address] ?? []
            kept.append(session)
            if kept.count > resumption.sessionsPerPeer { kept.removeFirst() }
            sessions[address] = kept
        }
    }

    /// The newest session, taken out: used twice, it would show an eavesdropper that both
    /// connections are of one client (RFC 8446 §C.4).
    func take(for address: SocketAddress) -> ResumableSession? {
        sessions.withLock { sessions in
            guard let newest = sessions[address]?.popLast() else { return nil }
            if sessions[address]?.isEmpty == true { sessions[address] = nil }
            return newest
        }
    }
}
