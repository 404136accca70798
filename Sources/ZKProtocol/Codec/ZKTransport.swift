/// How packets travel to a device and back.
public enum ZKTransport: String, Sendable, CaseIterable {
    /// Frames in a TCP stream.
    case tcp
    /// Datagrams, which may be lost, repeated or overtake each other.
    case udp
}
