import COpenSSL
import Glibc

/// One TLS connection without a socket: ciphertext in, plaintext out, and back.
///
/// It runs over a BIO of its own that reads from the bytes of the current read and writes into the
/// channel's output, so that nothing is copied between buffers that OpenSSL would own.
@safe final class TLSSession {
    /// What a step of the handshake came to.
    enum Progress {
        case waiting
        case done
    }

    private let ssl: OpaquePointer
    let context: TLSContext
    /// What the context had when the connection began.
    let credentials: TLSCredentials
    /// Whom a client has dialled.
    let target: SocketAddress?
    /// Who the peer is, as verified in this handshake.
    var verified: PeerIdentity?
    /// Until when the certificates are valid that were verified in this handshake.
    var proof: PeerProof?
    /// That of the session which is offered to be resumed.
    var offered: PeerProof?
    /// Why the peer's certificate was refused.
    var refusal: String?
    /// The ciphertext of the current read that OpenSSL has not taken yet; empty between reads.
    private var input = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// Whether the handshake took up an earlier session.
    private(set) var isResumed = false
    /// Whether the peer has said that no more comes.
    private(set) var isAtEnd = false
    /// Ciphertext for the socket.
    var output: OutputBuffer

    /// - Parameters:
    ///   - context: Whose rules hold.
    ///   - target: Whom a client has dialled: it may have a session to resume.
    ///   - spare: Memory of the loop on which the session lives.
    init(_ context: TLSContext, target: SocketAddress?, _ spare: SpareMemory) {
        output = OutputBuffer(spare)
        self.context = context
        credentials = context.credentials
        self.target = context.isServer ? nil : target
        guard let ssl = unsafe SSL_new(credentials.raw),
            let bio = unsafe BIO_new(BIOMethod.shared.raw)
        else { preconditionFailure("OpenSSL is out of memory") }
        unsafe self.ssl = ssl
        // Safe because the BIO is freed with `ssl` in `deinit`, while self is alive.
        unsafe BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        unsafe SSL_set_bio(ssl, bio, bio)
        unsafe register(with: ssl)
        if context.isServer {
            unsafe SSL_set_accept_state(ssl)
        } else {
            unsafe SSL_set_connect_state(ssl)
            unsafe offerSession(to: ssl)
        }
    }

    deinit {
        // Quietly: OpenSSL takes a session from a connection that was not shut down for broken.
        unsafe SSL_set_quiet_shutdown(ssl, 1)
        _ = unsafe SSL_shutdown(ssl)
        unsafe SSL_free(ssl)
    }

    /// Goes on with the handshake, with the bytes that have arrived.
    ///
    /// OpenSSL takes no more at a time than its buffer holds, so what came behind the handshake may be
    /// untouched: when it is done, call ``read(_:into:)`` with no bytes before `arrived` goes
    /// away, or ``dropInput()``.
    func handshake(_ arrived: UnsafeRawBufferPointer) throws(TransportError) -> Progress {
        unsafe input = arrived
        ERR_clear_error()
        let result = unsafe SSL_do_handshake(ssl)
        if result == 1 {
            isResumed = unsafe SSL_session_reused(ssl) == 1
            context.countHandshake(isResumed: isResumed)
            return .done
        }
        dropInput()
        let reason = unsafe SSL_get_error(ssl, result)
        if reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE { return .waiting }
        throw failure()
    }

    /// Forgets the bytes of the current read.
    func dropInput() { unsafe input = UnsafeRawBufferPointer(start: nil, count: 0) }

    /// Decrypts into `plain`: the count, 0 when more must arrive, nil at the end of the stream.
    ///
    /// Call it again with no bytes while it fills `plain`.
    func read(
        _ arrived: UnsafeRawBufferPointer, into plain: UnsafeMutableRawBufferPointer
    ) throws(TransportError) -> Int? {
        if unsafe !arrived.isEmpty { unsafe input = arrived }
        var filled = 0
        Self.forgetErrors()
        while filled < plain.count, let base = plain.baseAddress {
            let count = unsafe SSL_read(ssl, base + filled, Int32(clamping: plain.count - filled))
            if count > 0 {
                filled += Int(count)
                // Without another attempt, which would find nothing.
                if unsafe input.isEmpty, unsafe SSL_has_pending(ssl) == 0 { return filled }
                continue
            }
            switch unsafe SSL_get_error(ssl, count) {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
                dropInput()
                return filled
            case SSL_ERROR_ZERO_RETURN:
                isAtEnd = true
                return filled > 0 ? filled : nil
            default: throw failure()
            }
        }
        return filled
    }

    /// Encrypts all of `plain` into ``output``.
    func write(_ plain: UnsafeRawBufferPointer) throws(TransportError) {
        var done = 0
        while done < plain.count, let base = plain.baseAddress {
            Self.forgetErrors()
            let count = unsafe SSL_write(ssl, base + done, Int32(clamping: plain.count - done))
            guard count > 0 else { throw failure() }
            done += Int(count)
        }
    }

    /// Tells the peer that this was the last byte.
    func closeNotify() {
        ERR_clear_error()
        unsafe SSL_set_quiet_shutdown(ssl, 0)
        _ = unsafe SSL_shutdown(ssl)
    }

    /// Who the peer is, as admitted in the handshake or, when it is resumed, in an earlier one.
    func peerIdentity() throws(TransportError) -> PeerIdentity? {
        guard context.trustDomain != nil else { return nil }
        let kept = isResumed ? nil : verified
        guard
            let identity = unsafe kept
                ?? SSL_get0_peer_certificate(ssl).flatMap({ unsafe PeerIdentity(certificate: $0) })
        else { throw TransportError(.tls, "TLS: the peer showed no identity") }
        // Checked in the handshake already; a mistake there must not admit anybody.
        if let why = context.refusal(of: identity) { throw TransportError(.tls, "TLS: \(why)") }
        return identity
    }

    /// Empties the queue of errors, as it must be before a call: mostly it is, and to clear it costs
    /// more than to look.
    private static func forgetErrors() {
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    /// The reason of a failure, from the certificate check where that is what failed.
    private func failure() -> TransportError {
        let reasons = OpenSSLErrors.drain()
        return TransportError(.tls, "TLS: \(refusal ?? reasons)")
    }

    // MARK: - The BIO

    fileprivate func take(into target: UnsafeMutablePointer<CChar>, _ room: Int) -> Int {
        let count = unsafe min(room, input.count)
        guard count > 0, let base = unsafe input.baseAddress else { return 0 }
        unsafe UnsafeMutableRawPointer(target).copyMemory(from: base, byteCount: count)
        unsafe input = UnsafeRawBufferPointer(rebasing: input[count...])
        return count
    }

    fileprivate func put(_ bytes: UnsafeRawBufferPointer) { unsafe output.append(bytes) }
}

/// The BIO_METHOD of every session.
@safe private struct BIOMethod: @unchecked Sendable {
    // Safe because the method table is not changed after it is made.
    let raw: OpaquePointer

    static let shared = BIOMethod()

    private init() {
        guard let method = unsafe BIO_meth_new(Int32(BIO_TYPE_SOURCE_SINK) | 100, "channel") else {
            preconditionFailure("OpenSSL is out of memory")
        }
        unsafe raw = method
        _ = unsafe BIO_meth_set_create(method) { bio in
            unsafe BIO_set_init(bio, 1)
            return 1
        }
        _ = unsafe BIO_meth_set_ctrl(method) { _, command, _, _ in
            command == BIO_CTRL_FLUSH ? 1 : 0
        }
        _ = unsafe BIO_meth_set_read(method) { bio, target, room in
            guard let bio = unsafe bio, let target = unsafe target,
                let data = unsafe BIO_get_data(bio)
            else { return -1 }
            unsafe COpenSSL_BIO_clear_retry_flags(bio)
            let session = unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
            let count = unsafe session.take(into: target, Int(room))
            if count > 0 { return Int32(count) }
            unsafe COpenSSL_BIO_set_retry_read(bio)
            return -1
        }
        _ = unsafe BIO_meth_set_write(method) { bio, bytes, count in
            guard let bio = unsafe bio, let data = unsafe BIO_get_data(bio) else { return -1 }
            unsafe COpenSSL_BIO_clear_retry_flags(bio)
            let session = unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
            unsafe session.put(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            return count
        }
    }
}
