/// What a caller may say about one call.
public struct CallOptions: Sendable {
    /// How long the call may take; nil for the deadline that the schema gives the method.
    public var timeout: Duration?

    public init(timeout: Duration? = nil) { self.timeout = timeout }
}

/// What happens to links, for logs.
public struct RPCEvent: Sendable {
    public enum Level: Sendable { case debug, info, warning, error }

    public var level: Level
    /// A sentence that names peer, stage and cause.
    public var message: String

    public init(_ level: Level, _ message: String) {
        self.level = level
        self.message = message
    }
}
