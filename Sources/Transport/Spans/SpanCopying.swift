// Copies between memory that the language bounds, done at once instead of byte by byte: what codecs
// do most.

extension OutputSpan where Element == UInt8 {
    /// Appends bytes; traps unless there is room for all of them.
    @inlinable @inline(__always)
    public mutating func append(copying bytes: Span<UInt8>) {
        let count = bytes.count
        // Safe because both ends are checked to lie within their memory, and a span and an output
        // span never share any: one is read while the other is written.
        unsafe bytes.withUnsafeBytes { source in
            unsafe withUnsafeMutableBufferPointer { target, initialized in
                precondition(count <= target.count &- initialized, "no room for the bytes")
                guard let from = source.baseAddress, let to = target.baseAddress else { return }
                unsafe copyBytes(from, UnsafeMutableRawPointer(to + initialized), count)
                initialized &+= count
            }
        }
    }

    /// Appends the lowest 1...8 bytes of a word, the lowest first; traps unless there is room.
    @inlinable @inline(__always)
    public mutating func append(low word: UInt64, count: Int) {
        guard freeCapacity >= 8 else {
            for index in 0..<count {
                append(UInt8(truncatingIfNeeded: word &>> UInt64(8 &* index)))
            }
            return
        }
        precondition(count >= 1 && count <= 8, "a word has 1 to 8 bytes")
        // Safe because there is room for the whole word, of which the bytes behind `count` stay
        // without a value.
        unsafe withUnsafeMutableBufferPointer { target, initialized in
            guard let to = target.baseAddress else { return }
            unsafe UnsafeMutableRawPointer(to + initialized).storeBytes(
                of: word.littleEndian, as: UInt64.self)
            initialized &+= count
        }
    }
}

/// Copies `count` bytes, without a call where they are as few as most strings have.
@inlinable @inline(__always)
@unsafe func copyBytes(
    _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ count: Int
) {
    // The second of two words overlaps the first where there are not enough bytes for both.
    if count > 16 {
        unsafe to.copyMemory(from: from, byteCount: count)
    } else if count >= 8 {
        let first = unsafe from.loadUnaligned(as: UInt64.self)
        let last = unsafe from.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
        unsafe to.storeBytes(of: first, as: UInt64.self)
        unsafe to.storeBytes(of: last, toByteOffset: count &- 8, as: UInt64.self)
    } else if count >= 4 {
        let first = unsafe from.loadUnaligned(as: UInt32.self)
        let last = unsafe from.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
        unsafe to.storeBytes(of: first, as: UInt32.self)
        unsafe to.storeBytes(of: last, toByteOffset: count &- 4, as: UInt32.self)
    } else {
        for index in 0..<count {
            let byte = unsafe from.load(fromByteOffset: index, as: UInt8.self)
            unsafe to.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
        }
    }
}

extension String {
    /// The text of bytes that are all ASCII, which most text in messages is; nil when they are not.
    @inlinable @inline(__always)
    public init?(ascii bytes: Span<UInt8>) {
        // Safe because only the span's own bytes are read, and ASCII is valid UTF-8.
        guard unsafe bytes.withUnsafeBytes({ unsafe isASCII($0) }) else { return nil }
        self.init(copying: unsafe UTF8Span(unchecked: bytes, isKnownASCII: true))
    }
}

/// Whether all bytes are below 128.
@inlinable @inline(__always)
@unsafe func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let start = bytes.baseAddress else { return true }
    let count = bytes.count
    if count >= 8 {
        // The last word overlaps the one before where there are not enough bytes for both.
        var bits = unsafe start.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
        var offset = 0
        while offset &+ 8 < count {
            bits |= unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
        return bits & 0x8080_8080_8080_8080 == 0
    }
    if count >= 4 {
        let first = unsafe start.loadUnaligned(as: UInt32.self)
        let last = unsafe start.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
        return (first | last) & 0x8080_8080 == 0
    }
    var bits: UInt8 = 0
    for offset in 0..<count { bits |= unsafe start.load(fromByteOffset: offset, as: UInt8.self) }
    return bits < 0x80
}

extension [UInt8] {
    /// An array with the bytes of a span.
    @inlinable @inline(__always)
    public init(copying bytes: Span<UInt8>) {
        // Safe because the buffer is used up within the closure.
        self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }
}

extension Span where Element == UInt8 {
    /// Eight bytes as a number, the first the lowest; nil unless there are as many.
    @inlinable @inline(__always)
    public func word(at index: Int) -> UInt64? {
        guard index >= 0, index <= count &- 8 else { return nil }
        // Safe because all eight bytes are within the span.
        return unsafe withUnsafeBytes { bytes in
            UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
        }
    }
}
