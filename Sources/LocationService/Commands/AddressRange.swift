import MeshAPI
import RPCRuntime

/// The IPv4 addresses of a network, as `192.168.1.0/24`.
struct AddressRange: Sendable, Hashable {
    /// The widest network that is searched.
    static let prefixMin = 16

    let first: UInt32
    let count: Int

    /// Takes an address with the length of the network's prefix, or an address alone.
    init(_ text: String) throws(RPCError) {
        func wrong(_ why: String) -> RPCError {
            RPCError(.invalidArgument, "the network `\(text)` \(why)", command: .notSent)
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = Self.address(parts[0]) else {
            throw wrong("is none; wanted is an IPv4 network such as 192.168.1.0/24")
        }
        var prefix = 32
        if parts.count == 2 {
            guard let length = Int(parts[1]), 0...32 ~= length else {
                throw wrong("has no prefix length from 0 to 32")
            }
            prefix = length
        }
        guard prefix >= Self.prefixMin else {
            throw wrong("has more addresses than a /\(Self.prefixMin), the limit of one search")
        }
        let size = UInt32(1) << UInt32(32 - prefix)
        let network = address & ~(size - 1)
        // The first and the last address of a network belong to no host.
        first = size > 2 ? network + 1 : network
        count = Int(size > 2 ? size - 2 : size)
    }

    private static func address(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard 1...3 ~= part.utf8.count, part.utf8.allSatisfy({ 48...57 ~= $0 }),
                let byte = UInt8(part)
            else { return nil }
            value = value << 8 | UInt32(byte)
        }
        return value
    }

    /// `192.168.1.7`.
    subscript(index: Int) -> String {
        let value = first &+ UInt32(clamping: index)
        return [24, 16, 8, 0].map { "\(value >> $0 & 255)" }.joined(separator: ".")
    }
}
