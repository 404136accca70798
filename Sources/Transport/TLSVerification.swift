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
        proof = PeerProof(
            validity: CertificateValidity(notBefore: first, notAfter: last), provedAt: now)
        return true
    }

    // MARK: - Tickets that a server gives and takes

    /// Puts into a ticket until when the client's certificates are valid; after a resumption it
    /// has that from the ticket before.
    static func describeTicket(of ssl: OpaquePointer?) -> Int32 {
        guard let ssl = unsafe ssl, unsafe SSL_session_reused(ssl) == 0 else { return 1 }
        guard let session = unsafe session(of: ssl), let proof = session.proof,
            let ticket = unsafe SSL_get_session(ssl)
        else { return 0 }
        let bytes = proof.encoded
        return unsafe SSL_SESSION_set1_ticket_appdata(ticket, bytes, bytes.count)
    }

    /// Decides about a ticket that a client shows: a full handshake follows when it is not used.
    static func admitTicket(
        _ ticket: OpaquePointer?, of ssl: OpaquePointer?, _ status: SSL_TICKET_STATUS
    ) -> SSL_TICKET_RETURN {
        guard status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW,
            let session = unsafe session(of: ssl), let ticket = unsafe ticket,
            unsafe session.isAdmitted(ticket)
        else { return SSL_TICKET_RETURN_IGNORE_RENEW }
        // A ticket is good for one connection: the client gets another.
        return SSL_TICKET_RETURN_USE_RENEW
    }

    private func isAdmitted(_ ticket: OpaquePointer) -> Bool {
        var data: UnsafeMutableRawPointer?
        var count = 0
        guard unsafe SSL_SESSION_get0_ticket_appdata(ticket, &data, &count) == 1,
            let proof = unsafe PeerProof(
                encoded: Array(UnsafeRawBufferPointer(start: data, count: count)))
        else { return false }
        return unsafe isGood(ticket, proof)
    }

    /// Whether a session may be resumed now; on both ends.
    private func isGood(_ session: OpaquePointer, _ proof: PeerProof) -> Bool {
        guard proof.isGood(at: context.now(), context.resumption),
            let certificate = unsafe SSL_SESSION_get0_peer(session),
            let identity = unsafe PeerIdentity(certificate: certificate)
        else { return false }
        return context.refusal(of: identity) == nil
    }

    // MARK: - Sessions that a client keeps

    /// Takes over a session that the server allows to resume: 1, or 0 when it is not kept.
    static func keep(_ session: OpaquePointer?, of ssl: OpaquePointer?) -> Int32 {
        guard let raw = unsafe session, let owner = unsafe self.session(of: ssl),
            let proof = owner.proof, let target = owner.target
        else { return 0 }
        unsafe owner.credentials.sessions.add(ResumableSession(owning: raw, proof), for: target)
        return 1
    }

    /// Offers the newest session that is still good to the server.
    func offerSession(to ssl: OpaquePointer) {
        guard let target, !credentials.sessions.isOff else { return }
        while let session = credentials.sessions.take(for: target) {
            guard unsafe SSL_SESSION_is_resumable(session.raw) == 1,
                unsafe isGood(session.raw, session.proof),
                unsafe SSL_set_session(ssl, session.raw) == 1
            else { continue }
            offered = session.proof
            return
        }
    }
}
