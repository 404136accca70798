import COpenSSL
import Glibc

/// Certificates and rules of TLS; immutable.
@safe
public final class TLSContext: @unchecked Sendable {
    // Safe because an SSL_CTX is not changed after `init`, and OpenSSL counts its references
    // atomically.
    let raw: OpaquePointer
    let isServer: Bool
    /// The trust domain that the peer's SPIFFE URI must be of; nil where no client certificate
    /// is asked for.
    let trustDomain: String?
    /// The roles that the peer may have; empty for any.
    let peerRoles: [String]

    private init(isServer: Bool, trustDomain: String?, peerRoles: [String])
        throws(TransportError)
    {
        ERR_clear_error()
        guard let raw = unsafe SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method())
        else { throw TransportError(.tls, "OpenSSL: \(OpenSSLErrors.drain())") }
        unsafe self.raw = raw
        self.isServer = isServer
        self.trustDomain = trustDomain
        self.peerRoles = peerRoles
        guard unsafe COpenSSL_CTX_set_tls13_only(raw) == 1,
            unsafe SSL_CTX_set_ciphersuites(
                raw, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256")
                == 1,
            unsafe COpenSSL_CTX_set1_groups_list(raw, "X25519:P-256") == 1
        else { throw TransportError(.tls, "OpenSSL: \(OpenSSLErrors.drain())") }
        unsafe COpenSSL_CTX_set_modes(raw)
        // No session is resumed, so every connection checks certificate, roots and identity.
        _ = unsafe SSL_CTX_set_num_tickets(raw, 0)
        unsafe COpenSSL_CTX_disable_session_cache(raw)
    }

    deinit { unsafe SSL_CTX_free(raw) }

    /// TLS 1.3 where both ends show certificates of one CA with SPIFFE identities.
    ///
    /// - Parameters:
    ///   - certificate: A PEM file with the chain, the own certificate first.
    ///   - key: A PEM file that only its owner may read (mode 0600 or 0400).
    ///   - ca: A PEM file with the roots.
    ///   - trustDomain: What the peer's SPIFFE URI must be of.
    ///   - peerRoles: What roles the peer may have; empty for any.
    ///   - isServer: Whether this end accepts connections.
    public static func mutual(
        certificate: String, key: String, ca: String, trustDomain: String,
        peerRoles: [String] = [], isServer: Bool
    ) throws(TransportError) -> TLSContext {
        let context = try TLSContext(
            isServer: isServer, trustDomain: trustDomain, peerRoles: peerRoles)
        try context.load(certificate: certificate, key: key)
        guard unsafe SSL_CTX_load_verify_locations(context.raw, ca, nil) == 1 else {
            throw TransportError(.tls, "cannot read the CA file \(ca): \(OpenSSLErrors.drain())")
        }
        let mode = SSL_VERIFY_PEER | (isServer ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
        unsafe SSL_CTX_set_verify(context.raw, mode, nil)
        if isServer {
            // Tells clients which CA their certificate must come from.
            unsafe SSL_CTX_set_client_CA_list(context.raw, SSL_load_client_CA_file(ca))
        }
        return context
    }

    /// A web server's TLS: no client certificate is asked for.
    public static func webServer(certificate: String, key: String) throws(TransportError)
        -> TLSContext
    {
        let context = try TLSContext(isServer: true, trustDomain: nil, peerRoles: [])
        try context.load(certificate: certificate, key: key)
        unsafe SSL_CTX_set_verify(context.raw, SSL_VERIFY_NONE, nil)
        return context
    }

    private func load(certificate: String, key: String) throws(TransportError) {
        ERR_clear_error()
        guard unsafe SSL_CTX_use_certificate_chain_file(raw, certificate) == 1 else {
            throw TransportError(
                .tls, "cannot read the certificate file \(certificate): \(OpenSSLErrors.drain())")
        }
        var status = stat()
        guard unsafe stat(key, &status) == 0 else {
            throw TransportError(errno: errno, "cannot read the key file \(key)")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw TransportError(
                .tls, "the key file \(key) may be read by others than its owner: chmod 600 \(key)")
        }
        guard unsafe SSL_CTX_use_PrivateKey_file(raw, key, SSL_FILETYPE_PEM) == 1 else {
            throw TransportError(
                .tls, "cannot use the key file \(key) for \(certificate): \(OpenSSLErrors.drain())")
        }
    }

    /// When the own certificate ends, in seconds since 1970.
    public var certificateNotAfter: Int64? {
        guard let certificate = unsafe SSL_CTX_get0_certificate(raw),
            let end = unsafe X509_get0_notAfter(certificate)
        else { return nil }
        var time = unsafe tm()
        guard unsafe ASN1_TIME_to_tm(end, &time) == 1 else { return nil }
        return Int64(unsafe timegm(&time))
    }

    /// The SPIFFE identity in the own certificate.
    public var identity: PeerIdentity? {
        unsafe SSL_CTX_get0_certificate(raw).flatMap { unsafe PeerIdentity(certificate: $0) }
    }
}

extension PeerIdentity {
    /// Reads the one URI of a certificate's SAN; nil when there is none, or more than one.
    init?(certificate: OpaquePointer) {
        var text = [CChar](repeating: 0, count: 512)
        // Safe because the shim writes at most `count` bytes, with the final NUL.
        let found = unsafe COpenSSL_first_uri(certificate, &text, text.count)
        guard found == 1 else { return nil }
        unsafe self.init(
            uri: text.withUnsafeBufferPointer { buffer in
                unsafe buffer.baseAddress.map { unsafe String(cString: $0) } ?? ""
            })
    }
}

/// OpenSSL's queue of errors, readable.
enum OpenSSLErrors {
    /// Takes this thread's whole queue; the reasons, the oldest first.
    static func drain() -> String {
        var reasons: [String] = []
        while true {
            let code = ERR_get_error()
            if code == 0 { break }
            if let reason = unsafe ERR_reason_error_string(code) {
                reasons.append(unsafe String(cString: reason))
            } else {
                reasons.append("error \(code)")
            }
        }
        return reasons.isEmpty ? "no reason given" : reasons.joined(separator: "; ")
    }
}
