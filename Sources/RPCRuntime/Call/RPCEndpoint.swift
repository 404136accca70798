public import Transport

/// What a dialler dials.
public struct RPCEndpoint: Sendable, CustomStringConvertible {
    /// Begins to open a channel, whose handler hears what becomes of it; called on the loop.
    public typealias Opener =
        @Sendable (EventLoop, any ChannelHandler) throws(TransportError) -> Channel

    enum Kind: Sendable {
        case address(String, TLSContext)
        case opener(String, SocketAddress, Opener)
    }

    let kind: Kind

    /// A socket address under mutual TLS.
    ///
    /// - Parameters:
    ///   - text: `HOST:PORT`; the host may be a name, which is looked up at each attempt.
    ///   - tls: From `TLSContext.mutual`.
    public static func address(_ text: String, _ tls: TLSContext) -> RPCEndpoint {
        RPCEndpoint(kind: .address(text, tls))
    }

    /// Channels that are opened some other way, such as links in memory; they know their peer.
    ///
    /// - Parameters:
    ///   - name: For errors and logs.
    ///   - address: What stands for the peer's address.
    ///   - open: Opens a channel.
    public static func channels(
        _ name: String, at address: SocketAddress, _ open: @escaping Opener
    ) -> RPCEndpoint {
        RPCEndpoint(kind: .opener(name, address, open))
    }

    public var description: String {
        switch kind {
        case .address(let text, _): text
        case .opener(let name, _, _): name
        }
    }
}
