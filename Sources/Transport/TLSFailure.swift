import COpenSSL

/// OpenSSL's queue of errors, readable.
enum OpenSSLErrors {
    /// Takes this thread's whole queue; the reasons, the oldest first.
    static func drain() -> String {
        var reasons: [String] = []
        while true {
            let code = ERR_get_error()
            if code == 0 { break }
            reasons.append(reason(code))
        }
        // Says no more than the error of the system before it.
        if reasons.count > 1 { reasons.removeAll { $0 == "system lib" } }
        return reasons.isEmpty ? "no reason given" : reasons.joined(separator: "; ")
    }

    private static func reason(_ code: UInt) -> String {
        // An error of the system, as OpenSSL 3 tells it.
        if code & 0x8000_0000 != 0 {
            return TransportError.text(errno: Int32(truncatingIfNeeded: code & 0x7FFF_FFFF))
        }
        let number = COpenSSL_error_reason(code)
        if let alert = alert(number) { return alert }
        if number == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE {
            return "the peer showed no certificate"
        }
        guard let text = unsafe ERR_reason_error_string(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }

    /// What an alert from the peer means to who reads a log; nil for another error, or one that
    /// OpenSSL words well enough.
    private static func alert(_ reason: Int32) -> String? {
        let refused = "the peer refused this end's certificate"
        return switch reason - SSL_AD_REASON_OFFSET {
        case SSL_AD_HANDSHAKE_FAILURE: "the peer found no cipher or key exchange that both allow"
        case SSL_AD_BAD_CERTIFICATE:
            "\(refused): it is damaged, not valid yet, or names no SPIFFE identity"
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
            "\(refused): its extended key usage does not allow this end of a connection"
        case SSL_AD_CERTIFICATE_REVOKED: "\(refused): it is revoked"
        case SSL_AD_CERTIFICATE_EXPIRED: "\(refused): it has expired"
        case SSL_AD_CERTIFICATE_UNKNOWN, SSL_AD_ACCESS_DENIED:
            "\(refused): its trust domain or role is not admitted there"
        case SSL_AD_UNKNOWN_CA: "\(refused): it is of no CA that the peer trusts"
        case SSL_AD_DECRYPT_ERROR:
            "the peer refused this end's signature: key and certificate may not belong together"
        case SSL_AD_PROTOCOL_VERSION: "the peer does not speak TLS 1.3"
        case SSL_AD_CERTIFICATE_REQUIRED:
            "the peer asks for a certificate, and this end showed none"
        default: nil
        }
    }
}
