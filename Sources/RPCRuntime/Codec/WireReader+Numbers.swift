// The fields of each scalar type. A list takes both forms, packed and one by one.

extension WireReader {
    /// Reads packed numbers into `list`.
    @inlinable
    mutating func packed<Element>(
        _ bytes: Span<UInt8>, _ list: inout [Element], _ limit: Int,
        _ element: (inout WireReader) throws(DecodingFailure) -> Element
    ) throws(DecodingFailure) {
        let range = try delimited(bytes)
        let outerEnd = end
        end = range.upperBound
        while position < end {
            guard list.count < limit else { throw failure(.tooMany(limit: limit)) }
            list.append(try element(&self))
        }
        end = outerEnd
    }

    /// Refuses one element more than `limit`.
    @inlinable
    func checkRoom<Element>(_ list: [Element], _ limit: Int) throws(DecodingFailure) {
        guard list.count < limit else { throw failure(.tooMany(limit: limit)) }
    }

    // MARK: Bool

    @inlinable
    public mutating func bool(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Bool {
        try varint(bytes) != 0
    }

    @inlinable
    public mutating func bool(
        _ bytes: Span<UInt8>, appendingTo list: inout [Bool], count limit: Int
    ) throws(DecodingFailure) {
        try checkRoom(list, limit)
        list.append(try bool(bytes))
    }

    @inlinable
    public mutating func bool(
        _ bytes: Span<UInt8>, unpackingInto list: inout [Bool], count limit: Int
    ) throws(DecodingFailure) {
        try packed(bytes, &list, limit) { (reader) throws(DecodingFailure) in
            try reader.bool(bytes)
        }
    }

    // MARK: Int32

    @inlinable
    public mutating func int32(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Int32 {
        Int32(truncatingIfNeeded: try varint(bytes))
    }

    @inlinable
    public mutating func int32(
        _ bytes: Span<UInt8>, appendingTo list: inout [Int32], count limit: Int
    ) throws(DecodingFailure) {
        try checkRoom(list, limit)
        list.append(try int32(bytes))
    }

    @inlinable
    public mutating func int32(
        _ bytes: Span<UInt8>, unpackingInto list: inout [Int32], count limit: Int
    ) throws(DecodingFailure) {
        try packed(bytes, &list, limit) { (reader) throws(DecodingFailure) in
            try reader.int32(bytes)
        }
    }

    // MARK: Int64

    @inlinable
    public mutating func int64(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Int64 {
        Int64(truncatingIfNeeded: try varint(bytes))
    }

    @inlinable
    public mutating func int64(
        _ bytes: Span<UInt8>, appendingTo list: inout [Int64], count limit: Int
    ) throws(DecodingFailure) {
        try checkRoom(list, limit)
        list.append(try int64(bytes))
    }

    @inlinable
    public mutating func int64(
        _ bytes: Span<UInt8>, unpackingInto list: inout [Int64], count limit: Int
    ) throws(DecodingFailure) {
        try packed(bytes, &list, limit) { (reader) throws(DecodingFailure) in
            try reader.int64(bytes)
        }
    }

    // MARK: UInt32

    @inlinable
    public mutating func uint32(_ bytes: Span<UInt8>) throws(DecodingFailure) -> UInt32 {
        UInt32(truncatingIfNeeded: try varint(bytes))
    }

    @inlinable
    public mutating func uint32(
        _ bytes: Span<UInt8>, appendingTo list: inout [UInt32], count limit: Int
    ) throws(DecodingFailure) {
        try checkRoom(list, limit)
        list.append(try uint32(bytes))
    }

    @inlinable
    public mutating func uint32(
        _ bytes: Span<UInt8>, unpackingInto list: inout [UInt32], count limit: Int
    ) throws(DecodingFailure) {
        try packed(bytes, &list, limit) { (reader) throws(DecodingFailure) in
            try reader.uint32(bytes)
        }
    }

    // MARK: UInt64

    @inlinable
    public mutating func uint64(_ bytes: Span<UInt8>) throws(DecodingFailure) -> UInt64 {
        try varint(bytes)
    }

    @inlinable
    public mutating func uint64(
        _ bytes: Span<UInt8>, appendingTo list: inout [UInt64], count limit: Int
    ) throws(DecodingFailure) {
        try checkRoom(list, limit)
        list.append(try uint64(bytes))
    }

    @inlinable
    public mutating func uint64(
        _ bytes: Span<UInt8>, unpackingInto list: inout [UInt64], count limit: Int
    ) throws(DecodingFailure) {
        try packed(bytes, &list, limit) { (reader) throws(DecodingFailure) in
            try reader.uint64(bytes)
        }
    }

    // MARK: Float

    @inlinable
    public mutating func float(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Float {
        Float(bitPattern: try fixed32(bytes))
    }

    @inlinable
    public mutating func float(
        _ bytes: Span<UInt8>, appendingTo list: inout [Float], count limit: Int
    ) throws(DecodingFailure) {
        try checkRoom(list, limit)
        list.append(try float(bytes))
    }

    @inlinable
    public mutating func float(
        _ bytes: Span<UInt8>, unpackingInto list: inout [Float], count limit: Int
    ) throws(DecodingFailure) {
        try packed(bytes, &list, limit) { (reader) throws(DecodingFailure) in
            try reader.float(bytes)
        }
    }

    // MARK: Double

    @inlinable
    public mutating func double(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Double {
        Double(bitPattern: try fixed64(bytes))
    }

    @inlinable
    public mutating func double(
        _ bytes: Span<UInt8>, appendingTo list: inout [Double], count limit: Int
    ) throws(DecodingFailure) {
        try checkRoom(list, limit)
        list.append(try double(bytes))
    }

    @inlinable
    public mutating func double(
        _ bytes: Span<UInt8>, unpackingInto list: inout [Double], count limit: Int
    ) throws(DecodingFailure) {
        try packed(bytes, &list, limit) { (reader) throws(DecodingFailure) in
            try reader.double(bytes)
        }
    }

    // MARK: Enumerations

    @inlinable
    public mutating func enumeration<E: OpenEnum>(
        _ bytes: Span<UInt8>
    ) throws(DecodingFailure) -> E {
        E(rawValue: try int32(bytes))
    }

    @inlinable
    public mutating func enumeration<E: OpenEnum>(
        _ bytes: Span<UInt8>, appendingTo list: inout [E], count limit: Int
    ) throws(DecodingFailure) {
        try checkRoom(list, limit)
        list.append(E(rawValue: try int32(bytes)))
    }

    @inlinable
    public mutating func enumeration<E: OpenEnum>(
        _ bytes: Span<UInt8>, unpackingInto list: inout [E], count limit: Int
    ) throws(DecodingFailure) {
        try packed(bytes, &list, limit) { (reader) throws(DecodingFailure) in
            E(rawValue: try reader.int32(bytes))
        }
    }
}
