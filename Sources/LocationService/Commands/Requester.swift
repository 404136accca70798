import RPCRuntime
import Transport

/// Who asked for a command, and who passed it on.
struct Requester: Sendable, Hashable {
    /// Where a gateway says on whose behalf it calls; nobody else can call a location.
    static let metadataKey = "on-behalf-of"

    /// A SPIFFE URI, or ``policy``.
    var principal: String
    /// The gateway's SPIFFE URI; empty for the location's own doing.
    var gateway: String

    init(principal: String, gateway: String) {
        self.principal = principal.clipped(toBytes: 256)
        self.gateway = gateway.clipped(toBytes: 256)
    }

    init(_ call: ServerCall) {
        let gateway = call.peer.description
        self.init(principal: call.metadata.text(Self.metadataKey) ?? gateway, gateway: gateway)
    }

    /// The location itself, by its configuration.
    static let policy = Requester(principal: "policy", gateway: "")
}
