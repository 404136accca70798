import RPCRuntime
import SQLite

/// Why the location's store could not do something.
struct StoreError: DatabaseFailure, Hashable, CustomStringConvertible {
    enum Code: Hashable, Sendable {
        /// SQLite refused: a lock, a limit.
        case database
        /// Nothing can be written now: no space, a limit of file sizes, a disk that fails or is
        /// only read. Nothing was stored, and the same may work later.
        case unwritable
        /// Another process uses the store.
        case inUse
        /// The file beside the database cannot be opened.
        case marker
        /// What is stored is not what this program wrote.
        case corrupt
    }

    var code: Code
    var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ error: SQLiteError) {
        if error.isCorruption {
            self.init(.corrupt, "\(error.description); \(Self.afterDamage)")
        } else {
            self.init(error.isUnwritable ? .unwritable : .database, error.description)
        }
    }

    /// What to do with a damaged file.
    static let afterDamage =
        "stop the service, move the file away with those beside it, and put the last backup in its "
        + "place or start without: the devices refill it as far back as they remember"

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
