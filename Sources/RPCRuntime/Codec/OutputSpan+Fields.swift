// The binary form, written into memory that is known to have room for it.

public import Spans

extension OutputSpan: FieldCoding where Element == UInt8 {
    public typealias Failure = Never

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: V.Limit
    ) { value.encodeField(number, into: &self) }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V?,
        _ limit: V.Limit
    ) { present(number, value) }

    /// Appends a value that is there; generic over what has no copies, so that it makes none.
    @inlinable @inline(__always)
    mutating func present<V: WireWritable & ~Copyable>(_ number: UInt32, _ value: borrowing V?) {
        switch value {
        case .none: return
        case .some(let value):
            var width = 1
            tag(number, V.wireType)
            value.encodeValue(into: &self, &width)
        }
    }

    @inlinable @inline(__always)
    public mutating func field<M: GeneratedMessage>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout M
    ) {
        let before = count
        var width = 1
        tag(number, .delimited)
        let start = begin(width)
        value.give(to: &self)
        // The default has no bytes, and is left out.
        if end(start, &width) == 0 { removeLast(count - before) }
    }
}

extension OutputSpan: FieldWriter where Element == UInt8 {
    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ value: V) {
        value.encodeField(number, into: &self)
    }

    @inlinable @inline(__always)
    public mutating func field(_ number: UInt32, _ name: String, _ value: String) {
        value.encodeField(number, into: &self)
    }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ value: V?) {
        present(number, value)
    }

    /// Numbers are packed: one field with all of them.
    @inlinable
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ values: [V]) {
        if values.isEmpty { return }
        var width = 1
        if V.wireType == .delimited {
            V.encodeElements(values.span, number, into: &self)
        } else {
            let values = values.span
            tag(number, .delimited)
            let start = begin(width)
            var ignored = 1
            for index in values.indices { values[index].encodeValue(into: &self, &ignored) }
            end(start, &width)
        }
    }

    /// Each entry is a message of two fields, key and value, both always written.
    @inlinable
    public mutating func field<K: MapKey, V: FieldValue>(
        _ number: UInt32, _ name: String, _ values: [K: V]
    ) {
        if values.isEmpty { return }
        var width = 1
        var inner = 1
        for (key, value) in values.sorted(by: { $0.key.precedes($1.key) }) {
            tag(number, .delimited)
            let start = begin(width)
            var ignored = 1
            tag(1, K.wireType)
            key.encodeValue(into: &self, &ignored)
            tag(2, V.wireType)
            value.encodeValue(into: &self, &inner)
            end(start, &width)
        }
    }

    @inlinable @inline(__always)
    public mutating func unknown(_ fields: [UInt8]) {
        if !fields.isEmpty { append(copying: fields.span) }
    }

    // MARK: Elements of the format

    /// Appends the head of a field.
    @inlinable @inline(__always)
    mutating func tag(_ number: UInt32, _ wireType: WireType) {
        varint(UInt64(number) << 3 | UInt64(wireType.rawValue))
    }

    /// Appends an unsigned number, seven bits a byte, lowest first.
    @inlinable @inline(__always)
    mutating func varint(_ value: UInt64) {
        // Tags are constants where this is inlined, and nearly all are one byte.
        if value < 0x80 {
            append(UInt8(truncatingIfNeeded: value))
        } else {
            longVarint(value)
        }
    }

    @inlinable
    mutating func longVarint(_ value: UInt64) {
        if value < 1 << 56 {
            // Eight groups of seven bits, moved apart to a byte each in three steps.
            var word = value & 0xFFF_FFFF | (value & 0xFF_FFFF_F000_0000) << 4
            word = word & 0x3FFF_0000_3FFF | (word & 0xFFF_C000_0FFF_C000) << 2
            word = word & 0x7F_007F_007F_007F | (word & 0x3F80_3F80_3F80_3F80) << 1
            let count = WireSize.varint(value)
            let continued = UInt64(1) &<< UInt64(8 &* (count &- 1)) &- 1
            return append(low: word | 0x8080_8080_8080_8080 & continued, count: count)
        }
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    /// Leaves room for the length of what is appended next: as many bytes as the last one of its
    /// kind took, `width`, which nearly always is right.
    @inlinable @inline(__always)
    mutating func begin(_ width: Int) -> Int {
        append(0)
        if width > 1 { append(repeating: 0, count: width - 1) }
        return count - width
    }

    /// Puts the length of what has been appended since ``begin(_:)``, and returns it.
    @inlinable @inline(__always)
    @discardableResult
    mutating func end(_ start: Int, _ width: inout Int) -> Int {
        let length = count - start - width
        if width == 1, length < 0x80 {
            var bytes = mutableSpan
            bytes[start] = UInt8(truncatingIfNeeded: length)
        } else {
            width = putLength(length, at: start, width)
        }
        return length
    }

    /// Puts a length where `width` bytes are for it, moving what is behind them if it takes more or
    /// fewer; returns how many it took.
    @usableFromInline
    mutating func putLength(_ length: Int, at start: Int, _ width: Int) -> Int {
        let needed = WireSize.varint(UInt64(truncatingIfNeeded: length))
        if needed != width { move(start + width, to: start + needed) }
        var rest = UInt64(truncatingIfNeeded: length)
        var bytes = mutableSpan
        for index in start..<(start + needed - 1) {
            bytes[index] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
        }
        bytes[start + needed - 1] = UInt8(truncatingIfNeeded: rest)
        return needed
    }

    /// Moves everything behind `from` to `to`.
    private mutating func move(_ from: Int, to: Int) {
        let end = count
        if to > from {
            append(repeating: 0, count: to - from)
            var bytes = mutableSpan
            for index in stride(from: end - 1, through: from, by: -1) {
                bytes[index + to - from] = bytes[index]
            }
        } else {
            var bytes = mutableSpan
            for index in from..<end { bytes[index + to - from] = bytes[index] }
            removeLast(from - to)
        }
    }
}
