// The JSON form of scalars and enums.

// MARK: Numbers

extension VarintValue {
    /// In quotes from 64 bits on, because many readers of JSON have no integers that wide.
    @inlinable
    public func encodeValue(into writer: inout JSONWriter) { encode(nil, into: &writer) }

    @inlinable
    public func encodeField(_ name: String, into writer: inout JSONWriter) {
        if writer.writesDefaults || self != 0 { encode(name, into: &writer) }
    }

    @inlinable
    func encode(_ name: String?, into writer: inout JSONWriter) {
        writer.integer(
            name, UInt64(magnitude), isNegative: self < 0, isQuoted: Self.bitWidth > 32)
    }

    @inlinable
    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: ClosedRange<Self>
    ) throws(DecodingFailure) {
        self = try reader.integer(bytes, limit)
    }
}

extension VarintValue where Self: MapKey {
    @inlinable
    public func encodeKey(into writer: inout JSONWriter) {
        writer.integer(nil, UInt64(magnitude), isNegative: self < 0, isQuoted: true)
    }

    @inlinable
    public mutating func decodeKey(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: ClosedRange<Self>
    ) throws(DecodingFailure) {
        self = try reader.integer(bytes, limit)
    }
}

extension Bool {
    public func encodeValue(into writer: inout JSONWriter) { writer.raw(self ? "true" : "false") }

    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: Unlimited
    ) throws(DecodingFailure) {
        let first = try reader.value(bytes)
        switch first {
        case UInt8(ascii: "t"):
            try reader.word(bytes, "true")
            self = true
        case UInt8(ascii: "f"):
            try reader.word(bytes, "false")
            self = false
        default: throw reader.mismatch(first, "true or false")
        }
    }

    public static func json(parameter text: String) -> [UInt8] {
        text == "true" || text == "false" ? Array(text.utf8) : String.json(parameter: text)
    }

    public func encodeKey(into writer: inout JSONWriter) { writer.text(self ? "true" : "false") }

    public mutating func decodeKey(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: Unlimited
    ) throws(DecodingFailure) {
        self = try reader.text(bytes, "truth value") { text in
            switch JSONReader.excerpt(text) {
            case "true": true
            case "false": false
            default: nil
            }
        }
    }
}

extension FixedValue {
    /// By bits, so that a negative zero is written.
    public var isFieldDefault: Bool { bitPattern == 0 }

    public func encodeValue(into writer: inout JSONWriter) { writer.floating(self) }

    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: ClosedRange<Self>
    ) throws(DecodingFailure) {
        self = try reader.floating(bytes)
        try check(reader, limit)
    }
}

extension OpenEnum {
    @inlinable
    public func encodeValue(into writer: inout JSONWriter) {
        writer.enumeration(rawValue, Self.jsonNames)
    }

    /// A name, or a number.
    @inlinable
    public static func json(parameter text: String) -> [UInt8] {
        Int32(text) == nil ? String.json(parameter: text) : Array(text.utf8)
    }

    /// Reads a name, or a number with or without one.
    @inlinable
    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: Unlimited
    ) throws(DecodingFailure) {
        self = Self(rawValue: try reader.enumeration(bytes, Self.jsonNames))
    }
}

extension JSONReader {
    @usableFromInline
    mutating func enumeration(
        _ bytes: Span<UInt8>, _ names: EnumNames
    ) throws(DecodingFailure) -> Int32 {
        let first = try value(bytes)
        if first == UInt8(ascii: "\"") {
            return try text(bytes, "value of \(names.typeName)", names.number)
        }
        guard let whole = try number(bytes, first, "a string").whole,
            let value = Int32(exactly: whole)
        else { throw unfit(bytes, "value of \(names.typeName)") }
        return value
    }
}

// MARK: Strings

extension String {
    @inlinable
    public func encodeValue(into writer: inout JSONWriter) { writer.string(nil, self) }

    @inlinable
    public func encodeField(_ name: String, into writer: inout JSONWriter) {
        if writer.writesDefaults || !isEmpty { writer.string(name, self) }
    }

    @inlinable
    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: ClosedRange<Int>
    ) throws(DecodingFailure) {
        self = try reader.string(bytes, limit)
    }

    @inlinable
    public func encodeKey(into writer: inout JSONWriter) { writer.string(nil, self) }

    @inlinable
    public mutating func decodeKey(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: ClosedRange<Int>
    ) throws(DecodingFailure) {
        self = try reader.string(bytes, limit)
    }
}

extension Array: JSONWritable, JSONValue where Element == UInt8 {
    public func encodeValue(into writer: inout JSONWriter) {
        let bytes = span
        writer.quoted(nil, Base64.length(of: count)) { Base64.encode(bytes, &$0) }
    }

    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: ClosedRange<Int>
    ) throws(DecodingFailure) {
        self = try reader.text(bytes, "base64", Base64.decode)
        try reader.check(count, limit)
    }
}

extension RPCUUID {
    public func encodeValue(into writer: inout JSONWriter) {
        writer.quoted(nil, Self.length) { write(to: &$0) }
    }

    /// An empty string is the nil UUID, as in the binary form.
    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: Unlimited
    ) throws(DecodingFailure) {
        self = try reader.text(bytes, "UUID") { $0.isEmpty ? RPCUUID() : RPCUUID($0) }
    }
}

// MARK: Times

extension Timestamp {
    /// A space stands where a `+` was not percent-encoded; only an offset has one.
    public static func json(parameter text: String) -> [UInt8] {
        String.json(parameter: String(text.map { $0 == " " ? "+" : $0 }))
    }

    /// Not a message in JSON, so left out like a scalar.
    public func encodeField(_ name: String, into writer: inout JSONWriter) {
        if writer.writesDefaults || !isFieldDefault { encode(name, into: &writer) }
    }

    public func encodeValue(into writer: inout JSONWriter) { encode(nil, into: &writer) }

    private func encode(_ name: String?, into writer: inout JSONWriter) {
        writer.quoted(name, Self.lengthMax) { writeText(to: &$0) }
    }

    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: Unlimited
    ) throws(DecodingFailure) {
        self = try reader.text(bytes, "timestamp") { text in
            // Small letters are RFC 3339's, but not protobuf's.
            let isCapital =
                text.count > 10 && text[10] == UInt8(ascii: "T")
                && text[text.count - 1] != UInt8(ascii: "z")
            return isCapital ? Timestamp(text) : nil
        }
    }
}

extension Duration {
    /// Also what is shorter than a nanosecond, which is not written.
    public var isFieldDefault: Bool { WireDuration(self) == WireDuration() }

    public func encodeValue(into writer: inout JSONWriter) {
        let wire = WireDuration(self)
        writer.quoted(nil, WireDuration.lengthMax) { wire.writeText(to: &$0) }
    }

    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: Unlimited
    ) throws(DecodingFailure) {
        self = try reader.text(bytes, "duration") { WireDuration($0) }.duration
    }
}
