import Synchronization
import Transport

/// What a caller may say about one call.
public struct CallOptions: Sendable {
    /// What few calls say.
    struct More: Sendable {
        var metadata = Metadata()
        var compressesRequest = false
        var waitsForReady = false
        var report: CallReport?
    }

    /// How long the call may take; nil for the deadline that the schema gives the method.
    ///
    /// Never longer than what is left of the call that this one is made for.
    public var timeout: Duration?
    @usableFromInline var box: Box?

    @usableFromInline final class Box: Sendable {
        let more: More
        init(_ more: More) { self.more = more }
    }

    @inlinable public init(timeout: Duration? = nil) {
        self.timeout = timeout
        self.box = nil
    }

    var more: More? { box?.more }

    private mutating func change(_ body: (inout More) -> Void) {
        var more = box?.more ?? More()
        body(&more)
        box = Box(more)
    }

    /// What travels before the request.
    public var metadata: Metadata {
        get { box?.more.metadata ?? Metadata() }
        set { change { $0.metadata = newValue } }
    }

    /// Whether the request's messages are compressed, where the peer takes that.
    public var compressesRequest: Bool {
        get { box?.more.compressesRequest ?? false }
        set { change { $0.compressesRequest = newValue } }
    }

    /// Whether the call waits for a link, as long as its deadline lets it; without, it fails at once
    /// while the last attempt at a link has failed.
    public var waitsForReady: Bool {
        get { box?.more.waitsForReady ?? false }
        set { change { $0.waitsForReady = newValue } }
    }

    /// Where the answer's metadata is told.
    public var report: CallReport? {
        get { box?.more.report }
        set { change { $0.report = newValue } }
    }
}

/// What a call's answer brought beside its messages.
public final class CallReport: Sendable {
    private struct State: Sendable {
        var head = Metadata()
        var trailers = Metadata()
        var compressedMessages = 0
    }

    private let state = Lock(State())

    public init() {}

    /// What came before the first message.
    public var head: Metadata { state.withLock { $0.head } }
    /// What came with the end.
    public var trailers: Metadata { state.withLock { $0.trailers } }
    /// How many messages came compressed.
    public var compressedMessages: Int { state.withLock { $0.compressedMessages } }

    func note(head: Metadata) { state.withLock { $0.head = head } }
    func note(trailers: Metadata) { state.withLock { $0.trailers = trailers } }
    func noteCompressed() { state.withLock { $0.compressedMessages += 1 } }
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
