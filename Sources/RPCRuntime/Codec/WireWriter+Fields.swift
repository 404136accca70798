extension WireWriter: FieldWriter {
    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ value: V) {
        value.encodeField(number, into: &self)
    }

    @inlinable @inline(__always)
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ value: V?) {
        guard let value else { return }
        tag(number, V.wireType)
        value.encodeValue(into: &self)
    }

    /// Numbers are packed: one field with all of them.
    @inlinable
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ values: [V]) {
        if values.isEmpty { return }
        if V.wireType == .delimited {
            for value in values {
                tag(number, .delimited)
                value.encodeValue(into: &self)
            }
        } else {
            tag(number, .delimited)
            delimited { for value in values { value.encodeValue(into: &$0) } }
        }
    }

    /// Each entry is a message of two fields, key and value, both always written.
    @inlinable
    public mutating func field<K: MapKey, V: FieldValue>(
        _ number: UInt32, _ name: String, _ values: [K: V]
    ) {
        for (key, value) in values.sorted(by: { $0.key.precedes($1.key) }) {
            tag(number, .delimited)
            delimited { writer in
                writer.tag(1, K.wireType)
                key.encodeValue(into: &writer)
                writer.tag(2, V.wireType)
                value.encodeValue(into: &writer)
            }
        }
    }

    @inlinable
    public mutating func unknown(_ fields: [UInt8]) { raw(fields) }
}
