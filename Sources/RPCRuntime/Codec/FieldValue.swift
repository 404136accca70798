/// What a field can hold: a scalar, an enum or a message.
public protocol FieldValue: WireValue, JSONValue {}

/// A value with a binary form.
public protocol WireValue: WireWritable, Hashable, Sendable {
    /// What a schema can limit: the length of a string, the range of a number.
    associatedtype Limit
    /// No limit but what the type has.
    static var unlimited: Limit { get }
    /// The default of a plain field.
    static var fieldDefault: Self { get }
    /// Reads a value behind its tag; a message merges it in.
    mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout WireReader, _ limit: Limit
    ) throws(DecodingFailure)
}

/// The writing half of a value.
///
/// Code that is generic over types which may have no copies cannot make any: values that are written
/// through it are borrowed where they stand.
public protocol WireWritable: ~Copyable {
    static var wireType: WireType { get }
    /// Adds the most bytes that the value without its tag takes.
    func measure(_ size: inout WireSize)
    /// Appends a plain field, tag and value, unless it is the default.
    func encodeField(_ number: UInt32, into output: inout OutputSpan<UInt8>)
    /// Appends the value without its tag; `width` is what the length of the last one took.
    func encodeValue(into output: inout OutputSpan<UInt8>, _ width: inout Int)
    /// Adds the most bytes that the values without their tags take.
    static func measureElements(_ values: Span<Self>, _ size: inout WireSize)
    /// Appends values, each with the tag of a delimited field.
    static func encodeElements(
        _ values: Span<Self>, _ number: UInt32, into output: inout OutputSpan<UInt8>)
    /// Appends the value without its tag, keeping long bytes inside it apart.
    func encodeApart(into writer: inout WireWriter)
}

extension WireWritable where Self: ~Copyable {
    @inlinable
    public static func measureElements(_ values: Span<Self>, _ size: inout WireSize) {
        for index in values.indices { values[index].measure(&size) }
    }

    @inlinable
    public static func encodeElements(
        _ values: Span<Self>, _ number: UInt32, into output: inout OutputSpan<UInt8>
    ) {
        var width = 1
        for index in values.indices {
            output.tag(number, .delimited)
            values[index].encodeValue(into: &output, &width)
        }
    }
}

/// What the key of a map can be; in the order of the numbers, or of the bytes of strings.
public protocol MapKey: FieldValue {
    /// Whether the key stands before another in a map's written form.
    func precedes(_ other: Self) -> Bool
    /// Appends the JSON form of the key, which is a string whatever the type.
    func encodeKey(into writer: inout JSONWriter)
    /// Reads the JSON form of a key.
    mutating func decodeKey(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: Limit
    ) throws(DecodingFailure)
}

/// The limit of a type that a schema cannot limit.
@frozen
public struct Unlimited: Sendable {
    @inlinable
    public init() {}
}

extension WireValue where Limit == Unlimited {
    @inlinable public static var unlimited: Unlimited { Unlimited() }
}

extension WireValue {
    @inlinable @inline(__always)
    public func encodeField(_ number: UInt32, into output: inout OutputSpan<UInt8>) {
        if self == Self.fieldDefault { return }
        var width = 1
        output.tag(number, Self.wireType)
        encodeValue(into: &output, &width)
    }

    @inlinable
    public func encodeApart(into writer: inout WireWriter) {
        var size = WireSize()
        measure(&size)
        var width = 1
        writer.bytes.append(addingCapacity: size.bound) { encodeValue(into: &$0, &width) }
    }
}

// MARK: Numbers

/// A number that is written as a varint.
public protocol VarintValue: FieldValue, FixedWidthInteger where Limit == ClosedRange<Self> {}

extension VarintValue {
    @inlinable public static var unlimited: ClosedRange<Self> { .min ... .max }
    @inlinable public static var fieldDefault: Self { 0 }
    @inlinable public static var wireType: WireType { .varint }

    @inlinable @inline(__always)
    public func measure(_ size: inout WireSize) {
        // A negative number has ten bytes, of 32 bits too.
        size.add(Self.isSigned || Self.bitWidth == 64 ? 10 : 5)
    }

    @inlinable @inline(__always)
    public func encodeValue(into output: inout OutputSpan<UInt8>, _ width: inout Int) {
        output.varint(UInt64(truncatingIfNeeded: self))
    }

    @inlinable @inline(__always)
    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout WireReader, _ limit: ClosedRange<Self>
    ) throws(DecodingFailure) {
        self = try reader.bounded(bytes, limit)
    }
}

extension Int32: VarintValue, MapKey {}
extension Int64: VarintValue, MapKey {}
extension UInt32: VarintValue, MapKey {}
extension UInt64: VarintValue, MapKey {}

extension VarintValue where Self: MapKey {
    @inlinable
    public func precedes(_ other: Self) -> Bool { self < other }
}

extension Bool: MapKey {
    @inlinable public static var fieldDefault: Bool { false }
    @inlinable public static var wireType: WireType { .varint }

    @inlinable @inline(__always)
    public func measure(_ size: inout WireSize) { size.add(1) }

    @inlinable @inline(__always)
    public func encodeValue(into output: inout OutputSpan<UInt8>, _ width: inout Int) {
        output.append(self ? 1 : 0)
    }

    @inlinable @inline(__always)
    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout WireReader, _ limit: Unlimited
    ) throws(DecodingFailure) {
        self = try reader.varint(bytes) != 0
    }

    @inlinable
    public func precedes(_ other: Bool) -> Bool { !self && other }
}

extension OpenEnum {
    @inlinable public static var fieldDefault: Self { Self() }
    @inlinable public static var wireType: WireType { .varint }

    @inlinable @inline(__always)
    public func measure(_ size: inout WireSize) { size.add(10) }

    @inlinable @inline(__always)
    public func encodeField(_ number: UInt32, into output: inout OutputSpan<UInt8>) {
        rawValue.encodeField(number, into: &output)
    }

    @inlinable @inline(__always)
    public func encodeValue(into output: inout OutputSpan<UInt8>, _ width: inout Int) {
        rawValue.encodeValue(into: &output, &width)
    }

    @inlinable @inline(__always)
    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout WireReader, _ limit: Unlimited
    ) throws(DecodingFailure) {
        self = Self(rawValue: Int32(truncatingIfNeeded: try reader.varint(bytes)))
    }
}

/// A number of IEEE 754, whose bits are written as they are.
public protocol FixedValue: FieldValue, BinaryFloatingPoint, LosslessStringConvertible
where Limit == ClosedRange<Self> {
    associatedtype Bits: FixedWidthInteger & UnsignedInteger
    var bitPattern: Bits { get }
    init(bitPattern: Bits)
}

extension Float: FixedValue {
    @inlinable public static var wireType: WireType { .fixed32 }
}

extension Double: FixedValue {
    @inlinable public static var wireType: WireType { .fixed64 }
}

extension FixedValue {
    @inlinable public static var unlimited: ClosedRange<Self> { -.infinity ... .infinity }
    @inlinable public static var fieldDefault: Self { 0 }

    @inlinable @inline(__always)
    public func measure(_ size: inout WireSize) { size.add(Bits.bitWidth / 8) }

    @inlinable
    public func encodeField(_ number: UInt32, into output: inout OutputSpan<UInt8>) {
        // By bits, so that a negative zero is written.
        if bitPattern == 0 { return }
        var width = 1
        output.tag(number, Self.wireType)
        encodeValue(into: &output, &width)
    }

    @inlinable
    public func encodeValue(into output: inout OutputSpan<UInt8>, _ width: inout Int) {
        for shift in stride(from: 0, to: Bits.bitWidth, by: 8) {
            output.append(UInt8(truncatingIfNeeded: bitPattern >> Bits(shift)))
        }
    }

    @inlinable
    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout WireReader, _ limit: ClosedRange<Self>
    ) throws(DecodingFailure) {
        self = Self(bitPattern: try reader.fixed(bytes))
        try check(reader, limit)
    }

    @inlinable
    func check(_ reader: some FieldReader, _ limit: Limit) throws(DecodingFailure) {
        // Not a number is outside every range that the schema writes.
        guard limit.contains(self) || (isNaN && limit == Self.unlimited) else {
            throw reader.notWithin("\(self)", "\(limit)")
        }
    }
}
