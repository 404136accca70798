public import Transport

/// The section `tls` of a service: who it is in the mesh, and whom it believes.
public struct TLSConfiguration: Sendable, Hashable {
    /// Paths of PEM files.
    public var certificate: String
    public var key: String
    public var ca: String
    /// What every peer's SPIFFE URI must be of.
    public var trustDomain: String

    public init(
        certificate: String, key: String, ca: String, trustDomain: String = "biometricflow"
    ) {
        self.certificate = certificate
        self.key = key
        self.ca = ca
        self.trustDomain = trustDomain
    }

    public init(_ section: Configuration) throws(ConfigurationError) {
        certificate = try section.path("certificate")
        key = try section.path("key")
        ca = try section.path("ca")
        trustDomain = try section.string("trustDomain", default: "biometricflow", max: 255)
    }

    /// Reads the files.
    public func context(
        peerRoles: [String], isServer: Bool
    ) throws(ConfigurationError) -> TLSContext {
        do throws(TransportError) {
            return try TLSContext.mutual(
                certificate: certificate, key: key, ca: ca, trustDomain: trustDomain,
                peerRoles: peerRoles, isServer: isServer)
        } catch { throw ConfigurationError(error.message) }
    }
}
