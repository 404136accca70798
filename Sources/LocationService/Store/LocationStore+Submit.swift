import MeshAPI
import RPCRuntime
import SQLite
import Synchronization
import Transport

/// Punches of several terminals that wait for one transaction.
///
/// A transaction ends with a wait for the disk, however few punches it has: what comes while one
/// waits is stored together by the next.
final class PendingPunches: Sendable {
    /// One submission, and what became of it.
    final class Ticket: Sendable {
        let punches: [Punch]
        private let outcome = Lock<Result<IngestResult, StoreError>?>(nil)

        init(_ punches: [Punch]) { self.punches = punches }

        var result: Result<IngestResult, StoreError>? { outcome.withLock { $0 } }

        func settle(_ result: Result<IngestResult, StoreError>) {
            outcome.withLock { $0 = result }
        }
    }

    private let waiting = Lock<[Ticket]>([])

    func add(_ punches: [Punch]) -> Ticket {
        let ticket = Ticket(punches)
        waiting.withLock { $0.append(ticket) }
        return ticket
    }

    /// The oldest tickets, with about `count` punches together.
    func take(_ count: Int) -> [Ticket] {
        waiting.withLock { waiting in
            var taken = 0
            let end = waiting.firstIndex { ticket in
                defer { taken += ticket.punches.count }
                return taken > 0 && taken + ticket.punches.count > count
            }
            let tickets = Array(waiting[..<(end ?? waiting.endIndex)])
            waiting.removeFirst(tickets.count)
            return tickets
        }
    }
}

extension LocationStore {
    /// About how many punches of different submissions share a transaction.
    static let sharedBatchCount = 1000

    /// Stores the punches as ``ingest(_:beside:)`` does, in one transaction with those that others
    /// submit at the same time.
    nonisolated func submit(_ punches: [Punch]) async throws(StoreError) -> IngestResult {
        if punches.isEmpty { return IngestResult() }
        let ticket = pending.add(punches)
        while true {
            // An earlier turn of the store may have taken it along.
            if let result = ticket.result { return try result.get() }
            await storePending()
        }
    }

    private func storePending() {
        let tickets = pending.take(Self.sharedBatchCount)
        if tickets.isEmpty { return }
        do throws(StoreError) {
            let results = try ingest(tickets.map(\.punches))
            for (ticket, result) in zip(tickets, results) { ticket.settle(.success(result)) }
        } catch {
            for ticket in tickets { ticket.settle(.failure(error)) }
        }
    }
}
