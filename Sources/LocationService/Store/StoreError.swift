import RPCRuntime
import SQLite

/// Why the location's store could not do something.
struct StoreError: DatabaseFailure, Hashable, CustomStringConvertible {
    enum Code: Hashable, Sendable {
        /// SQLite refused: a full disk, damage, a lock.
        case database
        /// Another process uses the store.
        case inUse
        /// The file beside the database cannot be read or written.
        case marker
        /// An entry of the log is not what this program wrote.
        case corrupt
    }

    var code: Code
    var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ error: SQLiteError) {
        self.init(error.isCorruption ? .corrupt : .database, error.description)
    }

    var description: String { message }
}

extension RPCError {
    /// What a caller is told: the store's trouble is not the caller's, and may pass.
    init(_ error: StoreError) {
        switch error.code {
        case .corrupt: self.init(.dataLoss, "the location's store is damaged: \(error)")
        default: self.init(.unavailable, "the location's store failed: \(error)")
        }
    }
}
