/// Appends fields in the wire format to an array that it owns.
///
/// To reuse an array, move it in and out: `WireWriter(bytes)`, then `writer.bytes`. Plain values
/// that equal their default are not written; optional ones are when they are not nil. Room for a
/// whole message is made at once, and its long fields can be kept ``apart``.
@frozen
public struct WireWriter: Sendable {
    /// What has been written, behind what was there before.
    public var bytes: [UInt8]
    /// The longest field of bytes that is copied; a longer one is kept ``apart``.
    @usableFromInline var copiedMax = Int.max
    /// Fields whose bytes are not among ``bytes``, in order.
    @usableFromInline var apart: [Apart] = []
    @usableFromInline var apartCount = 0

    /// The bytes of a field, which belong at a place in what has been written.
    @usableFromInline struct Apart: Sendable {
        @usableFromInline var place: Int
        @usableFromInline let bytes: [UInt8]

        @usableFromInline init(_ bytes: [UInt8], at place: Int) {
            self.place = place
            self.bytes = bytes
        }
    }

    /// Appends to `bytes`.
    @inlinable
    public init(_ bytes: consuming [UInt8] = []) { self.bytes = bytes }

    // MARK: Elements of the format

    /// Appends an unsigned number, seven bits a byte, lowest first.
    @inlinable
    public mutating func varint(_ value: UInt64) {
        bytes.append(addingCapacity: 10) { $0.varint(value) }
    }

    /// Appends the head of a field.
    @inlinable
    public mutating func tag(_ field: UInt32, _ wireType: WireType) {
        bytes.append(addingCapacity: 5) { $0.tag(field, wireType) }
    }

    /// Appends a length, and keeps a reference to the bytes that belong behind it.
    @usableFromInline
    mutating func keepApart(_ value: [UInt8]) {
        varint(UInt64(truncatingIfNeeded: value.count))
        apart.append(Apart(value, at: bytes.count))
        apartCount += value.count
    }

    /// Appends what `body` writes, with its length before it.
    @inlinable
    mutating func delimited(_ body: (inout WireWriter) -> Void) {
        let start = bytes.count
        let before = apartCount
        bytes.append(0)
        body(&self)
        let length = bytes.count - start - 1 + apartCount - before
        if length < 0x80 {
            bytes[start] = UInt8(truncatingIfNeeded: length)
        } else {
            widen(start, length)
        }
    }

    /// Makes room for a length of several bytes at `start` and writes it there.
    @usableFromInline
    mutating func widen(_ start: Int, _ length: Int) {
        let size = WireSize.varint(UInt64(length))
        bytes.insert(contentsOf: repeatElement(0, count: size - 1), at: start)
        for index in apart.indices where apart[index].place > start {
            apart[index].place += size - 1
        }
        var rest = UInt64(length)
        for index in start..<(start + size - 1) {
            bytes[index] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
        }
        bytes[start + size - 1] = UInt8(truncatingIfNeeded: rest)
    }

}

/// How a field's value is laid out.
@frozen
public enum WireType: UInt8, Sendable {
    case varint = 0
    case fixed64 = 1
    case delimited = 2
    case groupStart = 3
    case groupEnd = 4
    case fixed32 = 5
}
