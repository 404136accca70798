/// A value with a binary form; what the schema compiler generates.
public protocol Message: Sendable, Hashable {
    init()
    /// `package.Message`.
    static var typeName: String { get }
    /// Appends the binary form; deterministic.
    func encode(into writer: inout WireWriter)
    /// Reads fields up to the end of the reader's range and merges them in.
    mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader) throws(DecodingFailure)
}
public struct WireWriter: Sendable {
    public var bytes: [UInt8] = []
    public init() {}
}
public struct WireReader: Sendable {
    public var position: Int
    public let end: Int
}
public enum DecodingFailure: Error, Hashable, Sendable {
    case truncated(at: Int)
}
