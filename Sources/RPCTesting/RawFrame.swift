/// A frame as it is on the wire, for peers that say what no RPC runtime would.
public struct RawFrame: Sendable, Equatable {
    /// The bytes before the payload.
    public static let headerSize = 12

    /// What kind of frame it is, by the numbers of docs/WIRE.md.
    public var type: UInt8
    public var stream: UInt32
    public var flags: UInt8
    public var reserved: UInt8
    /// How many of the payload's bytes are the call head.
    public var head: UInt16
    public var payload: [UInt8]

    public init(
        type: UInt8, stream: UInt32 = 0, flags: UInt8 = 0, reserved: UInt8 = 0, head: UInt16 = 0,
        payload: [UInt8] = []
    ) {
        self.type = type
        self.stream = stream
        self.flags = flags
        self.reserved = reserved
        self.head = head
        self.payload = payload
    }

    /// The frame's bytes on the wire.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerSize + payload.count)
        Self.append(UInt64(payload.count), 3, &bytes)
        bytes.append(type)
        Self.append(UInt64(stream), 4, &bytes)
        bytes.append(flags)
        bytes.append(reserved)
        Self.append(UInt64(head), 2, &bytes)
        return bytes + payload
    }

    /// Takes the first frame out of `bytes`; nil when they hold no complete one.
    public static func take(from bytes: inout [UInt8]) -> RawFrame? {
        guard bytes.count >= headerSize else { return nil }
        let length = Int(number(bytes[0..<3]))
        guard bytes.count >= headerSize + length else { return nil }
        let frame = RawFrame(
            type: bytes[3], stream: UInt32(number(bytes[4..<8])), flags: bytes[8],
            reserved: bytes[9], head: UInt16(number(bytes[10..<12])),
            payload: Array(bytes[headerSize..<headerSize + length]))
        bytes.removeFirst(headerSize + length)
        return frame
    }

    private static func append(_ number: UInt64, _ count: Int, _ bytes: inout [UInt8]) {
        for place in 0..<count { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * place))) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
