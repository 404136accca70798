/// How many bytes the binary form of a message takes at most, so that there is room for it at once.
///
/// Exact where that costs nothing, and never less than it takes.
@frozen
public struct WireSize: Sendable {
    public var bound = 0
    /// The most bytes of a field of bytes.
    @usableFromInline var longest = 0

    @inlinable
    public init() {}

    /// The length of a number as a varint.
    @inlinable @inline(__always)
    static func varint(_ value: UInt64) -> Int {
        // Seven bits a byte; zero has one too.
        (63 &- (value | 1).leadingZeroBitCount) / 7 &+ 1
    }

    @inlinable @inline(__always)
    mutating func add(_ count: Int) { bound &+= count }
}

extension WireSize: FieldWriter {
    @inlinable @inline(__always)
    static func tag(_ number: UInt32) -> Int { number < 16 ? 1 : number < 2048 ? 2 : 5 }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ value: V) {
        add(Self.tag(number))
        value.measure(&self)
    }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: V.Limit
    ) {
        add(Self.tag(number))
        value.measure(&self)
    }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V?,
        _ limit: V.Limit
    ) { present(number, value) }

    /// Adds a value that is there; generic over what has no copies, so that it makes none.
    @inlinable @inline(__always)
    mutating func present<V: WireWritable & ~Copyable>(_ number: UInt32, _ value: borrowing V?) {
        switch value {
        case .none: return
        case .some(let value):
            add(Self.tag(number))
            value.measure(&self)
        }
    }

    @inlinable @inline(__always)
    public mutating func field<M: GeneratedMessage>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout M
    ) {
        add(Self.tag(number) + 10)
        value.give(to: &self)
    }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ value: V?) {
        present(number, value)
    }

    @inlinable
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ values: [V]) {
        if values.isEmpty { return }
        add(10)
        if V.wireType == .delimited { add(values.count * Self.tag(number)) }
        V.measureElements(values.span, &self)
    }

    @inlinable
    public mutating func field<K: MapKey, V: FieldValue>(
        _ number: UInt32, _ name: String, _ values: [K: V]
    ) {
        for (key, value) in values {
            add(Self.tag(number) + 12)
            key.measure(&self)
            value.measure(&self)
        }
    }

    @inlinable
    public mutating func unknown(_ fields: [UInt8]) { add(fields.count) }
}
