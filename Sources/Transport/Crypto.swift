import COpenSSL

/// The few cryptographic functions that services need, all of them OpenSSL's.
public enum Crypto {
    /// SHA-256 (FIPS 180-4): 32 bytes.
    public static func sha256(_ message: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 32
        // Safe because the digest has the 32 bytes that SHA-256 writes.
        let done = unsafe EVP_Digest(message, message.count, &digest, &length, EVP_sha256(), nil)
        precondition(done == 1 && length == 32, "OpenSSL cannot compute SHA-256")
        return digest
    }

    /// HMAC-SHA-256 (RFC 2104): 32 bytes.
    public static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 32
        // Safe because the digest has the 32 bytes that HMAC-SHA-256 writes.
        let done = unsafe HMAC(
            EVP_sha256(), key, Int32(clamping: key.count), message, message.count, &digest,
            &length)
        precondition(unsafe done != nil && length == 32, "OpenSSL cannot compute HMAC-SHA-256")
        return digest
    }

    /// Random bytes fit for keys and secrets.
    public static func randomBytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        // Safe because the buffer has `count` bytes.
        precondition(unsafe RAND_bytes(&bytes, Int32(count)) == 1, "OpenSSL has no entropy")
        return bytes
    }

    /// Compares in a time that depends on the lengths alone.
    public static func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        // Safe because both buffers have `left.count` bytes.
        guard left.count == right.count else { return false }
        return unsafe CRYPTO_memcmp(left, right, left.count) == 0
    }
}
