import Synchronization
import Transport

/// The accounts of all peers of a server, by identity.
final class PeerAccounts: Sendable {
    private struct Entry: Sendable {
        let account: PeerAccount
        var connections = 0
    }

    private let options: RPCOptions
    private let entries = Lock<[PeerIdentity: Entry]>([:])

    init(_ options: RPCOptions) { self.options = options }

    /// The account of a peer that has made one more connection.
    func account(of peer: PeerIdentity, _ now: UInt64) -> PeerAccount {
        entries.withLock { entries in
            var entry = entries[peer] ?? Entry(account: PeerAccount(options, now: now))
            entry.connections += 1
            entries[peer] = entry
            return entry.account
        }
    }

    /// A connection of the peer has ended.
    ///
    /// Accounts that have nothing to remember are forgotten.
    func release(_ peer: PeerIdentity, _ now: UInt64) {
        entries.withLock { entries in
            entries[peer]?.connections -= 1
            // Those that still had to remember something when their last connection ended.
            if entries.count > 64 {
                entries = entries.filter {
                    $0.value.connections > 0 || !$0.value.account.isIdle(now)
                }
            } else if let entry = entries[peer], entry.connections <= 0, entry.account.isIdle(now) {
                entries[peer] = nil
            }
        }
    }
}
