/// A detail that says in one stable word what the code of an error leaves open: `cursor_expired`.
///
/// Programs decide by it where the code is not enough; an HTTP edge shows it as the `code` of its
/// problem document.
public struct ErrorReason: Sendable, Hashable {
    static let bytesMax = 64

    /// 1 to 64 of `a-z`, `0-9` and `_`.
    public var word: String
    /// What is of a newer schema, as it came.
    public var unknownFields: [UInt8] = []

    public init(_ word: String) { self.word = word }
}

extension ErrorReason: Message {
    public static let typeName = "biometricflow.mesh.ErrorReason"

    public init() { self.init("") }

    public func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "word", word)
        writer.unknown(unknownFields)
    }

    public mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.field(bytes, 1, "word", &word, 0...Self.bytesMax)
        try reader.rest(bytes, &unknownFields)
    }
}

extension RPCError {
    /// The word of its first ``ErrorReason``; nil where it has none, or one that cannot be read.
    public var reason: String? {
        guard let reason = try? detail(ErrorReason.self), !reason.word.isEmpty else { return nil }
        return reason.word
    }

    /// The same error with a reason.
    public consuming func with(reason word: String) -> RPCError {
        with(detail: ErrorReason(word))
    }
}
