/// A value with a JSON form, which is that of ProtoJSON (`docs/IDL.md`, part 7).
public protocol JSONValue: JSONWritable {
    /// What a schema can limit: the length of a string, the range of a number.
    associatedtype Limit
    /// Whether a plain field with this value is left out.
    var isFieldDefault: Bool { get }
    /// Appends a plain field, name and value, unless it is left out.
    func encodeField(_ name: String, into writer: inout JSONWriter)
    /// Reads a value that is not `null`.
    mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: Limit
    ) throws(DecodingFailure)
    /// The JSON text of a value that stands in a URL, as its text stands there.
    static func json(parameter text: String) -> [UInt8]
}

/// The writing half of a value, which is borrowed where it stands; see ``WireWritable``.
public protocol JSONWritable: ~Copyable {
    /// Appends the value.
    func encodeValue(into writer: inout JSONWriter)
}

extension JSONValue {
    /// Most values may be strings in JSON.
    public static func json(parameter text: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.string(nil, text)
        return writer.bytes
    }
}

extension FieldValue {
    @inlinable public var isFieldDefault: Bool { self == Self.fieldDefault }

    @inlinable
    public func encodeField(_ name: String, into writer: inout JSONWriter) {
        if !writer.writesDefaults, isFieldDefault { return }
        writer.key(name)
        encodeValue(into: &writer)
    }
}

// MARK: Messages

extension Message {
    @inlinable
    public func encode(into writer: inout JSONWriter) { write(to: &writer) }

    @inlinable
    public mutating func decode(from bytes: Span<UInt8>, _ reader: inout JSONReader)
        throws(DecodingFailure)
    {
        while try reader.more(bytes) { try read(from: bytes, &reader) }
    }

    /// Writes the message unless nothing of it is written.
    @inlinable
    public func encodeField(_ name: String, into writer: inout JSONWriter) {
        let start = writer.bytes.count
        writer.key(name)
        let place = writer.bytes.count
        encodeValue(into: &writer)
        if writer.bytes.count == place + 2, !writer.writesDefaults {
            writer.bytes.removeLast(writer.bytes.count - start)
        }
    }

    @inlinable
    public func encodeValue(into writer: inout JSONWriter) {
        writer.bytes.append(UInt8(ascii: "{"))
        encode(into: &writer)
        writer.bytes.append(UInt8(ascii: "}"))
    }

    @inlinable
    public mutating func decodeValue(
        from bytes: Span<UInt8>, _ reader: inout JSONReader, _ limit: Unlimited
    ) throws(DecodingFailure) {
        let outside = try reader.enter(bytes)
        do throws(DecodingFailure) {
            try decode(from: bytes, &reader)
        } catch {
            throw error.inside(Self.typeName)
        }
        reader.leave(outside)
    }

    /// The JSON form as an array of its own, compact.
    ///
    /// `redacts` writes `"[redacted]"` for what the schema redacts.
    @inlinable
    public func encodedJSON(_ form: JSONForm = .compact, redacts: Bool = false) -> [UInt8] {
        // Names and quotes make about twice as much of the binary form.
        var size = WireSize()
        write(to: &size)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size.bound / 2 * 5)
        var writer = JSONWriter(bytes, form: form, redacts: redacts)
        encodeValue(into: &writer)
        return writer.bytes
    }

    /// Reads a whole text of JSON.
    ///
    /// Members that the message does not have are refused, or passed over if `ignoresUnknown`.
    @inlinable
    public init(
        decodingJSON bytes: Span<UInt8>, ignoresUnknown: Bool = false
    ) throws(DecodingFailure) {
        self.init()
        var reader = JSONReader(ignoresUnknown: ignoresUnknown)
        do throws(DecodingFailure) {
            try decodeValue(from: bytes, &reader, Unlimited())
            try reader.finish(bytes)
        } catch {
            throw error.inside(Self.typeName)
        }
    }

    /// Reads a whole text of JSON.
    @inlinable
    public init(
        decodingJSON bytes: [UInt8], ignoresUnknown: Bool = false
    ) throws(DecodingFailure) {
        try self.init(decodingJSON: bytes.span, ignoresUnknown: ignoresUnknown)
    }

    /// The JSON form without what the schema redacts.
    @inlinable
    public var description: String {
        String(decoding: encodedJSON(redacts: true), as: UTF8.self)
    }

    @inlinable
    public var debugDescription: String { description }
}
