// Members that a message does not have.

extension JSONReader {
    /// Passes over the member whose name waits, or refuses it.
    @usableFromInline
    mutating func passMember(_ bytes: Span<UInt8>) throws(DecodingFailure) {
        let place = keyStart
        do throws(DecodingFailure) {
            var reader = self
            reader.position = place
            let name = try reader.string(bytes, String.unlimited)
            guard ignoresUnknown else {
                reader.valueStart = place
                throw reader.failure(.json(.unknownField(Self.excerpt(name.utf8.span))))
            }
            try pass(bytes)
        } catch {
            throw locate(error, bytes, place)
        }
        try advance(bytes)
    }

    /// Steps over a value, without recursion.
    private mutating func pass(_ bytes: Span<UInt8>) throws(DecodingFailure) {
        // The objects and lists that are open, a bit each, the innermost lowest; objects are 1.
        var open: UInt64 = 0
        var count = 0
        repeat {
            let first = try value(bytes)
            let isObject = first == UInt8(ascii: "{")
            if isObject || first == UInt8(ascii: "[") {
                guard count < Self.depthLimit else {
                    throw failure(.tooDeep(limit: Self.depthLimit))
                }
                position += 1
                if try peek(bytes) != Self.closing(isObject) {
                    open = open << 1 | (isObject ? 1 : 0)
                    count += 1
                    if isObject { try passKey(bytes) }
                    continue
                }
                position += 1
            } else {
                try passScalar(bytes, first)
            }
            while count > 0 {
                let isObject = open & 1 == 1
                let closing: Unicode.Scalar = isObject ? "}" : "]"
                if try isFollowed(bytes, closing: closing) {
                    if isObject { try passKey(bytes) }
                    break
                }
                open >>= 1
                count -= 1
            }
        } while count > 0
    }

    private static func closing(_ isObject: Bool) -> UInt8 {
        isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
    }

    private mutating func passKey(_ bytes: Span<UInt8>) throws(DecodingFailure) {
        _ = try keyPlace(bytes)
        _ = try string(bytes, String.unlimited)
        try take(bytes, ":")
    }

    private mutating func passScalar(_ bytes: Span<UInt8>, _ first: UInt8) throws(DecodingFailure) {
        switch first {
        case UInt8(ascii: "\""): _ = try string(bytes, String.unlimited)
        case UInt8(ascii: "t"): try word(bytes, "true")
        case UInt8(ascii: "f"): try word(bytes, "false")
        case UInt8(ascii: "n"): try word(bytes, "null")
        default: _ = try number(bytes, first, "a value")
        }
    }
}
