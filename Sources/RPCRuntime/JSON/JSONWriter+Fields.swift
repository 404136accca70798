extension JSONWriter: FieldWriter {
    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ value: V) {
        value.encodeField(name, into: &self)
    }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ value: V?) {
        guard let value else {
            if form == .document { absent(name) }
            return
        }
        key(name)
        value.encodeValue(into: &self)
    }

    /// Appends a member that has no value.
    @usableFromInline
    mutating func absent(_ name: String) {
        key(name)
        raw("null")
    }

    @inlinable
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ values: [V]) {
        if values.isEmpty, !writesDefaults { return }
        key(name)
        elements(values.span)
    }

    @inlinable
    mutating func elements<V: JSONWritable & ~Copyable>(_ values: Span<V>) {
        bytes.append(UInt8(ascii: "["))
        for index in values.indices {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            values[index].encodeValue(into: &self)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    @inlinable
    public mutating func field<K: MapKey, V: FieldValue>(
        _ number: UInt32, _ name: String, _ values: [K: V]
    ) {
        if values.isEmpty, !writesDefaults { return }
        key(name)
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        for (key, value) in values.sorted(by: { $0.key.precedes($1.key) }) {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            key.encodeKey(into: &self)
            bytes.append(UInt8(ascii: ":"))
            value.encodeValue(into: &self)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    // MARK: Redaction

    @inlinable
    public mutating func redacted<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: V.Limit
    ) {
        if !redacts { return field(number, name, value) }
        if writesDefaults || !value.isFieldDefault { redacted(name) }
    }

    @inlinable
    public mutating func redacted<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V?,
        _ limit: V.Limit
    ) {
        if redacts, value != nil { redacted(name) } else { field(number, name, value) }
    }

    @inlinable
    public mutating func redacted<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [V],
        _ limit: V.Limit, count: Int
    ) {
        if !redacts { return field(number, name, values) }
        if writesDefaults || !values.isEmpty { redacted(name) }
    }

    @inlinable
    public mutating func redacted<K: MapKey, V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [K: V],
        keys: K.Limit, _ limit: V.Limit, count: Int
    ) {
        if !redacts { return field(number, name, values) }
        if writesDefaults || !values.isEmpty { redacted(name) }
    }

    @inlinable
    public mutating func redactedChoice<V: FieldValue, Choice>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ choice: inout Choice?,
        _ make: (V) -> Choice, _ limit: V.Limit, _ value: (Choice) -> V?
    ) {
        let value = choice.flatMap(value)
        if redacts, value != nil { redacted(name) } else { field(number, name, value) }
    }

    /// Fields that the schema does not have have no names, and so no place in JSON.
    @inlinable
    public mutating func unknown(_ fields: [UInt8]) {}
}
