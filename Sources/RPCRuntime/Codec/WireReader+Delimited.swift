// Fields with a length before them: strings, bytes, messages, and the two types of time.

extension WireReader {
    // MARK: String

    /// Reads a string of at most `limit` bytes of UTF-8.
    public mutating func string(
        _ bytes: Span<UInt8>, max limit: Int
    ) throws(DecodingFailure) -> String {
        let range = try delimited(bytes)
        guard range.count <= limit else {
            throw failure(.tooLong(length: range.count, limit: limit))
        }
        position = range.upperBound
        guard let text = try? UTF8Span(validating: bytes.extracting(range)) else {
            throw failure(.invalidUTF8)
        }
        return String(copying: text)
    }

    @inlinable
    public mutating func string(
        _ bytes: Span<UInt8>, max limit: Int, appendingTo list: inout [String], count: Int
    ) throws(DecodingFailure) {
        try checkRoom(list, count)
        list.append(try string(bytes, max: limit))
    }

    // MARK: Bytes

    /// Reads at most `limit` bytes.
    public mutating func bytes(
        _ bytes: Span<UInt8>, max limit: Int
    ) throws(DecodingFailure) -> [UInt8] {
        if long != nil, let value = try longField(bytes, max: limit) { return value }
        let range = try delimited(bytes)
        guard range.count <= limit else {
            throw failure(.tooLong(length: range.count, limit: limit))
        }
        position = range.upperBound
        var value: [UInt8] = []
        append(bytes, range, to: &value)
        return value
    }

    /// The bytes of a field that stand elsewhere; nil, having moved nowhere, when these do not.
    private mutating func longField(
        _ bytes: Span<UInt8>, max limit: Int
    ) throws(DecodingFailure) -> [UInt8]? {
        let start = position
        _ = try varint(bytes)
        guard let value = long?.field(at: position) else {
            position = start
            return nil
        }
        guard value.count <= limit else {
            throw failure(.tooLong(length: value.count, limit: limit))
        }
        return value
    }

    @inlinable
    public mutating func bytes(
        _ bytes: Span<UInt8>, max limit: Int, appendingTo list: inout [[UInt8]], count: Int
    ) throws(DecodingFailure) {
        try checkRoom(list, count)
        list.append(try self.bytes(bytes, max: limit))
    }

    // MARK: Messages

    /// Reads a message and merges it into `value`.
    @inlinable
    public mutating func message<M: Message>(
        _ bytes: Span<UInt8>, into value: inout M
    ) throws(DecodingFailure) {
        try inside(bytes) { (reader) throws(DecodingFailure) in
            do throws(DecodingFailure) {
                try value.decode(from: bytes, &reader)
            } catch {
                throw error.inside(M.typeName)
            }
        }
    }

    @inlinable
    public mutating func message<M: Message>(
        _ bytes: Span<UInt8>, into value: inout M?
    ) throws(DecodingFailure) {
        var merged = value ?? M()
        // So that `merged` is the only owner of its arrays while it grows.
        value = nil
        try message(bytes, into: &merged)
        value = merged
    }

    @inlinable
    public mutating func message<M: Message>(
        _ bytes: Span<UInt8>, appendingTo list: inout [M], count limit: Int
    ) throws(DecodingFailure) {
        try checkRoom(list, limit)
        var element = M()
        try message(bytes, into: &element)
        list.append(element)
    }

    // MARK: Duration

    @inlinable
    public mutating func duration(
        _ bytes: Span<UInt8>, into value: inout Duration
    ) throws(DecodingFailure) {
        var wire = WireDuration(value)
        try message(bytes, into: &wire)
        value = wire.duration
    }

    @inlinable
    public mutating func duration(
        _ bytes: Span<UInt8>, into value: inout Duration?
    ) throws(DecodingFailure) {
        var wire = WireDuration(value ?? .zero)
        try message(bytes, into: &wire)
        value = wire.duration
    }

    @inlinable
    public mutating func duration(
        _ bytes: Span<UInt8>, appendingTo list: inout [Duration], count limit: Int
    ) throws(DecodingFailure) {
        try checkRoom(list, limit)
        var wire = WireDuration()
        try message(bytes, into: &wire)
        list.append(wire.duration)
    }
}
