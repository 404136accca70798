/// What stands before each packet in a TCP stream: a magic number and the packet's length.
public enum Frame {
    public static let prefixBytes = 8
    static let magic: [UInt8] = [0x50, 0x50, 0x82, 0x7D]
    /// The magic number of firmware that encrypts.
    static let encryptedMagic: [UInt8] = [0x50, 0x50, 0x83, 0x7C]
    /// The longest packet taken from a peer that has not authenticated.
    public static let bytesMaxBeforeLogin = 1 << 20
    /// The longest packet taken from a peer that has.
    public static let bytesMax = 16 << 20
}

/// Cuts a TCP stream into packets.
///
/// A length is checked as soon as it is there, before the bytes it announces are waited for.
/// After an error the stream has no place to go on from: close it.
public struct FrameReader: Sendable {
    /// The longest packet that is taken.
    public var bytesMax: Int
    private var buffer: [UInt8] = []
    private var start = 0

    public init(bytesMax: Int = Frame.bytesMaxBeforeLogin) {
        self.bytesMax = bytesMax
    }

    /// Whether a frame has begun and not ended.
    public var isInsideFrame: Bool { start < buffer.count }

    /// Takes what the stream delivered.
    public mutating func append(_ bytes: [UInt8]) {
        if start == buffer.count {
            buffer = bytes
            start = 0
            return
        }
        if start > 0 {
            buffer.removeSubrange(0..<start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next packet, or nil until more bytes are there.
    public mutating func next() throws(FormatError) -> Packet? {
        let count = buffer.count - start
        try checkMagic(count)
        guard count >= Frame.prefixBytes else { return nil }
        // 4 bytes fit an Int.
        let length = Int(buffer.span.u32(at: start + 4))
        guard length >= Packet.headerBytes else { throw .frameTooShort(length: length) }
        guard length <= bytesMax else { throw .frameTooLong(length: length, limit: bytesMax) }
        guard count - Frame.prefixBytes >= length else {
            buffer.reserveCapacity(start + Frame.prefixBytes + min(length, 1 << 18))
            return nil
        }
        let body = start + Frame.prefixBytes
        let packet = try Packet(decoding: buffer, in: body..<body + length)
        start = body + length
        return packet
    }

    private func checkMagic(_ count: Int) throws(FormatError) {
        for index in 0..<min(4, count) where buffer[start + index] != Frame.magic[index] {
            let found = Array(buffer[start..<start + min(4, count)])
            if found == Frame.encryptedMagic { throw .encrypted }
            // `50 50 83` may still become the encrypted magic.
            if found == Array(Frame.encryptedMagic.prefix(count)) { return }
            throw .magic(found)
        }
    }
}
