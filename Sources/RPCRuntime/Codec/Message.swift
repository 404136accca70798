public import Spans

/// A value with fields; what the schema compiler generates are ``GeneratedMessage``s.
///
/// It says how its fields are written and how they are read, and has with that a binary form, which
/// is protobuf's wire format, written deterministically (`docs/IDL.md`, part 6), and a JSON form
/// (part 7).
public protocol Message: FieldValue, CustomStringConvertible, CustomDebugStringConvertible
where Limit == Unlimited {
    /// Every field at its default.
    init()
    /// `package.Message`.
    static var typeName: String { get }
    /// Gives every field to the writer, in ascending order of the numbers.
    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable)
    /// Asks the reader for each field in ascending order of the numbers, and merges in those that
    /// come next; called again while there is ``FieldReader/more(_:)``.
    ///
    /// After an error the value holds what was read before it.
    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)

    // These have an implementation already. They are requirements so that each message has code of
    // its own for each form.

    /// Appends the binary form; deterministic.
    func encode(into writer: inout WireWriter)
    /// Appends the binary form to memory that has room for it.
    func encode(into output: inout OutputSpan<UInt8>)
    /// Reads the binary form and merges it in.
    mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    /// Appends the members of the JSON form's object, without its braces.
    func encode(into writer: inout JSONWriter)
    /// Reads the members of an object and puts them in place of what is there.
    mutating func decode(from bytes: Span<UInt8>, _ reader: inout JSONReader)
        throws(DecodingFailure)
}

extension Message {
    @inlinable
    public func encode(into writer: inout WireWriter) {
        var size = WireSize()
        write(to: &size)
        if size.longest > writer.copiedMax { return write(to: &writer) }
        writer.bytes.append(addingCapacity: size.bound) { encode(into: &$0) }
    }

    @inlinable @inline(__always)
    public func encode(into output: inout OutputSpan<UInt8>) { write(to: &output) }

    @inlinable @inline(__always)
    public mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        while try reader.more(bytes) { try read(from: bytes, &reader) }
    }

    /// The binary form as an array of its own.
    @inlinable
    public func encoded() -> [UInt8] {
        var writer = WireWriter()
        encode(into: &writer)
        return writer.bytes
    }

    /// Reads a whole message; every byte belongs to it.
    @inlinable
    public init(decoding bytes: Span<UInt8>) throws(DecodingFailure) {
        self.init()
        var reader = WireReader(bytes)
        do throws(DecodingFailure) {
            try decode(from: bytes, &reader)
        } catch {
            throw error.inside(Self.typeName)
        }
    }

    /// Reads a whole message; every byte belongs to it.
    @inlinable
    public init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        try self.init(decoding: bytes.span)
    }
}

/// A message that lists its fields once, for writing and for reading.
public protocol GeneratedMessage: Message {
    /// Fields that the schema does not have, in their wire form.
    var unknownFields: [UInt8] { get set }
    /// Passes each field to the coder, in ascending order of the numbers, and changes none itself: a
    /// message that is written is only lent, without its references being counted.
    mutating func fields<Coder: FieldCoder>(_ coder: inout Coder, _ bytes: Span<UInt8>)
        throws(Coder.Failure)
}

extension GeneratedMessage {
    /// Gives all fields to a writer, which leaves them as they are.
    @inlinable @inline(__always)
    mutating func give(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        fields(&writer, Span())
        writer.unknown(unknownFields)
    }

    @inlinable @inline(__always)
    public func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        withUnchanged(self) { $0.give(to: &writer) }
    }

    @inlinable @inline(__always)
    public mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try fields(&reader, bytes)
        try reader.rest(bytes, &unknownFields)
    }

    @inlinable
    public func encode(into writer: inout WireWriter) {
        withUnchanged(self) { message in
            var size = WireSize()
            message.give(to: &size)
            if size.longest > writer.copiedMax { return message.give(to: &writer) }
            writer.bytes.append(addingCapacity: size.bound) { message.give(to: &$0) }
        }
    }
}

/// An enumeration of a schema: a number that this program may not have a name for.
public protocol OpenEnum: FieldValue, RawRepresentable
where RawValue == Int32, Limit == Unlimited {
    /// The value of a number; `unrecognized` where the schema has no name for it.
    init(rawValue: Int32)
    /// The names that the values have in JSON, which are those of the `.proto`.
    static var jsonNames: EnumNames { get }
}

extension OpenEnum {
    /// The value whose number is 0, which is the default.
    @inlinable @inline(__always)
    public init() { self.init(rawValue: 0) }
}

/// The generation of generated code that this runtime understands.
///
/// Generated code names the one it was made for, so that code of another generation does not
/// compile.
public enum GeneratedCode5 {}
