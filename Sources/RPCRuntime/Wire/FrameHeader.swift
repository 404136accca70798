/// What a frame is; `docs/WIRE.md` §3.
///
/// A receiver ignores types of 0x80 and above that it does not know; any other unknown type ends
/// the connection.
enum FrameType: UInt8 {
    case hello = 1
    case request = 2
    case data = 3
    case status = 4
    case cancel = 5
    case credit = 6
    case ping = 7
    case pong = 8
    case drain = 9
    case close = 10
    case limits = 11
    case heartbeat = 12
}

/// The twelve bytes before every frame's payload.
///
/// Numbers are little-endian.
///
///     0        3      4           8       9          10     12
///     | length | type | stream id | flags | reserved | head |
///
/// `length` counts the payload alone. `head` is how many bytes at the payload's beginning are the
/// head of a request or an answer.
struct FrameHeader: Equatable {
    static let size = 12

    /// The frame's bytes end a message.
    static let endMessage: UInt8 = 1
    /// The sender sends nothing more on this stream.
    static let endStream: UInt8 = 2
    /// The message that begins in this frame is compressed.
    static let compressed: UInt8 = 4

    var length: Int
    var type: UInt8
    var stream: UInt32
    var flags: UInt8
    var reserved: UInt8 = 0
    var head: Int

    /// Reads the header at `offset`, where ``size`` bytes must be.
    init(_ bytes: Span<UInt8>, at offset: Int) {
        let bytes = bytes.extracting(droppingFirst: offset)
        // One check for all bytes.
        precondition(bytes.count >= Self.size, "a header is read where there is none")
        length = Int(bytes[0]) | Int(bytes[1]) << 8 | Int(bytes[2]) << 16
        type = bytes[3]
        stream =
            UInt32(bytes[4]) | UInt32(bytes[5]) << 8 | UInt32(bytes[6]) << 16
            | UInt32(bytes[7]) << 24
        flags = bytes[8]
        reserved = bytes[9]
        head = Int(bytes[10]) | Int(bytes[11]) << 8
    }

    init(_ type: FrameType, stream: UInt32, length: Int, flags: UInt8 = 0, head: Int = 0) {
        self.length = length
        self.type = type.rawValue
        self.stream = stream
        self.flags = flags
        self.head = head
    }

    /// Writes the header over the ``size`` bytes at `offset`.
    func write(to bytes: inout [UInt8], at offset: Int) {
        // One check that the array is not shared, and one of the bounds, for all bytes.
        var target = bytes.mutableSpan
        let count = target.count
        precondition(
            offset >= 0 && count >= Self.size && offset <= count &- Self.size,
            "a header is written where there is no room")
        target[offset] = UInt8(truncatingIfNeeded: length)
        target[offset &+ 1] = UInt8(truncatingIfNeeded: length >> 8)
        target[offset &+ 2] = UInt8(truncatingIfNeeded: length >> 16)
        target[offset &+ 3] = type
        target[offset &+ 4] = UInt8(truncatingIfNeeded: stream)
        target[offset &+ 5] = UInt8(truncatingIfNeeded: stream >> 8)
        target[offset &+ 6] = UInt8(truncatingIfNeeded: stream >> 16)
        target[offset &+ 7] = UInt8(truncatingIfNeeded: stream >> 24)
        target[offset &+ 8] = flags
        target[offset &+ 9] = reserved
        target[offset &+ 10] = UInt8(truncatingIfNeeded: head)
        target[offset &+ 11] = UInt8(truncatingIfNeeded: head >> 8)
    }

    /// Makes room for a header, to be written over later; where it begins.
    static func reserve(in bytes: inout [UInt8]) -> Int {
        let start = bytes.count
        bytes.append(addingCapacity: size) { room in
            room.append(repeating: 0, count: size)
        }
        return start
    }
}
