import CLinux
import COpenSSL
import Glibc

/// The files of a ``TLSContext``.
struct TLSFiles: Sendable {
    var certificate: String
    var key: String
    /// The roots; nil where the peer shows no certificate.
    var ca: String?

    /// What changes when one of them is written or replaced; nil for a file that is not there.
    var stamps: [FileStamp?] {
        [certificate, key, ca].compactMap { $0 }.map { FileStamp(path: $0) }
    }
}

/// Tells one state of a file from another.
struct FileStamp: Hashable, Sendable {
    private let device: UInt
    private let inode: UInt
    private let size: Int
    private let seconds: Int
    private let nanoseconds: Int

    init?(path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        size = Int(status.st_size)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
    }
}

/// What one reading of the files gave; immutable.
///
/// Connections keep the credentials they began with. Each reading has sessions of its own, so
/// nothing is resumed that was verified against other roots.
@safe
final class TLSCredentials: @unchecked Sendable {
    // Safe because an SSL_CTX is not changed after `init`, and OpenSSL counts its references
    // atomically.
    let raw: OpaquePointer
    let sessions: SessionStore

    init(_ files: TLSFiles, _ resumption: TLSResumption, isServer: Bool) throws(TransportError) {
        ERR_clear_error()
        guard let raw = unsafe SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method())
        else { throw TransportError(.tls, "OpenSSL: \(OpenSSLErrors.drain())") }
        unsafe self.raw = raw
        sessions = SessionStore(resumption)
        guard unsafe COpenSSL_CTX_set_tls13_only(raw) == 1,
            unsafe SSL_CTX_set_ciphersuites(
                raw, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256")
                == 1,
            unsafe COpenSSL_CTX_set1_groups_list(raw, "X25519:P-256") == 1
        else { throw TransportError(.tls, "OpenSSL: \(OpenSSLErrors.drain())") }
        unsafe COpenSSL_CTX_set_modes(raw)
        try load(files)
        if let ca = files.ca {
            try loadRoots(ca, isServer: isServer)
        } else {
            unsafe SSL_CTX_set_verify(raw, SSL_VERIFY_NONE, nil)
        }
        try setResumption(resumption, isServer: isServer)
    }

    deinit { unsafe SSL_CTX_free(raw) }

    private func load(_ files: TLSFiles) throws(TransportError) {
        let (certificate, key) = (files.certificate, files.key)
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

    private func loadRoots(_ ca: String, isServer: Bool) throws(TransportError) {
        guard unsafe SSL_CTX_load_verify_locations(raw, ca, nil) == 1 else {
            throw TransportError(.tls, "cannot read the CA file \(ca): \(OpenSSLErrors.drain())")
        }
        let mode = SSL_VERIFY_PEER | (isServer ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
        unsafe SSL_CTX_set_verify(raw, mode, nil)
        // The names of the roots are not sent: a client has one certificate, or is told by an alert.
        unsafe SSL_CTX_set_cert_verify_callback(
            raw, { store, _ in unsafe TLSSession.verifyPeer(store) }, nil)
    }

    private func setResumption(
        _ resumption: TLSResumption, isServer: Bool
    ) throws(TransportError) {
        unsafe COpenSSL_CTX_set_session_cache(raw, resumption.isOff ? 0 : 1)
        if !resumption.isOff { keepSessions() }
        guard isServer else { return }
        // OpenSSL asks for a context where clients are verified.
        let name: [UInt8] = Array("mesh".utf8)
        let tickets = resumption.isOff ? 0 : resumption.ticketsPerHandshake
        guard unsafe SSL_CTX_set_num_tickets(raw, tickets) == 1,
            unsafe SSL_CTX_set_session_id_context(raw, name, UInt32(name.count)) == 1
        else { throw TransportError(.tls, "OpenSSL: \(OpenSSLErrors.drain())") }
        _ = unsafe SSL_CTX_set_timeout(raw, Int(clamping: resumption.ticketSeconds))
    }

    private func keepSessions() {
        unsafe SSL_CTX_sess_set_new_cb(raw) { unsafe TLSSession.keep($1, of: $0) }
        unsafe SSL_CTX_sess_set_get_cb(raw) { unsafe TLSSession.find($0, $1, $2, $3) }
    }

    /// The validity of the own certificate.
    var validity: CertificateValidity? {
        unsafe SSL_CTX_get0_certificate(raw).flatMap {
            unsafe CertificateValidity(certificate: $0)
        }
    }

    /// The SPIFFE identity in the own certificate.
    var identity: PeerIdentity? {
        unsafe SSL_CTX_get0_certificate(raw).flatMap { unsafe PeerIdentity(certificate: $0) }
    }
}

extension CertificateValidity {
    init?(certificate: OpaquePointer) {
        var (first, last): (Int64, Int64) = (0, 0)
        guard unsafe COpenSSL_validity(certificate, &first, &last) == 1 else { return nil }
        self.init(notBefore: first, notAfter: last)
    }
}

extension PeerIdentity {
    /// Reads the one URI of a certificate's SAN; nil when there is none, or more than one.
    init?(certificate: OpaquePointer) {
        let uri = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) {
            buffer -> String? in
            // Safe because the shim writes at most `count` bytes, with the final NUL.
            guard let base = buffer.baseAddress,
                unsafe COpenSSL_first_uri(certificate, base, buffer.count) == 1
            else { return nil }
            return unsafe String(cString: base)
        }
        guard let uri else { return nil }
        self.init(uri: uri)
    }
}
