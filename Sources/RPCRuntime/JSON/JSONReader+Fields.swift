extension JSONReader: FieldReader {
    @inlinable @inline(__always)
    public mutating func more(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Bool {
        matched = false
        asked = 0
        return keyCount != Self.noKey
    }

    /// Whether the name that waits is this one.
    @inlinable @inline(__always)
    mutating func isNext(_ bytes: Span<UInt8>, _ name: String) -> Bool {
        asked &+= 1
        guard keyCount == name.utf8.count || keyCount == Self.oddKey else { return false }
        return isKey(bytes, name)
    }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: V.Limit
    ) throws(DecodingFailure) {
        guard isNext(bytes, name) else { return }
        try member(bytes, name) { reader throws(DecodingFailure) in
            if try reader.null(bytes) {
                value = V.fieldDefault
            } else {
                try value.decodeValue(from: bytes, &reader, limit)
            }
        }
    }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V?,
        _ limit: V.Limit
    ) throws(DecodingFailure) {
        guard isNext(bytes, name) else { return }
        try member(bytes, name) { reader throws(DecodingFailure) in
            value = nil
            if try reader.null(bytes) { return }
            var inner = V.fieldDefault
            try inner.decodeValue(from: bytes, &reader, limit)
            value = inner
        }
    }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [V],
        _ limit: V.Limit, count: Int
    ) throws(DecodingFailure) {
        guard isNext(bytes, name) else { return }
        try member(bytes, name) { reader throws(DecodingFailure) in
            values = []
            if try !reader.null(bytes) { try reader.list(bytes, &values, limit, count) }
        }
    }

    @inlinable @inline(__always)
    public mutating func field<K: MapKey, V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [K: V],
        keys: K.Limit, _ limit: V.Limit, count: Int
    ) throws(DecodingFailure) {
        guard isNext(bytes, name) else { return }
        try member(bytes, name) { reader throws(DecodingFailure) in
            values = [:]
            if try !reader.null(bytes) { try reader.map(bytes, &values, keys, limit, count) }
        }
    }

    @inlinable @inline(__always)
    public mutating func choice<V: FieldValue, Choice>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ choice: inout Choice?,
        _ make: (V) -> Choice, _ limit: V.Limit, _ value: (Choice) -> V?
    ) throws(DecodingFailure) {
        guard isNext(bytes, name) else { return }
        try member(bytes, name) { reader throws(DecodingFailure) in
            if try reader.null(bytes) { return }
            guard choice == nil else { throw reader.failure(.json(.secondChoice(name))) }
            var inner = V.fieldDefault
            try inner.decodeValue(from: bytes, &reader, limit)
            choice = make(inner)
        }
    }

    @inlinable @inline(__always)
    public mutating func rest(
        _ bytes: Span<UInt8>, _ unknown: inout [UInt8]
    ) throws(DecodingFailure) {
        if !matched { try passMember(bytes) }
    }

    // MARK: Members

    /// Reads the member whose name waits, and the next name behind it.
    @inlinable @inline(__always)
    mutating func member(
        _ bytes: Span<UInt8>, _ name: String,
        _ body: (inout JSONReader) throws(DecodingFailure) -> Void
    ) throws(DecodingFailure) {
        let place = keyStart
        do throws(DecodingFailure) {
            guard note() else {
                valueStart = place
                throw failure(.json(.duplicate(name)))
            }
            try body(&self)
        } catch {
            throw locate(error, bytes, place)
        }
        try advance(bytes)
    }

    /// Notes that the object has the field that was asked for last; false when it has had it.
    @inlinable @inline(__always)
    mutating func note() -> Bool {
        if asked > 64 { return noteBeyond() }
        let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: asked &- 1)
        if seen & bit != 0 { return false }
        seen |= bit
        return true
    }

    @usableFromInline
    mutating func noteBeyond() -> Bool {
        let (index, shift) = (asked - 65).quotientAndRemainder(dividingBy: 64)
        while seenBeyond.count <= seenBase + index { seenBeyond.append(0) }
        let bit: UInt64 = 1 << UInt64(shift)
        if seenBeyond[seenBase + index] & bit != 0 { return false }
        seenBeyond[seenBase + index] |= bit
        return true
    }

    /// Goes to the name behind a member, or behind the object.
    @usableFromInline
    mutating func advance(_ bytes: Span<UInt8>) throws(DecodingFailure) {
        matched = true
        let next = try peek(bytes)
        if next == UInt8(ascii: ",") {
            position &+= 1
            try readKey(bytes)
        } else if next == UInt8(ascii: "}") {
            position &+= 1
            keyCount = Self.noKey
        } else {
            throw here(.json(.syntax(expected: "`,` or `}`")))
        }
    }

    /// Reads a name and the colon behind it.
    mutating func readKey(_ bytes: Span<UInt8>) throws(DecodingFailure) {
        let isNext = position < bytes.count && bytes[position] == UInt8(ascii: "\"")
        keyStart = isNext ? position : try keyPlace(bytes)
        var index = keyStart &+ 1
        while let octet = Octet(bytes, at: index) {
            index &+= octet.escapedOrUnderscore
            if octet.escapedOrUnderscore < 8 { break }
        }
        if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
            keyCount = index &- keyStart &- 1
            position = index &+ 1
        } else {
            let token = try token(bytes)
            // Longer than any name can be written.
            let isLong = token.range.count > 4096
            keyCount = isLong || token.isPlain(bytes) ? token.range.count : Self.oddKey
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ":") {
            position &+= 1
        } else {
            try take(bytes, ":")
        }
    }

    /// Goes into the object that comes next; gives ``leave(_:)`` what was outside.
    @usableFromInline
    mutating func enter(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Outside {
        let first = try value(bytes)
        guard first == UInt8(ascii: "{") else { throw mismatch(first, "an object") }
        guard depth <= Self.depthLimit else { throw failure(.tooDeep(limit: Self.depthLimit)) }
        let outside = Outside(seen: seen, seenBase: seenBase, asked: asked)
        depth += 1
        position &+= 1
        seen = 0
        seenBase = seenBeyond.count
        if try peek(bytes) == UInt8(ascii: "}") {
            position &+= 1
            keyCount = Self.noKey
        } else {
            try readKey(bytes)
        }
        return outside
    }

    /// Goes on behind an object.
    @usableFromInline
    mutating func leave(_ outside: Outside) {
        depth -= 1
        seen = outside.seen
        if seenBeyond.count > seenBase { seenBeyond.removeLast(seenBeyond.count - seenBase) }
        seenBase = outside.seenBase
        asked = outside.asked
    }

    /// What lies outside the object that is being read.
    @usableFromInline
    struct Outside {
        @usableFromInline let seen: UInt64
        @usableFromInline let seenBase: Int
        @usableFromInline let asked: Int

        @usableFromInline
        init(seen: UInt64, seenBase: Int, asked: Int) {
            self.seen = seen
            self.seenBase = seenBase
            self.asked = asked
        }
    }
}
