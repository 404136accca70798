import MeshAPI
import RPCRuntime

/// Why a question to the fleet has no answer.
struct QueryError: Error, Sendable, CustomStringConvertible {
    enum Kind: Sendable, Hashable {
        case invalidArgument
        case unknownLocation
        case invalidCursor
        case cursorMismatch
        case cursorExpired
        case notFound
        /// The caller went away.
        case callEnded
        /// The store failed; its words are in the message, for the log and not for callers.
        case store
    }

    var kind: Kind
    var message: String

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    init(_ error: StoreError) {
        self.init(error.kind == .notFound ? .notFound : .store, error.message)
    }

    var description: String { message }
}

/// What the edge and the mesh both ask: one code for both.
struct FleetQuery: Sendable {
    let store: GatewayStore
    let links: LinkTable
    let now: @Sendable () -> Timestamp

    static let defaultLimit: UInt32 = 100
    static let maxLimit: UInt32 = 1000

    func locations() async throws(QueryError) -> LocationList {
        let (views, now) = try await views(of: [])
        return LocationList(
            data: views.map(\.state), complete: views.areComplete(to: nil), asOf: now,
            sources: views.map(\.source))
    }

    func devices(of locations: [String]) async throws(QueryError) -> DeviceList {
        let (views, now) = try await views(of: locations)
        return DeviceList(
            data: views.flatMap(\.devices), complete: views.areComplete(to: nil), asOf: now,
            sources: views.map(\.source))
    }

    /// A page of punches in commit order; its cursor is always set and stands behind the page.
    func punches(_ query: PunchQuery) async throws(QueryError) -> PunchPage {
        let filter = try Self.filter(query)
        let limit = try Self.limit(query)
        let sequence = try start(of: query, filter)
        return try await page(filter, after: sequence, limit: limit).page
    }

    /// Where a query begins: behind its cursor, or before the first punch.
    func start(of query: PunchQuery, _ filter: PunchFilter) throws(QueryError) -> Int64 {
        if query.cursor.isEmpty { return 0 }
        do throws(PageCursor.Failure) {
            return try PageCursor(
                parsing: query.cursor, key: store.cursorKey, storeID: store.storeID,
                filter: filter, lastCommit: store.commits.latest
            ).sequence
        } catch {
            switch error {
            case .malformed:
                throw QueryError(.invalidCursor, "the cursor is none of this gateway's")
            case .otherFilter:
                throw QueryError(.cursorMismatch, "the cursor was made with other filters")
            case .otherStore:
                throw QueryError(
                    .cursorExpired,
                    "the cursor belongs to another store: begin again without a cursor")
            }
        }
    }

    /// A page behind `sequence`, and the sequence that it ends at.
    func page(_ filter: PunchFilter, after sequence: Int64, limit: Int) async throws(QueryError)
        -> (page: PunchPage, end: Int64)
    {
        let now = now()
        // Before the store: what a link had announced by now, the store then holds or does not.
        let links = links.snapshot(at: now)
        let found: (punches: [StoredPunch], locations: [StoredLocation], lastCommit: Int64)
        do throws(StoreError) {
            found = try await store.page(of: filter, after: sequence, limit: limit + 1)
        } catch {
            throw QueryError(error)
        }
        let views = try Self.select(filter.locations, of: found.locations, links, at: now)
        let punches = Array(found.punches.prefix(limit))
        let hasMore = found.punches.count > limit
        // Behind the last page stands all that was looked through, so that the next question
        // does not look through it again.
        let end = hasMore ? Int64(clamping: punches.last?.sequence ?? 0) : found.lastCommit
        let cursor = PageCursor(
            storeID: store.storeID, sequence: max(end, sequence), filter: filter)
        let page = PunchPage(
            data: punches, nextCursor: cursor.text(key: store.cursorKey), hasMore: hasMore,
            complete: views.areComplete(to: filter.to), asOf: now,
            sources: views.map(\.source))
        return (page, max(end, sequence))
    }

    private func views(of names: [String]) async throws(QueryError)
        -> (views: [LocationView], now: Timestamp)
    {
        let now = now()
        let links = links.snapshot(at: now)
        let stored: [StoredLocation]
        do throws(StoreError) { stored = try await store.locations() } catch {
            throw QueryError(error)
        }
        return (try Self.select(names, of: stored, links, at: now), now)
    }

    /// The locations of a filter, all of them for an empty one.
    private static func select(
        _ names: [String], of stored: [StoredLocation], _ links: LinkSnapshot, at now: Timestamp
    ) throws(QueryError) -> [LocationView] {
        for name in names where !stored.contains(where: { $0.name == name }) {
            let known = stored.map(\.name).joined(separator: ", ")
            throw QueryError(
                .unknownLocation, "no location is named \(name); there are: \(known)")
        }
        return stored.filter { names.isEmpty || names.contains($0.name) }
            .map { LocationView(stored: $0, link: links[$0.name], now: now) }
    }

    static func filter(_ query: PunchQuery) throws(QueryError) -> PunchFilter {
        if let from = query.from, let to = query.to, from > to {
            throw QueryError(.invalidArgument, "`from` (\(from)) is behind `to` (\(to))")
        }
        return PunchFilter(
            locations: query.location, devices: query.device, users: query.user,
            from: query.from, to: query.to)
    }

    static func limit(_ query: PunchQuery) throws(QueryError) -> Int {
        guard query.limit <= maxLimit else {
            throw QueryError(
                .invalidArgument, "`limit` is \(query.limit); wanted is 1 to \(maxLimit)")
        }
        return Int(query.limit == 0 ? defaultLimit : query.limit)
    }
}
