import MeshAPI
import RPCRuntime
import ServiceKit
import Transport

extension Session {
    /// Shows punches as they are stored, over as many links as it takes.
    ///
    /// Each page brings the cursor behind it, and a new link goes on from the last one: nothing is
    /// left out or shown twice.
    func tailPunches() async throws(Failure) -> Terminal.ExitCode {
        var tail = Tail(session: self, query: query, left: try limit(default: .max))
        var backoff = Backoff(initial: .milliseconds(200), limit: .seconds(10))
        var connection = try await dial()
        defer { connection.close() }
        try await tail.begin(Fleet.Client(connection))
        while true {
            let end = try await tail.follow(Fleet.Client(connection)) { backoff.reset() }
            guard let end else { return .ok }
            output.note("note: \(end.message); reconnecting")
            connection.close()
            while true {
                try await pause(backoff.delay(random: surroundings.random()), tail)
                do throws(Failure) {
                    connection = try await dial()
                    break
                } catch {
                    if Task.isCancelled { throw tail.interrupted() }
                    output.note("note: \(error.message)")
                }
            }
            output.note("note: connected again")
        }
    }

    private func pause(_ duration: Duration, _ tail: Tail) async throws(Failure) {
        do throws(TransportError) {
            try await loop.sleep(for: duration)
        } catch {
            throw tail.interrupted()
        }
    }
}

/// A tail that is under way.
private struct Tail {
    let session: Session
    /// Its cursor stands behind what has been shown.
    var query: PunchQuery
    /// How many punches are still wanted.
    var left: Int
    private var listing: Listing<StoredPunch>
    private var times: Times
    /// The locations whose data was missing when it was last said.
    private var missing: Set<String> = []

    init(session: Session, query: PunchQuery, left: Int) {
        self.session = session
        self.query = query
        self.left = left
        listing = Listing(session.output, isOpenEnded: true)
        times = Times(isUTC: true)
    }

    mutating func begin(_ fleet: Fleet.Client) async throws(Failure) {
        times = try await session.times(fleet)
        try listing.begin(times)
    }

    /// Shows what one link brings; why it ended, or nil when all that was wanted has been shown.
    mutating func follow(
        _ fleet: Fleet.Client, _ isWell: () -> Void
    ) async throws(Failure) -> RPCError? {
        var stop: Failure?
        let request = query
        do throws(RPCError) {
            try await fleet.tailPunches(request) { pages throws(RPCError) in
                for try await page in pages {
                    isWell()
                    do throws(Failure) {
                        if try await show(page, fleet) { return }
                    } catch {
                        stop = error
                        return
                    }
                }
            }
        } catch {
            if Task.isCancelled { throw interrupted() }
            guard Self.isPassing(error) else {
                throw .call(error, "following punches", session.settings.gateway)
            }
            return error
        }
        if let stop { throw stop }
        if left == 0 { return nil }
        if Task.isCancelled { throw interrupted() }
        return RPCError(.unavailable, "the gateway ended the stream")
    }

    /// Shows a page; true when no more punches are wanted.
    private mutating func show(
        _ page: PunchPage, _ fleet: Fleet.Client
    ) async throws(Failure) -> Bool {
        let punches = Array(page.data.prefix(left))
        if session.output.format != .json, punches.contains(where: { !times.knows($0.location) }) {
            // A location that has come since, or one whose zone has only now been told.
            times = try await session.times(fleet)
        }
        try listing.page(punches, times)
        left -= punches.count
        query.cursor = page.nextCursor
        tellMissing(page)
        return left == 0
    }

    /// Says when a location's data goes missing, and when it is there again.
    private mutating func tellMissing(_ page: PunchPage) {
        let stale = page.complete ? [] : page.sources.filter { isStale($0, to: nil) }
        let names = Set(stale.map(\.location))
        for warning in warnings(
            complete: stale.isEmpty, stale.filter { !missing.contains($0.location) }, to: nil,
            asOf: page.asOf, times
        ).dropLast() {
            session.output.note(warning)
        }
        for name in missing.subtracting(names).sorted() {
            session.output.note("note: \(name) is linked again")
        }
        missing = names
    }

    /// The end by Ctrl-C; says how to go on.
    func interrupted() -> Failure {
        if !query.cursor.isEmpty {
            session.output.note("note: go on from here with --cursor \(query.cursor)")
        }
        return .interrupted
    }

    /// Whether another link may bring what this one did not.
    private static func isPassing(_ error: RPCError) -> Bool {
        switch error.code {
        case .unavailable, .cancelled, .deadlineExceeded, .aborted, .resourceExhausted: true
        default: false
        }
    }
}
