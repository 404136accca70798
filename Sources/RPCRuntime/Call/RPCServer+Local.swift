public import Transport

extension RPCServer {
    /// What a dialler in this program dials to reach this server without sockets and TLS.
    ///
    /// Handlers see `identity` as their peer, so methods are checked against its role; limits and
    /// deadlines hold as on any link, but it lives as long as the two want. The dialler's loop must be
    /// the server's first.
    ///
    /// - Parameters:
    ///   - identity: Who calls; what a certificate says of others.
    ///   - own: Who the dialler finds here.
    public func local(as identity: PeerIdentity, to own: PeerIdentity) -> RPCEndpoint {
        let address = SocketAddress(bytes: [127, 0, 0, 1], port: 0)
        let ends = MemoryChannel.Ends(dialler: identity, at: address, listener: own, at: address)
        return .channels("this program", at: address) { [self] loop, handler in
            MemoryChannel.connect(ends, on: loop, handler: handler) { [self] far in
                accept(far, isLocal: true)
                return true
            }
        }
    }

    /// The same for a caller that has this server's trust domain and name, and another role.
    ///
    /// Throws where the server has no TLS context, and so no identity.
    public func local(as role: String) throws(TransportError) -> RPCEndpoint {
        guard let own = tls?.identity else {
            throw TransportError(.tls, "a server without a certificate has no identity")
        }
        guard let identity = PeerIdentity(uri: "spiffe://\(own.trustDomain)/\(role)/\(own.name)")
        else {
            throw TransportError(
                .tls, "`\(role)` is no role: 1 to 64 of a-z, 0-9, `-`, `.` and `_`")
        }
        return local(as: identity, to: own)
    }
}
