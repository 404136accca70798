/// Why a call failed.
///
/// Equality looks at the code alone, which is what programs decide by; the message is for people.
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

    public var code: Code
    /// A sentence for people: what failed, at which peer, why.
    public var message: String
    public var certainty: Certainty

    public init(_ code: Code, _ message: String, certainty: Certainty = .processed) {
        self.code = code
        self.message = message
        self.certainty = certainty
    }
}

extension RPCError: Equatable {
    public static func == (left: RPCError, right: RPCError) -> Bool { left.code == right.code }
}

extension RPCError: CustomStringConvertible {
    public var description: String { "\(code): \(message)" }
}
