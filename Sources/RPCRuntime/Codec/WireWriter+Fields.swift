// Messages with long fields, whose bytes are not copied but kept apart. All others are written into
// an `OutputSpan`.

extension WireWriter: FieldWriter {
    @inlinable
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ value: V) {
        var size = WireSize()
        value.measure(&size)
        guard size.longest > copiedMax else {
            return bytes.append(addingCapacity: size.bound + 5) {
                value.encodeField(number, into: &$0)
            }
        }
        tag(number, .delimited)
        value.encodeApart(into: &self)
    }

    @inlinable
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ value: V?) {
        guard let value else { return }
        tag(number, V.wireType)
        value.encodeApart(into: &self)
    }

    @inlinable
    public mutating func field<V: FieldValue>(_ number: UInt32, _ name: String, _ values: [V]) {
        if V.wireType == .delimited {
            for value in values {
                tag(number, .delimited)
                value.encodeApart(into: &self)
            }
        } else {
            var size = WireSize()
            size.field(number, name, values)
            bytes.append(addingCapacity: size.bound) { $0.field(number, name, values) }
        }
    }

    @inlinable
    public mutating func field<K: MapKey, V: FieldValue>(
        _ number: UInt32, _ name: String, _ values: [K: V]
    ) {
        for (key, value) in values.sorted(by: { $0.key.precedes($1.key) }) {
            tag(number, .delimited)
            delimited { writer in
                writer.tag(1, K.wireType)
                key.encodeApart(into: &writer)
                writer.tag(2, V.wireType)
                value.encodeApart(into: &writer)
            }
        }
    }

    @inlinable
    public mutating func unknown(_ fields: [UInt8]) { bytes.append(contentsOf: fields) }
}
