// What a message and a form of it agree on: a field has a number, a name and a value.

/// Goes through the fields of a message, one call for each, to write or to read them.
///
/// A limit that a value passes, or a value that is wrong, is an error of reading that says where it
/// stands. What writes does not look at limits, and leaves every value as it is: it may stand where
/// nobody may change it.
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
    /// Codes a plain message; apart from other values, so that it is written where it stands.
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

/// Gives the fields of a message that has some form.
///
/// Fields may come in any order, but most come in that of their numbers. So a message asks for all
/// of its fields in that order, each of which is read if it is the one that comes next, and is asked
/// to do so again for as long as there is more:
///
/// ```swift
/// try reader.field(bytes, 1, "name", &name, 0...64)
/// try reader.field(bytes, 2, "size", &size)
/// try reader.rest(bytes, &unknownFields)
/// ```
public protocol FieldReader: FieldCoding where Failure == DecodingFailure {
    /// Whether there is a field that has not been read.
    mutating func more(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Bool
    /// An error at the place that the reader has come to.
    func failure(_ reason: DecodingFailure.Reason) -> DecodingFailure
    /// Keeps the field that comes next when none of the fields before was it.
    mutating func rest(_ bytes: Span<UInt8>, _ unknown: inout [UInt8]) throws(DecodingFailure)
}

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

extension FieldReader {
    @inlinable @inline(__always)
    public mutating func field<V: VarintValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: ClosedRange<V>
    ) throws(DecodingFailure) {
        try any(bytes, number, name, &value, limit)
    }

    @inlinable @inline(__always)
    public mutating func field<M: GeneratedMessage>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout M
    ) throws(DecodingFailure) {
        try any(bytes, number, name, &value, M.unlimited)
    }

    /// Reads a plain field as one of a type of which no more is known.
    @inlinable @inline(__always)
    mutating func any<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: V.Limit
    ) throws(DecodingFailure) {
        try field(bytes, number, name, &value, limit)
    }

    @inlinable @inline(__always)
    func check(_ length: Int, _ limit: ClosedRange<Int>) throws(DecodingFailure) {
        guard length <= limit.upperBound else {
            throw failure(.tooLong(length: length, limit: limit.upperBound))
        }
        guard length >= limit.lowerBound else {
            throw failure(.tooShort(length: length, limit: limit.lowerBound))
        }
    }

    @usableFromInline
    func notWithin(_ value: String, _ limit: String) -> DecodingFailure {
        failure(.notWithin(value: value, limit: limit))
    }
}
