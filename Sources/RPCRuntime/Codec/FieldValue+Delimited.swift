// What stands behind a length: strings, bytes, UUIDs, durations and messages.

extension String: MapKey {
    /// Of the length in bytes of UTF-8.
    @inlinable public static var unlimited: ClosedRange<Int> { 0 ... .max }
    @inlinable public static var fieldDefault: String { "" }
    @inlinable public static var wireType: WireType { .delimited }

    @inlinable @inline(__always)
    public func encodeField(_ number: UInt32, into writer: inout WireWriter) {
        if !isEmpty { writer.spanField(number, utf8.span) }
    }

    @inlinable
    public func encodeValue(into writer: inout WireWriter) { writer.spanValue(utf8.span) }

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

extension Array: WireValue, FieldValue where Element == UInt8 {
    /// Of the number of bytes.
    @inlinable public static var unlimited: ClosedRange<Int> { 0 ... .max }
    @inlinable public static var fieldDefault: [UInt8] { [] }
    @inlinable public static var wireType: WireType { .delimited }

    @inlinable @inline(__always)
    public func encodeField(_ number: UInt32, into writer: inout WireWriter) {
        if isEmpty { return }
        writer.tag(number, .delimited)
        encodeValue(into: &writer)
    }

    @inlinable
    public func encodeValue(into writer: inout WireWriter) {
        if count > writer.copiedMax { return writer.keepApart(self) }
        writer.spanValue(span)
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

    /// Writes the message unless it is its default, which has no bytes.
    @inlinable
    public func encodeField(_ number: UInt32, into writer: inout WireWriter) {
        let start = writer.bytes.count
        writer.tag(number, .delimited)
        if writer.delimited({ encode(into: &$0) }) == 0 {
            writer.bytes.removeLast(writer.bytes.count - start)
        }
    }

    @inlinable
    public func encodeValue(into writer: inout WireWriter) {
        writer.delimited { encode(into: &$0) }
    }

    @inlinable
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

extension Duration: FieldValue {
    @inlinable public static var unlimited: Unlimited { Unlimited() }
    @inlinable public static var fieldDefault: Duration { .zero }
    @inlinable public static var wireType: WireType { .delimited }

    /// Writes whole nanoseconds, and the nearest end of the range for what lies outside it.
    public func encodeField(_ number: UInt32, into writer: inout WireWriter) {
        WireDuration(self).encodeField(number, into: &writer)
    }

    public func encodeValue(into writer: inout WireWriter) {
        WireDuration(self).encodeValue(into: &writer)
    }

    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout WireReader, _ limit: Unlimited
    ) throws(DecodingFailure) {
        var wire = WireDuration(self)
        try wire.decodeValue(from: bytes, &reader, limit)
        self = wire.duration
    }
}
