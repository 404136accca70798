// What stands behind a length: strings, bytes, UUIDs, durations and messages.

public import Spans

extension String: MapKey {
    /// Of the length in bytes of UTF-8.
    @inlinable public static var unlimited: ClosedRange<Int> { 0 ... .max }
    @inlinable public static var fieldDefault: String { "" }
    @inlinable public static var wireType: WireType { .delimited }

    @inlinable @inline(__always)
    public func measure(_ size: inout WireSize) { size.add(utf8.count &+ 5) }

    @inlinable @inline(__always)
    public func encodeField(_ number: UInt32, into output: inout OutputSpan<UInt8>) {
        if isEmpty { return }
        var width = 1
        output.tag(number, .delimited)
        encodeValue(into: &output, &width)
    }

    @inlinable @inline(__always)
    public func encodeValue(into output: inout OutputSpan<UInt8>, _ width: inout Int) {
        let bytes = utf8.span
        output.varint(UInt64(truncatingIfNeeded: bytes.count))
        output.append(copying: bytes)
    }

    @inlinable @inline(__always)
    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout WireReader, _ limit: ClosedRange<Int>
    ) throws(DecodingFailure) {
        self = try reader.string(bytes, limit)
    }

    /// In the order of the bytes, which is that of the code points.
    public func precedes(_ other: String) -> Bool {
        utf8.lexicographicallyPrecedes(other.utf8)
    }
}

extension Array: WireWritable, WireValue, FieldValue where Element == UInt8 {
    /// Of the number of bytes.
    @inlinable public static var unlimited: ClosedRange<Int> { 0 ... .max }
    @inlinable public static var fieldDefault: [UInt8] { [] }
    @inlinable public static var wireType: WireType { .delimited }

    @inlinable @inline(__always)
    public func measure(_ size: inout WireSize) {
        size.add(count &+ 10)
        size.longest = Swift.max(size.longest, count)
    }

    @inlinable @inline(__always)
    public func encodeField(_ number: UInt32, into output: inout OutputSpan<UInt8>) {
        if isEmpty { return }
        var width = 1
        output.tag(number, .delimited)
        encodeValue(into: &output, &width)
    }

    @inlinable @inline(__always)
    public func encodeValue(into output: inout OutputSpan<UInt8>, _ width: inout Int) {
        output.varint(UInt64(truncatingIfNeeded: count))
        output.append(copying: span)
    }

    @inlinable
    public func encodeApart(into writer: inout WireWriter) {
        if count > writer.copiedMax { return writer.keepApart(self) }
        var width = 1
        writer.bytes.append(addingCapacity: count + 10) { encodeValue(into: &$0, &width) }
    }

    @inlinable @inline(__always)
    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout WireReader, _ limit: ClosedRange<Int>
    ) throws(DecodingFailure) {
        self = try reader.bytes(bytes, limit)
    }
}

extension Message {
    @inlinable public static var fieldDefault: Self { Self() }
    @inlinable public static var wireType: WireType { .delimited }

    @inlinable
    public func measure(_ size: inout WireSize) {
        size.add(10)
        write(to: &size)
    }

    @inlinable @inline(__always)
    public func encodeField(_ number: UInt32, into output: inout OutputSpan<UInt8>) {
        let before = output.count
        var width = 1
        output.tag(number, .delimited)
        let start = output.begin(width)
        encode(into: &output)
        // The default has no bytes, and is left out.
        if output.end(start, &width) == 0 { output.removeLast(output.count - before) }
    }

    @inlinable
    public func encodeValue(into output: inout OutputSpan<UInt8>, _ width: inout Int) {
        let start = output.begin(width)
        encode(into: &output)
        output.end(start, &width)
    }

    @inlinable
    public func encodeApart(into writer: inout WireWriter) {
        writer.delimited { write(to: &$0) }
    }

    @inlinable @inline(__always)
    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout WireReader, _ limit: Unlimited
    ) throws(DecodingFailure) {
        let outer = try reader.enter(bytes)
        do throws(DecodingFailure) {
            try decode(from: bytes, &reader)
        } catch {
            throw error.inside(Self.typeName)
        }
        reader.leave(outer)
    }
}

extension GeneratedMessage {
    @inlinable
    public static func measureElements(_ values: Span<Self>, _ size: inout WireSize) {
        for index in values.indices {
            size.add(10)
            values.withUnchanged(at: index) { $0.give(to: &size) }
        }
    }

    @inlinable
    public static func encodeElements(
        _ values: Span<Self>, _ number: UInt32, into output: inout OutputSpan<UInt8>
    ) {
        var width = 1
        for index in values.indices {
            output.tag(number, .delimited)
            let start = output.begin(width)
            values.withUnchanged(at: index) { $0.give(to: &output) }
            output.end(start, &width)
        }
    }
}

extension Duration: FieldValue {
    @inlinable public static var unlimited: Unlimited { Unlimited() }
    @inlinable public static var fieldDefault: Duration { .zero }
    @inlinable public static var wireType: WireType { .delimited }

    @inlinable
    public func measure(_ size: inout WireSize) { size.add(25) }

    /// Writes whole nanoseconds, and the nearest end of the range for what lies outside it.
    public func encodeField(_ number: UInt32, into output: inout OutputSpan<UInt8>) {
        WireDuration(self).encodeField(number, into: &output)
    }

    public func encodeValue(into output: inout OutputSpan<UInt8>, _ width: inout Int) {
        WireDuration(self).encodeValue(into: &output, &width)
    }

    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout WireReader, _ limit: Unlimited
    ) throws(DecodingFailure) {
        var wire = WireDuration(self)
        try wire.decodeValue(from: bytes, &reader, limit)
        self = wire.duration
    }
}
