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
