import RPCRuntime

extension RPCError {
    /// The status of a query that has no answer; what the store said is kept for the log.
    init(_ error: QueryError) {
        switch error.kind {
        case .invalidArgument: self.init(.invalidArgument, error.message)
        case .invalidCursor:
            self = RPCError(.invalidArgument, error.message).with(reason: "invalid_cursor")
        case .cursorMismatch:
            self = RPCError(.invalidArgument, error.message).with(reason: "cursor_mismatch")
        case .unknownLocation:
            self = RPCError(.notFound, error.message).with(reason: "unknown_location")
        case .notFound: self.init(.notFound, error.message)
        case .cursorExpired:
            self = RPCError(.failedPrecondition, error.message).with(reason: "cursor_expired")
        case .callEnded: self.init(.cancelled, error.message)
        case .store:
            self.init(.internal, "the gateway's store failed; the gateway's log says why")
        }
    }
}
