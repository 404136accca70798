import Testing

@testable import ZKProtocol

/// The bytes that a text of hexadecimal digits spells.
func hex(_ text: String) -> [UInt8] {
    let digits = text.utf8.filter { $0 != 0x20 && $0 != 0x0A }.map { digit -> UInt8 in
        switch digit {
        case 48...57: digit - 48
        case 65...70: digit - 55
        default: digit - 87
        }
    }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// The packets in a stream of frames.
func packets(_ bytes: [UInt8]) throws -> [Packet] {
    var reader = FrameReader()
    reader.append(bytes)
    var packets: [Packet] = []
    while let packet = try reader.next() { packets.append(packet) }
    #expect(!reader.isInsideFrame)
    return packets
}

func time(_ text: String) throws -> LocalTime { try #require(LocalTime(text)) }
