// Fields with a length before them: strings, bytes, messages, and the two types of time.

extension WireWriter {
    // MARK: String

    @inlinable
    public mutating func string(_ field: UInt32, _ value: String) {
        if !value.isEmpty { stringAlways(field, value) }
    }

    @inlinable
    public mutating func string(_ field: UInt32, _ value: String?) {
        if let value { stringAlways(field, value) }
    }

    @inlinable
    public mutating func string(_ field: UInt32, _ values: [String]) {
        for value in values { stringAlways(field, value) }
    }

    @inlinable
    mutating func stringAlways(_ field: UInt32, _ value: String) {
        spanField(field, value.utf8.span)
    }

    // MARK: Bytes

    @inlinable
    public mutating func bytes(_ field: UInt32, _ value: [UInt8]) {
        if !value.isEmpty { bytesAlways(field, value) }
    }

    @inlinable
    public mutating func bytes(_ field: UInt32, _ value: [UInt8]?) {
        if let value { bytesAlways(field, value) }
    }

    @inlinable
    public mutating func bytes(_ field: UInt32, _ values: [[UInt8]]) {
        for value in values { bytesAlways(field, value) }
    }

    @inlinable
    mutating func bytesAlways(_ field: UInt32, _ value: [UInt8]) {
        if value.count > copiedMax { return keepApart(field, value) }
        spanField(field, value.span)
    }

    // MARK: Messages

    /// Writes the message unless it is its default, which has no bytes.
    @inlinable
    public mutating func message<M: Message>(_ field: UInt32, _ value: M) {
        let start = bytes.count
        tag(field, .delimited)
        let length = delimited { value.encode(into: &$0) }
        if length == 0 { bytes.removeLast(bytes.count - start) }
    }

    @inlinable
    public mutating func message<M: Message>(_ field: UInt32, _ value: M?) {
        if let value { messageAlways(field, value) }
    }

    @inlinable
    public mutating func message<M: Message>(_ field: UInt32, _ values: [M]) {
        for value in values { messageAlways(field, value) }
    }

    @inlinable
    mutating func messageAlways<M: Message>(_ field: UInt32, _ value: M) {
        tag(field, .delimited)
        delimited { value.encode(into: &$0) }
    }

    // MARK: Duration

    /// Writes whole nanoseconds, and the nearest end of the range for what lies outside it.
    @inlinable
    public mutating func duration(_ field: UInt32, _ value: Duration) {
        message(field, WireDuration(value))
    }

    @inlinable
    public mutating func duration(_ field: UInt32, _ value: Duration?) {
        if let value { messageAlways(field, WireDuration(value)) }
    }

    @inlinable
    public mutating func duration(_ field: UInt32, _ values: [Duration]) {
        for value in values { messageAlways(field, WireDuration(value)) }
    }
}
