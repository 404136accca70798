// Lists and maps.

extension JSONReader {
    @inlinable
    mutating func list<V: FieldValue>(
        _ bytes: Span<UInt8>, _ values: inout [V], _ limit: V.Limit, _ count: Int
    ) throws(DecodingFailure) {
        let first = try value(bytes)
        guard first == UInt8(ascii: "[") else { throw mismatch(first, "a list") }
        position &+= 1
        if try peek(bytes) == UInt8(ascii: "]") {
            position &+= 1
            return
        }
        repeat {
            guard values.count < count else { throw failure(.tooMany(limit: count)) }
            values.append(V.fieldDefault)
            let index = values.count - 1
            do throws(DecodingFailure) {
                try values[index].decodeValue(from: bytes, &self, limit)
            } catch {
                throw error.below("\(index)")
            }
        } while try isFollowed(bytes, closing: "]")
    }

    @inlinable
    mutating func map<K: MapKey, V: FieldValue>(
        _ bytes: Span<UInt8>, _ values: inout [K: V], _ keys: K.Limit, _ limit: V.Limit,
        _ count: Int
    ) throws(DecodingFailure) {
        let first = try value(bytes)
        guard first == UInt8(ascii: "{") else { throw mismatch(first, "an object") }
        position &+= 1
        if try peek(bytes) == UInt8(ascii: "}") {
            position &+= 1
            return
        }
        repeat {
            guard values.count < count else { throw failure(.tooMany(limit: count)) }
            let place = try keyPlace(bytes)
            do throws(DecodingFailure) {
                var key = K.fieldDefault
                try key.decodeKey(from: bytes, &self, keys)
                guard values[key] == nil else { throw duplicate(bytes) }
                try take(bytes, ":")
                var value = V.fieldDefault
                try value.decodeValue(from: bytes, &self, limit)
                values[key] = value
            } catch {
                throw locate(error, bytes, place)
            }
        } while try isFollowed(bytes, closing: "}")
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
