// Lists and maps.

extension JSONReader {
    @inlinable
    mutating func list<V: FieldValue>(
        _ bytes: Span<UInt8>, _ values: inout [V], _ limit: V.Limit, _ count: Int
    ) throws(DecodingFailure) {
        try elements(bytes, max: count) { reader throws(DecodingFailure) in
            values.append(V.fieldDefault)
            try values[values.count - 1].decodeValue(from: bytes, &reader, limit)
        }
    }

    /// Runs `body` before each element of a list.
    @inlinable @inline(__always)
    mutating func elements(
        _ bytes: Span<UInt8>, max count: Int = .max,
        _ body: (inout JSONReader) throws(DecodingFailure) -> Void
    ) throws(DecodingFailure) {
        if try open(bytes, "[", closing: "]", "a list") { return }
        var index = 0
        repeat {
            guard index < count else { throw failure(.tooMany(limit: count)) }
            do throws(DecodingFailure) {
                try body(&self)
            } catch {
                throw error.below("\(index)")
            }
            index &+= 1
        } while try isFollowed(bytes, closing: "]")
    }

    @inlinable
    mutating func map<K: MapKey, V: FieldValue>(
        _ bytes: Span<UInt8>, _ values: inout [K: V], _ keys: K.Limit, _ limit: V.Limit,
        _ count: Int
    ) throws(DecodingFailure) {
        try entries(bytes, max: count) { reader throws(DecodingFailure) in
            var key = K.fieldDefault
            try key.decodeKey(from: bytes, &reader, keys)
            guard values[key] == nil else { throw reader.duplicate(bytes) }
            try reader.take(bytes, ":")
            var value = V.fieldDefault
            try value.decodeValue(from: bytes, &reader, limit)
            values[key] = value
        }
    }

    /// Runs `body` before each key of an object that is a map.
    @inlinable @inline(__always)
    mutating func entries(
        _ bytes: Span<UInt8>, max count: Int = .max,
        _ body: (inout JSONReader) throws(DecodingFailure) -> Void
    ) throws(DecodingFailure) {
        if try open(bytes, "{", closing: "}", "an object") { return }
        var index = 0
        repeat {
            guard index < count else { throw failure(.tooMany(limit: count)) }
            let place = try keyPlace(bytes)
            do throws(DecodingFailure) {
                try body(&self)
            } catch {
                throw locate(error, bytes, place)
            }
            index &+= 1
        } while try isFollowed(bytes, closing: "}")
    }

    /// Steps over what opens a list or map; whether it is empty, and then over what closes it.
    @usableFromInline
    mutating func open(
        _ bytes: Span<UInt8>, _ opening: Unicode.Scalar, closing: Unicode.Scalar, _ what: String
    ) throws(DecodingFailure) -> Bool {
        let first = try value(bytes)
        guard UInt32(first) == opening.value else { throw mismatch(first, what) }
        position &+= 1
        guard UInt32(try peek(bytes)) == closing.value else { return false }
        position &+= 1
        return true
    }

    /// Whether a comma comes next; steps over that, or over what closes the list or map.
    @usableFromInline
    mutating func isFollowed(
        _ bytes: Span<UInt8>, closing: Unicode.Scalar
    ) throws(DecodingFailure) -> Bool {
        let next = try peek(bytes)
        let isComma = next == UInt8(ascii: ",")
        guard isComma || UInt32(next) == closing.value else {
            throw here(.json(.syntax(expected: "`,` or `\(closing)`")))
        }
        position &+= 1
        return isComma
    }
}
