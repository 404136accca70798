import RPCRuntime
import ServiceKit
import Synchronization
import Transport

/// Whether the store takes entries, for whoever asks: written by the store, read by the services.
///
/// What is wrong is logged when it begins, once a minute while it lasts, and when it ends.
final class StoreAlarm: Sendable {
    /// How often a trouble that lasts is logged again.
    static let reminderInterval: Duration = .seconds(60)
    /// With less free space than this on its disk the store warns.
    static let freeBytesMin: Int64 = 256 << 20

    /// Kinds of trouble, in the order in which they are told.
    private enum Kind: Int, CaseIterable {
        /// Entries cannot be stored.
        case store
        /// The file beside the store cannot be written, and the store can.
        case marker
        /// There is little space left.
        case space
    }

    private struct Trouble {
        var sentence: String
        var failures = 0
        /// Entries of the largest transaction that failed.
        var entries = 0
        var loggedAt: ContinuousClock.Instant
    }

    private let troubles = Lock<[Kind: Trouble]>([:])
    private let log: Logger
    private let steady: @Sendable () -> ContinuousClock.Instant

    init(log: Logger, surroundings: Surroundings) {
        self.log = log
        steady = surroundings.steady
    }

    /// What is wrong now, in words; empty when nothing is.
    var sentences: [String] {
        let troubles = troubles.withLock { $0 }
        return Kind.allCases.compactMap { troubles[$0]?.sentence }
    }

    /// Whether entries can be stored, as far as the last attempt tells.
    var isStoring: Bool { troubles.withLock { $0[.store] == nil } }

    /// Notes that a transaction with so many entries was stored.
    ///
    /// On a full disk small ones still are for a while: the trouble has passed when one is that
    /// is as large as those that failed.
    func stored(_ entries: Int) {
        let isEnd = troubles.withLock { troubles in
            troubles[.store].map { entries >= $0.entries } ?? false
        }
        if isEnd { end(.store) }
    }

    /// Entries of the largest transaction that failed since the trouble began.
    var entriesWanted: Int { troubles.withLock { $0[.store]?.entries ?? 0 } }

    /// Notes that a transaction with so many entries has failed.
    func failed(_ error: StoreError, entries: Int = 0) {
        switch error.code {
        case .unwritable, .corrupt:
            begin(.store, "the store takes no entries: \(error)") { log, fields in
                log.error("the store takes no entries", fields)
            }
            troubles.withLock { troubles in
                guard let most = troubles[.store]?.entries, most < entries else { return }
                troubles[.store]?.entries = entries
            }
        default: break
        }
    }

    /// Notes whether the marker could be written.
    func marker(_ error: StoreError?) {
        guard let error else { return end(.marker) }
        begin(.marker, "\(error): a restored store would not be noticed") { log, fields in
            log.error("the store's marker cannot be written", fields)
        }
    }

    /// Notes how much space the store's disk has left.
    func space(_ free: Int64, path: String) {
        if free >= Self.freeBytesMin { return end(.space) }
        begin(.space, "\(free >> 20) MiB are left on the disk of \(path)") { log, fields in
            log.warning("the store's disk is nearly full", fields)
        }
    }

    private func begin(
        _ kind: Kind, _ sentence: String, _ write: (Logger, Logger.Fields) -> Void
    ) {
        let sentence = sentence.clipped(toBytes: 1024)
        let now = steady()
        let failures: Int? = troubles.withLock { troubles in
            var trouble = troubles[kind] ?? Trouble(sentence: sentence, loggedAt: now)
            let isDue =
                trouble.failures == 0
                || trouble.loggedAt.duration(to: now) >= Self.reminderInterval
            trouble.failures += 1
            trouble.sentence = sentence
            if isDue { trouble.loggedAt = now }
            troubles[kind] = trouble
            return isDue ? trouble.failures : nil
        }
        if let failures { write(log, ["cause": sentence, "times": failures]) }
    }

    private func end(_ kind: Kind) {
        guard let trouble = troubles.withLock({ $0.removeValue(forKey: kind) }) else { return }
        log.info(
            "the store's trouble has passed",
            ["was": trouble.sentence, "times": trouble.failures])
    }
}
