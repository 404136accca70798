import SQLite

/// Why the gateway's store refused something.
struct StoreError: Error, Sendable, CustomStringConvertible {
    enum Kind: Sendable, Hashable {
        /// A location sent a batch that cannot follow what is stored.
        case badBatch
        /// The caller asked for something that does not exist.
        case notFound
        /// SQLite failed; the message carries its words.
        case database
    }

    var kind: Kind
    var message: String

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    var description: String { message }
}

extension StoreError: DatabaseFailure {
    init(_ error: SQLiteError) {
        self.init(.database, error.description)
    }
}
