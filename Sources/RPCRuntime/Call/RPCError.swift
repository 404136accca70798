/// Why a call failed.
///
/// Equality looks at the code alone, which is what programs decide by; the message is for people.
/// `docs/ERRORS.md` says when to use which code.
public struct RPCError: Error, Sendable {
    /// The kinds of failure: gRPC's sixteen, with gRPC's numbers.
    public enum Code: UInt8, Sendable, CaseIterable {
        case cancelled = 1
        case unknown = 2
        case invalidArgument = 3
        case deadlineExceeded = 4
        case notFound = 5
        case alreadyExists = 6
        case permissionDenied = 7
        case resourceExhausted = 8
        case failedPrecondition = 9
        case aborted = 10
        case outOfRange = 11
        case unimplemented = 12
        case `internal` = 13
        case unavailable = 14
        case dataLoss = 15
        case unauthenticated = 16
    }

    /// Whether the other end may have acted on the call; what a retry may be decided by.
    public enum Certainty: UInt8, Sendable, CaseIterable {
        /// The request never left this program.
        case notSent = 1
        /// The other end refused it before its handler ran.
        case refused = 2
        /// It was sent, and nothing says what became of it.
        case maybeProcessed = 3
        /// Its handler ran and answered with this error.
        case processed = 4
    }

    /// What few errors have.
    private final class More: Sendable {
        let details: [ErrorDetail]
        let metadata: Metadata
        let hops: [Hop]
        let isResumable: Bool

        init(details: [ErrorDetail], metadata: Metadata, hops: [Hop], isResumable: Bool) {
            self.details = details
            self.metadata = metadata
            self.hops = hops
            self.isResumable = isResumable
        }
    }

    public var code: Code
    public var certainty: Certainty
    /// A sentence for people: what failed, at which peer, why.
    public var message: String
    private var more: More?

    public init(_ code: Code, _ message: String, certainty: Certainty = .processed) {
        self.code = code
        self.message = message
        self.certainty = certainty
    }

    /// Messages for programs, which say more than the code; see ``ErrorDetail``.
    public var details: [ErrorDetail] {
        get { more?.details ?? [] }
        set { change(details: newValue) }
    }

    /// The trailers of the call that failed.
    public var metadata: Metadata {
        get { more?.metadata ?? Metadata() }
        set { change(metadata: newValue) }
    }

    /// Where the call went, the nearest first: the last hop is the one that failed.
    public var hops: [Hop] {
        get { more?.hops ?? [] }
        set { change(hops: newValue) }
    }

    /// Whether the stream was ended in order, between two messages, because its server goes away:
    /// the same call may be made again elsewhere, from behind the last message.
    public var isResumable: Bool {
        get { more?.isResumable ?? false }
        set { change(isResumable: newValue) }
    }

    var hasMore: Bool { more != nil }

    private mutating func change(
        details: [ErrorDetail]? = nil, metadata: Metadata? = nil, hops: [Hop]? = nil,
        isResumable: Bool? = nil
    ) {
        more = More(
            details: details ?? self.details, metadata: metadata ?? self.metadata,
            hops: hops ?? self.hops, isResumable: isResumable ?? self.isResumable)
    }

    /// The first detail of a type; nil when there is none.
    ///
    /// Throws when it cannot be read.
    public func detail<M: Message>(_: M.Type = M.self) throws(DecodingFailure) -> M? {
        for detail in details where detail.typeName == M.typeName {
            return try M(decoding: detail.bytes)
        }
        return nil
    }

    /// The same error with a message for programs.
    public consuming func with(detail: some Message) -> RPCError {
        details.append(ErrorDetail(detail))
        return self
    }
}

/// A message inside an error.
public struct ErrorDetail: Sendable, Hashable {
    /// `package.Message`.
    public var typeName: String
    public var bytes: [UInt8]

    public init<M: Message>(_ message: M) {
        typeName = M.typeName
        bytes = message.encoded()
    }

    init(typeName: String = "", bytes: [UInt8] = []) {
        self.typeName = typeName
        self.bytes = bytes
    }
}

extension RPCError: Equatable {
    public static func == (left: RPCError, right: RPCError) -> Bool { left.code == right.code }
}

extension RPCError: CustomStringConvertible {
    public var description: String {
        var text = "\(code): \(message)"
        for hop in hops { text += "; \(hop)" }
        return text
    }
}
