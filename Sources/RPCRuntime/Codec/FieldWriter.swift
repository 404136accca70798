/// Takes the fields of a message, one call for each, and makes one of its forms.
///
/// The binary form is written straight into an `OutputSpan`, which cannot be copied or outlive its
/// memory; so what writes fields says `some FieldWriter & ~Copyable & ~Escapable`.
public protocol FieldWriter: FieldCoding, ~Copyable, ~Escapable where Failure == Never {
    /// Takes a plain field, which is left out at its default.
    mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ value: V)
    /// Takes a plain string; apart from other values, of which generic code makes a copy each.
    mutating func field(_ number: UInt32, _ name: String, _ value: String)
    /// Takes an optional field, or a choice of a oneof, which is left out when it is nil.
    mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ value: V?)
    /// Takes a list, which is left out when it is empty.
    mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ values: [V])
    /// Takes a map, which is left out when it is empty; written in the order of its keys.
    mutating func field<K: MapKey, V: FieldValue>(
        _ number: UInt32, _ name: String, _ values: [K: V])
    /// Takes the fields that the schema does not have.
    mutating func unknown(_ fields: [UInt8])
}

extension FieldWriter where Self: ~Copyable & ~Escapable {
    @inlinable @inline(__always)
    public mutating func field(_ number: UInt32, _ name: String, _ value: String) {
        any(number, name, value)
    }

    /// Takes a plain field as one of a type of which no more is known.
    @inlinable @inline(__always)
    mutating func any<V: FieldValue>(_ number: UInt32, _ name: String, _ value: V) {
        field(number, name, value)
    }
}

// A writer goes through fields by taking their values.
extension FieldWriter where Self: ~Copyable & ~Escapable {
    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: V.Limit
    ) { field(number, name, value) }

    @inlinable @inline(__always)
    public mutating func field<V: VarintValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: ClosedRange<V>
    ) { field(number, name, value) }

    @inlinable @inline(__always)
    public mutating func field<M: GeneratedMessage>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout M
    ) { field(number, name, value) }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V?,
        _ limit: V.Limit
    ) { field(number, name, value) }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [V],
        _ limit: V.Limit, count: Int
    ) { field(number, name, values) }

    @inlinable @inline(__always)
    public mutating func field<K: MapKey, V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [K: V],
        keys: K.Limit, _ limit: V.Limit, count: Int
    ) { field(number, name, values) }

    @inlinable @inline(__always)
    public mutating func choice<V: FieldValue, Choice>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ choice: inout Choice?,
        _ make: (V) -> Choice, _ limit: V.Limit, _ value: (Choice) -> V?
    ) { field(number, name, choice.flatMap(value)) }
}
