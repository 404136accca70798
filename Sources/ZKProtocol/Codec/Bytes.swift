/// Little-endian reads and writes, the byte order of everything in this protocol.
///
/// The reads trap outside the bytes like any subscript: decoders check a record's length first.
extension Span where Element == UInt8 {
    func u16(at offset: Int) -> UInt16 {
        UInt16(self[offset]) | UInt16(self[offset + 1]) << 8
    }

    func u32(at offset: Int) -> UInt32 {
        UInt32(self[offset]) | UInt32(self[offset + 1]) << 8
            | UInt32(self[offset + 2]) << 16 | UInt32(self[offset + 3]) << 24
    }

    func u64(at offset: Int) -> UInt64 {
        UInt64(u32(at: offset)) | UInt64(u32(at: offset + 4)) << 32
    }
}

extension Array where Element == UInt8 {
    mutating func append(u16 value: UInt16) {
        append(UInt8(truncatingIfNeeded: value))
        append(UInt8(truncatingIfNeeded: value >> 8))
    }

    mutating func append(u32 value: UInt32) {
        append(u16: UInt16(truncatingIfNeeded: value))
        append(u16: UInt16(truncatingIfNeeded: value >> 16))
    }

    mutating func append(u64 value: UInt64) {
        append(u32: UInt32(truncatingIfNeeded: value))
        append(u32: UInt32(truncatingIfNeeded: value >> 32))
    }

    mutating func append(zeros count: Int) {
        append(contentsOf: repeatElement(0, count: count))
    }

    mutating func put(u16 value: UInt16, at offset: Int) {
        self[offset] = UInt8(truncatingIfNeeded: value)
        self[offset + 1] = UInt8(truncatingIfNeeded: value >> 8)
    }

    mutating func put(u32 value: UInt32, at offset: Int) {
        put(u16: UInt16(truncatingIfNeeded: value), at: offset)
        put(u16: UInt16(truncatingIfNeeded: value >> 16), at: offset + 2)
    }
}
