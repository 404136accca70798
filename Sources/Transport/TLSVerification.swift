import COpenSSL

/// What OpenSSL asks during a handshake: whether the peer is admitted, by certificate or ticket.
///
/// Safe throughout because OpenSSL calls on the thread that drives the session, with pointers that
/// are valid until the call returns, and the session outlives its SSL.
extension TLSSession {
    /// Keeps where callbacks find the session: OpenSSL reserves index 0 for the application.
    func register(with ssl: OpaquePointer) {
        _ = unsafe SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
    }

    private static func session(of ssl: OpaquePointer?) -> TLSSession? {
        guard let ssl = unsafe ssl, let data = unsafe SSL_get_ex_data(ssl, 0) else { return nil }
        return unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
    }

    // MARK: - Certificates

    static func verifyPeer(_ store: OpaquePointer?) -> Int32 {
        guard let store = unsafe store,
            let ssl = unsafe X509_STORE_CTX_get_ex_data(
                store, SSL_get_ex_data_X509_STORE_CTX_idx()),
            let session = unsafe session(of: OpaquePointer(ssl))
        else { return 0 }
        return unsafe session.verifyPeer(store) ? 1 : 0
    }

    /// Verifies the chain, then the identity; the error that is set chooses the alert.
    private func verifyPeer(_ store: OpaquePointer) -> Bool {
        let now = context.now()
        unsafe X509_STORE_CTX_set_time(store, 0, Int(now))
        let identity = unsafe X509_STORE_CTX_get0_cert(store).flatMap {
            unsafe PeerIdentity(certificate: $0)
        }
        guard unsafe X509_verify_cert(store) == 1 else {
            let error = unsafe X509_STORE_CTX_get_error(store)
            let text = unsafe String(cString: X509_verify_cert_error_string(Int(error)))
            refusal = "the peer's certificate was refused: \(text)"
            if let identity { refusal?.append("; it names \(identity)") }
            return false
        }
        guard let identity else {
            refusal =
                "the peer's certificate has no SPIFFE URI of the form spiffe://DOMAIN/ROLE/NAME"
            unsafe X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED)
            return false
        }
        if let why = context.refusal(of: identity) {
            refusal = why
            // OpenSSL makes `certificate_unknown` of it: valid, and not accepted.
            unsafe X509_STORE_CTX_set_error(store, X509_V_ERR_SUBJECT_ISSUER_MISMATCH)
            return false
        }
        var (first, last): (Int64, Int64) = (0, 0)
        guard unsafe COpenSSL_chain_validity(store, &first, &last) == 1 else {
            refusal = "the validity of the peer's certificates cannot be read"
            unsafe X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED)
            return false
        }
        verified = identity
        proof = PeerProof(
            validity: CertificateValidity(notBefore: first, notAfter: last), provedAt: now)
        return true
    }

    // MARK: - Sessions

    /// Takes over a session that may be resumed: 1, or 0 when it is not kept.
    static func keep(_ session: OpaquePointer?, of ssl: OpaquePointer?) -> Int32 {
        guard let raw = unsafe session, let ssl = unsafe ssl,
            let owner = unsafe self.session(of: ssl),
            let proof = unsafe SSL_session_reused(ssl) == 1 ? owner.offered : owner.proof,
            let peer = unsafe owner.sessionPeer(raw)
        else { return 0 }
        var count: UInt32 = 0
        let base = unsafe SSL_SESSION_get_id(raw, &count)
        let name = unsafe Array(UnsafeBufferPointer(start: base, count: Int(count)))
        if name.isEmpty { return 0 }
        unsafe owner.credentials.sessions.add(
            ResumableSession(owning: raw, proof), named: name, of: peer)
        return 1
    }

    private func sessionPeer(_ session: OpaquePointer) -> SessionStore.Peer? {
        if let target { return .address(target) }
        return unsafe identity(in: session).map { .identity($0) }
    }

    /// The session that a client's ticket names, if it is still good; a full handshake follows
    /// when it is not.
    ///
    /// The reference that is returned becomes OpenSSL's.
    static func find(
        _ ssl: OpaquePointer?, _ name: UnsafePointer<UInt8>?, _ count: Int32,
        _ mustCopy: UnsafeMutablePointer<Int32>?
    ) -> OpaquePointer? {
        unsafe mustCopy?.pointee = 0
        let name = unsafe Array(UnsafeBufferPointer(start: name, count: Int(count)))
        guard let owner = unsafe session(of: ssl),
            let session = owner.credentials.sessions.take(named: name),
            owner.isGood(session), unsafe SSL_SESSION_up_ref(session.raw) == 1
        else { return nil }
        owner.offered = session.proof
        return unsafe session.raw
    }

    /// Offers the newest session that is still good to the server.
    func offerSession(to ssl: OpaquePointer) {
        guard let target else { return }
        while let session = credentials.sessions.takeNewest(of: .address(target)) {
            guard isGood(session), unsafe SSL_SESSION_is_resumable(session.raw) == 1,
                unsafe SSL_set_session(ssl, session.raw) == 1
            else { continue }
            offered = session.proof
            return
        }
    }

    /// Whether a session may be resumed now; on both ends.
    private func isGood(_ session: ResumableSession) -> Bool {
        guard session.proof.isGood(at: context.now(), context.resumption),
            let identity = unsafe identity(in: session.raw)
        else { return false }
        return context.refusal(of: identity) == nil
    }

    private func identity(in session: OpaquePointer) -> PeerIdentity? {
        unsafe SSL_SESSION_get0_peer(session).flatMap { unsafe PeerIdentity(certificate: $0) }
    }
}
