extension WireReader: FieldReader {
    @inlinable @inline(__always)
    public mutating func more(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Bool {
        matched = false
        if tag != 0 { return true }
        return try next(bytes) != nil
    }

    /// Goes to the tag behind a field that has been read.
    @inlinable @inline(__always)
    mutating func advance(_ bytes: Span<UInt8>) throws(DecodingFailure) {
        matched = true
        _ = try next(bytes)
    }

    @inlinable @inline(__always)
    static func tag(_ number: UInt32, _ wireType: WireType) -> UInt32 {
        number << 3 | UInt32(wireType.rawValue)
    }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: V.Limit
    ) throws(DecodingFailure) {
        guard tag == Self.tag(number, V.wireType) else { return }
        try value.decodeValue(from: bytes, &self, limit)
        try advance(bytes)
    }

    @inlinable @inline(__always)
    public mutating func field<V: VarintValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: ClosedRange<V>
    ) throws(DecodingFailure) {
        guard tag == Self.tag(number, .varint) else { return }
        value = try bounded(bytes, limit)
        try advance(bytes)
    }

    @inlinable @inline(__always)
    mutating func bounded<V: VarintValue>(
        _ bytes: Span<UInt8>, _ limit: ClosedRange<V>
    ) throws(DecodingFailure) -> V {
        let value = V(truncatingIfNeeded: try varint(bytes))
        guard limit.contains(value) else { throw notWithin("\(value)", "\(limit)") }
        return value
    }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V?,
        _ limit: V.Limit
    ) throws(DecodingFailure) {
        guard tag == Self.tag(number, V.wireType) else { return }
        var merged = value ?? V.fieldDefault
        // So that `merged` is the only owner of its arrays while it grows.
        value = nil
        try merged.decodeValue(from: bytes, &self, limit)
        value = merged
        try advance(bytes)
    }

    /// A list of numbers is read packed and one by one.
    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [V],
        _ limit: V.Limit, count: Int
    ) throws(DecodingFailure) {
        if tag >> 3 != number { return }
        try list(bytes, number, &values, limit, count)
    }

    @inlinable
    mutating func list<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ values: inout [V], _ limit: V.Limit,
        _ count: Int
    ) throws(DecodingFailure) {
        while tag == Self.tag(number, V.wireType) {
            guard values.count < count else { throw failure(.tooMany(limit: count)) }
            let start = position
            values.append(V.fieldDefault)
            try values[values.count - 1].decodeValue(from: bytes, &self, limit)
            if values.count == 1 {
                // As many more as there are if they are all as long as the first.
                let more = (end &- position) / (position &- start &+ 1)
                values.reserveCapacity(min(more &+ 1, count, 1024))
            }
            try advance(bytes)
        }
        if V.wireType == .delimited || tag != Self.tag(number, .delimited) { return }
        let range = try delimited(bytes)
        let outerEnd = end
        end = range.upperBound
        while position < end {
            guard values.count < count else { throw failure(.tooMany(limit: count)) }
            var value = V.fieldDefault
            try value.decodeValue(from: bytes, &self, limit)
            values.append(value)
        }
        end = outerEnd
        try advance(bytes)
    }

    /// Of several entries with one key the last counts.
    @inlinable @inline(__always)
    public mutating func field<K: MapKey, V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [K: V],
        keys: K.Limit, _ limit: V.Limit, count: Int
    ) throws(DecodingFailure) {
        if tag >> 3 != number { return }
        try map(bytes, number, &values, keys, limit, count)
    }

    @inlinable
    mutating func map<K: MapKey, V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ values: inout [K: V], _ keys: K.Limit,
        _ limit: V.Limit, _ count: Int
    ) throws(DecodingFailure) {
        while tag == Self.tag(number, .delimited) {
            let place = (fieldStart, tag)
            var key = K.fieldDefault
            var value = V.fieldDefault
            let outer = try enter(bytes)
            while try more(bytes) {
                try field(bytes, 1, "key", &key, keys)
                try field(bytes, 2, "value", &value, limit)
                try rest(bytes)
            }
            leave(outer)
            if values.updateValue(value, forKey: key) == nil, values.count > count {
                (fieldStart, tag) = place
                throw failure(.tooMany(limit: count))
            }
            try advance(bytes)
        }
    }

    @inlinable @inline(__always)
    public mutating func choice<V: FieldValue, Choice>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ choice: inout Choice?,
        _ make: (V) -> Choice, _ limit: V.Limit, _ value: (Choice) -> V?
    ) throws(DecodingFailure) {
        guard tag == Self.tag(number, V.wireType) else { return }
        var merged = choice.flatMap(value) ?? V.fieldDefault
        choice = nil
        try merged.decodeValue(from: bytes, &self, limit)
        choice = make(merged)
        try advance(bytes)
    }

    @inlinable @inline(__always)
    public mutating func rest(
        _ bytes: Span<UInt8>, _ unknown: inout [UInt8]
    ) throws(DecodingFailure) {
        if !matched { try keep(bytes, &unknown) }
    }

    @usableFromInline
    mutating func keep(_ bytes: Span<UInt8>, _ unknown: inout [UInt8]) throws(DecodingFailure) {
        let start = fieldStart
        try skip(bytes, tag)
        unknown.append(bytes, start..<position)
        try advance(bytes)
    }
}

extension FieldReader {
    /// Passes over the field that comes next when none of the fields before was it.
    @inlinable
    public mutating func rest(_ bytes: Span<UInt8>) throws(DecodingFailure) {
        var dropped: [UInt8] = []
        try rest(bytes, &dropped)
    }
}
