// The fields of each scalar type: plain, optional, list. Lists of numbers are packed.

extension WireWriter {

    // MARK: Bool

    @inlinable
    public mutating func bool(_ field: UInt32, _ value: Bool) {
        if value != false { boolAlways(field, value) }
    }

    @inlinable
    public mutating func bool(_ field: UInt32, _ value: Bool?) {
        if let value { boolAlways(field, value) }
    }

    @inlinable
    public mutating func bool(_ field: UInt32, _ values: [Bool]) {
        guard !values.isEmpty else { return }
        tag(field, .delimited)
        delimited { for value in values { $0.varint(value ? 1 : 0) } }
    }

    @inlinable
    mutating func boolAlways(_ field: UInt32, _ value: Bool) {
        varintField(field, value ? 1 : 0)
    }

    // MARK: Int32

    @inlinable
    public mutating func int32(_ field: UInt32, _ value: Int32) {
        if value != 0 { int32Always(field, value) }
    }

    @inlinable
    public mutating func int32(_ field: UInt32, _ value: Int32?) {
        if let value { int32Always(field, value) }
    }

    @inlinable
    public mutating func int32(_ field: UInt32, _ values: [Int32]) {
        guard !values.isEmpty else { return }
        tag(field, .delimited)
        delimited { for value in values { $0.varint(UInt64(truncatingIfNeeded: value)) } }
    }

    @inlinable
    mutating func int32Always(_ field: UInt32, _ value: Int32) {
        varintField(field, UInt64(truncatingIfNeeded: value))
    }

    // MARK: Int64

    @inlinable
    public mutating func int64(_ field: UInt32, _ value: Int64) {
        if value != 0 { int64Always(field, value) }
    }

    @inlinable
    public mutating func int64(_ field: UInt32, _ value: Int64?) {
        if let value { int64Always(field, value) }
    }

    @inlinable
    public mutating func int64(_ field: UInt32, _ values: [Int64]) {
        guard !values.isEmpty else { return }
        tag(field, .delimited)
        delimited { for value in values { $0.varint(UInt64(truncatingIfNeeded: value)) } }
    }

    @inlinable
    mutating func int64Always(_ field: UInt32, _ value: Int64) {
        varintField(field, UInt64(truncatingIfNeeded: value))
    }

    // MARK: UInt32

    @inlinable
    public mutating func uint32(_ field: UInt32, _ value: UInt32) {
        if value != 0 { uint32Always(field, value) }
    }

    @inlinable
    public mutating func uint32(_ field: UInt32, _ value: UInt32?) {
        if let value { uint32Always(field, value) }
    }

    @inlinable
    public mutating func uint32(_ field: UInt32, _ values: [UInt32]) {
        guard !values.isEmpty else { return }
        tag(field, .delimited)
        delimited { for value in values { $0.varint(UInt64(value)) } }
    }

    @inlinable
    mutating func uint32Always(_ field: UInt32, _ value: UInt32) {
        varintField(field, UInt64(value))
    }

    // MARK: UInt64

    @inlinable
    public mutating func uint64(_ field: UInt32, _ value: UInt64) {
        if value != 0 { uint64Always(field, value) }
    }

    @inlinable
    public mutating func uint64(_ field: UInt32, _ value: UInt64?) {
        if let value { uint64Always(field, value) }
    }

    @inlinable
    public mutating func uint64(_ field: UInt32, _ values: [UInt64]) {
        guard !values.isEmpty else { return }
        tag(field, .delimited)
        delimited { for value in values { $0.varint(value) } }
    }

    @inlinable
    mutating func uint64Always(_ field: UInt32, _ value: UInt64) {
        varintField(field, value)
    }

    // MARK: Float

    @inlinable
    public mutating func float(_ field: UInt32, _ value: Float) {
        // By bits, so that a negative zero is written.
        if value.bitPattern != 0 { floatAlways(field, value) }
    }

    @inlinable
    public mutating func float(_ field: UInt32, _ value: Float?) {
        if let value { floatAlways(field, value) }
    }

    @inlinable
    public mutating func float(_ field: UInt32, _ values: [Float]) {
        guard !values.isEmpty else { return }
        tag(field, .delimited)
        delimited { for value in values { $0.fixed32(value.bitPattern) } }
    }

    @inlinable
    mutating func floatAlways(_ field: UInt32, _ value: Float) {
        tag(field, .fixed32)
        fixed32(value.bitPattern)
    }

    // MARK: Double

    @inlinable
    public mutating func double(_ field: UInt32, _ value: Double) {
        // By bits, so that a negative zero is written.
        if value.bitPattern != 0 { doubleAlways(field, value) }
    }

    @inlinable
    public mutating func double(_ field: UInt32, _ value: Double?) {
        if let value { doubleAlways(field, value) }
    }

    @inlinable
    public mutating func double(_ field: UInt32, _ values: [Double]) {
        guard !values.isEmpty else { return }
        tag(field, .delimited)
        delimited { for value in values { $0.fixed64(value.bitPattern) } }
    }

    @inlinable
    mutating func doubleAlways(_ field: UInt32, _ value: Double) {
        tag(field, .fixed64)
        fixed64(value.bitPattern)
    }

    // MARK: Enumerations

    @inlinable
    public mutating func enumeration<E: OpenEnum>(_ field: UInt32, _ value: E) {
        int32(field, value.rawValue)
    }

    @inlinable
    public mutating func enumeration<E: OpenEnum>(_ field: UInt32, _ value: E?) {
        if let value { int32Always(field, value.rawValue) }
    }

    @inlinable
    public mutating func enumeration<E: OpenEnum>(_ field: UInt32, _ values: [E]) {
        guard !values.isEmpty else { return }
        tag(field, .delimited)
        delimited {
            for value in values { $0.varint(UInt64(truncatingIfNeeded: value.rawValue)) }
        }
    }
}
