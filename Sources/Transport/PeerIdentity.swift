/// Who the other end is: its SPIFFE URI, verified in the handshake.
///
/// The form is `spiffe://<trust domain>/<role>/<name>`, each part 1...64 of `a-z 0-9 . - _`
/// (SPIFFE ID specification, with two path segments).
public struct PeerIdentity: Sendable, Hashable, CustomStringConvertible {
    /// `biometricflow` in `spiffe://biometricflow/location/cairo`.
    public let trustDomain: String
    /// `location` in the same.
    public let role: String
    /// `cairo` in the same.
    public let name: String

    /// Reads a URI; nil when it is not of the form.
    public init?(uri: String) {
        guard uri.utf8.count <= 256, uri.hasPrefix("spiffe://") else { return nil }
        let parts = uri.dropFirst(9).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ Self.isValid($0) }) else { return nil }
        trustDomain = String(parts[0])
        role = String(parts[1])
        name = String(parts[2])
    }

    private static func isValid(_ part: Substring) -> Bool {
        guard (1...64).contains(part.utf8.count) else { return false }
        return part.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
                || byte == UInt8(ascii: "_")
        }
    }

    public var description: String { "spiffe://\(trustDomain)/\(role)/\(name)" }
}
