import RPCRuntime

extension RPCError {
    /// The status of a query that has no answer; what the store said is kept for the log.
    init(_ error: QueryError) {
        switch error.kind {
        case .invalidArgument, .invalidCursor, .cursorMismatch:
            self.init(.invalidArgument, error.message)
        case .unknownLocation, .notFound: self.init(.notFound, error.message)
        case .cursorExpired: self.init(.failedPrecondition, error.message)
        case .callEnded: self.init(.cancelled, error.message)
        case .store:
            self.init(.internal, "the gateway's store failed; the gateway's log says why")
        }
    }
}
