/// A value with a binary form; what the schema compiler generates.
///
/// The binary form is protobuf's wire format, written deterministically: `docs/IDL.md`, part 6.
public protocol Message: Sendable, Hashable {
    /// Every field at its default.
    init()
    /// `package.Message`.
    static var typeName: String { get }
    /// Appends the binary form; deterministic.
    func encode(into writer: inout WireWriter)
    /// Reads fields up to the end of the reader's range and merges them in.
    ///
    /// After an error the value holds what was read before it.
    mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
}

extension Message {
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

/// An enumeration of a schema: a number that this program may not have a name for.
public protocol OpenEnum: RawRepresentable, Sendable, Hashable where RawValue == Int32 {
    /// The value whose number is 0.
    init()
    /// The value of a number; `unrecognized` where the schema has no name for it.
    init(rawValue: Int32)
}

/// The generation of generated code that this runtime understands.
///
/// Generated code names the one it was made for, so that code of another generation does not
/// compile.
public enum GeneratedCode2 {}
