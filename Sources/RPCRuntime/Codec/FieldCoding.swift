// What a message and a form of it agree on: a field has a number, a name and a value.

/// Goes through the fields of a message, one call for each, to write or to read them.
///
/// A limit that a value passes, or a value that is wrong, is an error of reading that says where it
/// stands. What writes does not look at limits, and leaves every value as it is: the value is only
/// lent to it.
public protocol FieldCoding: ~Copyable, ~Escapable {
    /// What going through the fields can end with: nothing for what writes.
    associatedtype Failure: Error
    /// Codes a plain field.
    ///
    /// - Parameter bytes: What is read; what writes does not look at it.
    mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: V.Limit
    ) throws(Failure)
    /// Codes a plain number that is a varint; apart from other values, since code that is generic
    /// over those calls through a table.
    mutating func field<V: VarintValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: ClosedRange<V>
    ) throws(Failure)
    /// Codes a plain message; apart from other values, so that it is written without a copy.
    mutating func field<M: GeneratedMessage>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout M
    ) throws(Failure)
    /// Codes an optional field.
    mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V?,
        _ limit: V.Limit
    ) throws(Failure)
    /// Codes a list of at most `count` elements, each within `limit`.
    mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [V],
        _ limit: V.Limit, count: Int
    ) throws(Failure)
    /// Codes a map of at most `count` entries, whose keys are within `keys`.
    mutating func field<K: MapKey, V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [K: V],
        keys: K.Limit, _ limit: V.Limit, count: Int
    ) throws(Failure)
    /// Codes a choice of a oneof: `make` makes it, and `value` is what it holds, if it is this one.
    mutating func choice<V: FieldValue, Choice>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ choice: inout Choice?,
        _ make: (V) -> Choice, _ limit: V.Limit, _ value: (Choice) -> V?
    ) throws(Failure)
    /// Codes a plain field whose value is not for everybody who may read a log.
    mutating func redacted<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: V.Limit
    ) throws(Failure)
    /// Codes an optional field whose value is not for everybody who may read a log.
    mutating func redacted<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V?,
        _ limit: V.Limit
    ) throws(Failure)
    /// Codes a list whose values are not for everybody who may read a log.
    mutating func redacted<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [V],
        _ limit: V.Limit, count: Int
    ) throws(Failure)
    /// Codes a map whose values are not for everybody who may read a log.
    mutating func redacted<K: MapKey, V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [K: V],
        keys: K.Limit, _ limit: V.Limit, count: Int
    ) throws(Failure)
    /// Codes a choice of a oneof whose value is not for everybody who may read a log.
    mutating func redactedChoice<V: FieldValue, Choice>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ choice: inout Choice?,
        _ make: (V) -> Choice, _ limit: V.Limit, _ value: (Choice) -> V?
    ) throws(Failure)
}

/// What codes fields, be it a value that has copies and may be kept, or not.
public typealias FieldCoder = FieldCoding & ~Copyable & ~Escapable

// A field that its schema does not limit.
extension FieldCoding where Self: ~Copyable & ~Escapable {
    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V
    ) throws(Failure) {
        try field(bytes, number, name, &value, V.unlimited)
    }

    @inlinable @inline(__always)
    public mutating func field<V: VarintValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V
    ) throws(Failure) {
        try field(bytes, number, name, &value, .min ... .max)
    }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V?
    ) throws(Failure) {
        try field(bytes, number, name, &value, V.unlimited)
    }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [V], count: Int
    ) throws(Failure) {
        try field(bytes, number, name, &values, V.unlimited, count: count)
    }

    @inlinable @inline(__always)
    public mutating func field<K: MapKey, V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [K: V],
        keys: K.Limit = K.unlimited, count: Int
    ) throws(Failure) {
        try field(bytes, number, name, &values, keys: keys, V.unlimited, count: count)
    }

    @inlinable @inline(__always)
    public mutating func field<K: MapKey, V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [K: V],
        _ limit: V.Limit, count: Int
    ) throws(Failure) {
        try field(bytes, number, name, &values, keys: K.unlimited, limit, count: count)
    }

    @inlinable @inline(__always)
    public mutating func choice<V: FieldValue, Choice>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ choice: inout Choice?,
        _ make: (V) -> Choice, _ value: (Choice) -> V?
    ) throws(Failure) {
        try self.choice(bytes, number, name, &choice, make, V.unlimited, value)
    }
}

// For what is no log, such a field is like any other.
extension FieldCoding where Self: ~Copyable & ~Escapable {
    @inlinable @inline(__always)
    public mutating func redacted<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: V.Limit
    ) throws(Failure) {
        try field(bytes, number, name, &value, limit)
    }

    @inlinable @inline(__always)
    public mutating func redacted<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V?,
        _ limit: V.Limit
    ) throws(Failure) {
        try field(bytes, number, name, &value, limit)
    }

    @inlinable @inline(__always)
    public mutating func redacted<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [V],
        _ limit: V.Limit, count: Int
    ) throws(Failure) {
        try field(bytes, number, name, &values, limit, count: count)
    }

    @inlinable @inline(__always)
    public mutating func redacted<K: MapKey, V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [K: V],
        keys: K.Limit, _ limit: V.Limit, count: Int
    ) throws(Failure) {
        try field(bytes, number, name, &values, keys: keys, limit, count: count)
    }

    @inlinable @inline(__always)
    public mutating func redactedChoice<V: FieldValue, Choice>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ choice: inout Choice?,
        _ make: (V) -> Choice, _ limit: V.Limit, _ value: (Choice) -> V?
    ) throws(Failure) {
        try self.choice(bytes, number, name, &choice, make, limit, value)
    }
}
