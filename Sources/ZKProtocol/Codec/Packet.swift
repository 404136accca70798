/// One request, answer or event.
///
/// | offset | bytes | |
/// |---|---|---|
/// | 0 | 2 | command |
/// | 2 | 2 | checksum |
/// | 4 | 2 | session; in an event the event's flag, in some answers a count |
/// | 6 | 2 | reply: echoed by every packet that belongs to a request |
/// | 8 | | data |
public struct Packet: Sendable, Hashable {
    public var command: Command
    public var session: UInt16
    public var reply: UInt16
    public var data: [UInt8]

    public static let headerBytes = 8

    public init(_ command: Command, session: UInt16, reply: UInt16, data: [UInt8] = []) {
        self.command = command
        self.session = session
        self.reply = reply
        self.data = data
    }

    /// Takes the bytes behind a frame's prefix, and checks their checksum.
    public init(decoding bytes: [UInt8]) throws(FormatError) {
        try self.init(decoding: bytes, in: 0..<bytes.count)
    }

    /// Takes a part of a stream: the data are copied once and all together.
    init(decoding buffer: [UInt8], in range: Range<Int>) throws(FormatError) {
        let bytes = buffer.span.extracting(range)
        guard bytes.count >= Packet.headerBytes else {
            throw .frameTooShort(length: bytes.count)
        }
        let found = bytes.u16(at: 2)
        // The sum over everything, checksum included, is all ones when they belong together.
        let sum = Packet.foldedSum(bytes)
        guard sum == 0xFFFF || sum == 0 && found == 0 else {
            throw .checksum(found: found, computed: Packet.checksum(bytes, without: found))
        }
        command = Command(rawValue: bytes.u16(at: 0))
        session = bytes.u16(at: 4)
        reply = bytes.u16(at: 6)
        data = Array(buffer[range.lowerBound + Packet.headerBytes..<range.upperBound])
    }

    /// The packet as it goes into a datagram, or behind a frame's prefix.
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Packet.headerBytes + data.count)
        append(to: &bytes)
        return bytes
    }

    /// The packet as one TCP frame; it must leave in one write, since clients in use expect it.
    public func frame() -> [UInt8] {
        var bytes = Frame.magic
        bytes.reserveCapacity(Frame.prefixBytes + Packet.headerBytes + data.count)
        bytes.append(u32: UInt32(Packet.headerBytes + data.count))
        append(to: &bytes)
        return bytes
    }

    private func append(to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.append(u16: command.rawValue)
        bytes.append(u16: 0)
        bytes.append(u16: session)
        bytes.append(u16: reply)
        bytes.append(contentsOf: data)
        let sum = Packet.foldedSum(bytes.span.extracting(start..<bytes.count))
        bytes.put(u16: ~sum, at: start + 2)
    }

    /// The one's complement of the one's complement sum of the 16-bit words.
    static func checksum(_ bytes: Span<UInt8>, without found: UInt16) -> UInt16 {
        // Adding the complement takes a word out of a one's complement sum.
        var sum = UInt32(foldedSum(bytes)) + UInt32(~found)
        sum = (sum & 0xFFFF) + (sum >> 16)
        return ~UInt16(truncatingIfNeeded: sum)
    }

    /// The sum of the 16-bit words with the carries folded in; an odd last byte is a word.
    static func foldedSum(_ bytes: Span<UInt8>) -> UInt16 {
        // 64 bits hold 2^48 words, far more than a frame may have.
        var sum: UInt64 = 0
        var index = 0
        let wide = bytes.count & ~7
        while index < wide {
            sum &+=
                UInt64(bytes.u16(at: index)) &+ UInt64(bytes.u16(at: index &+ 2))
                &+ UInt64(bytes.u16(at: index &+ 4)) &+ UInt64(bytes.u16(at: index &+ 6))
            index &+= 8
        }
        while index < bytes.count {
            sum &+= UInt64(bytes[index]) << (index & 1 == 0 ? 0 : 8)
            index &+= 1
        }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) &+ (sum >> 16) }
        return UInt16(truncatingIfNeeded: sum)
    }
}
