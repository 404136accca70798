/// What one request may cost the server.
public struct HTTPLimits: Sendable, Hashable {
    /// Bytes of the request line without its line end; more is answered with 414.
    public var requestLine = 8 * 1024
    /// Fields of a head, and of a trailer section; more is answered with 431.
    public var fieldCount = 100
    /// Bytes of all field lines of a head, or of a trailer section; more is answered with 431.
    public var fieldBytes = 32 * 1024
    /// Bytes of a body once its chunks are joined; more is answered with 413.
    public var body = 1024 * 1024
    /// Bytes of a chunk's size line, extensions included; more is answered with 400.
    public var chunkLine = 256

    public init() {}
}
