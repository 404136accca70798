import MeshAPI
import RPCRuntime
import Testing

@testable import GatewayService

@Suite struct CursorTests {
    private func fleet(_ fixture: StoreFixture) -> FleetQuery {
        FleetQuery(store: fixture.store, links: LinkTable(), now: { at(1000) })
    }

    @Test func `a poller sees each punch exactly once however late it arrives`() async throws {
        let fixture = try StoreFixture()
        let fleet = fleet(fixture)
        var random = SeededRandom(seed: 5)
        var logs = ["cairo": TestLog(1), "riyadh": TestLog(2)]
        var sent: [String: UInt64] = [:]
        var seen: [UInt64] = []
        var cursor = ""
        try await fixture.store.register(["cairo", "riyadh"])
        for round in 0..<200 {
            let name = round.isMultiple(of: 2) ? "cairo" : "riyadh"
            for _ in 0..<Int.random(in: 0..<4, using: &random) {
                // Instants jump back and forth: most arrivals are late.
                logs[name]?.punch(
                    "D", "\(round)", Int64.random(in: 0..<100_000, using: &random))
            }
            if let batch = logs[name]?.batch(after: sent[name] ?? 0), !batch.entries.isEmpty {
                let stored = try await fixture.store.ingest(batch, from: name, at: at(0))
                sent[name] = stored.lastSequence
            }
            let page = try await fleet.punches(
                PunchQuery(cursor: cursor, limit: UInt32.random(in: 1...3, using: &random)))
            #expect(page.nextCursor != "")
            seen += page.data.map(\.sequence)
            cursor = page.nextCursor
        }
        while true {
            let page = try await fleet.punches(PunchQuery(cursor: cursor))
            seen += page.data.map(\.sequence)
            cursor = page.nextCursor
            if !page.hasMore { break }
        }
        #expect(seen == Array(1...UInt64(fixture.store.commits.latest)))
        #expect(seen.count > 100)
    }

    @Test func `the same cursor gives the same page, and a filter's cursor skips what it saw`()
        async throws
    {
        let fixture = try StoreFixture()
        let fleet = fleet(fixture)
        var log = TestLog()
        for second in 0..<10 { log.punch("D", "\(second % 2)", Int64(second)) }
        _ = try await fixture.store.ingest(log.batch(), from: "cairo", at: at(0))
        let query = PunchQuery(user: ["1"], limit: 2)
        let first = try await fleet.punches(query)
        #expect(first.data.map(\.sequence) == [2, 4])
        #expect(first.hasMore)
        var next = query
        next.cursor = first.nextCursor
        let second = try await fleet.punches(next)
        #expect(second == (try await fleet.punches(next)))
        #expect(second.data.map(\.sequence) == [6, 8])
        next.cursor = second.nextCursor
        let third = try await fleet.punches(next)
        #expect(third.data.map(\.sequence) == [10])
        #expect(!third.hasMore)
        next.cursor = third.nextCursor
        #expect(try await fleet.punches(next).data.isEmpty)
    }

    @Test func `filters in another order are the same filters`() async throws {
        let fixture = try StoreFixture()
        try await fixture.store.register(["a", "b"])
        let fleet = fleet(fixture)
        let one = try await fleet.punches(PunchQuery(location: ["a", "b"], user: ["2", "1"]))
        let again = PunchQuery(
            location: ["b", "a", "a"], user: ["1", "2"], cursor: one.nextCursor)
        #expect(try await fleet.punches(again).data.isEmpty)
    }

    @Test func `other filters, other stores, lost futures and forged cursors are refused`()
        async throws
    {
        let fixture = try StoreFixture()
        let fleet = fleet(fixture)
        var log = TestLog()
        for second in 0..<3 { log.punch("D", "7", Int64(second)) }
        _ = try await fixture.store.ingest(log.batch(), from: "cairo", at: at(0))
        let good = try await fleet.punches(PunchQuery(limit: 1)).nextCursor

        func kind(_ query: PunchQuery) async -> QueryError.Kind? {
            do throws(QueryError) {
                _ = try await fleet.punches(query)
                return nil
            } catch { return error.kind }
        }
        #expect(await kind(PunchQuery(cursor: good)) == nil)
        #expect(await kind(PunchQuery(user: ["7"], cursor: good)) == .cursorMismatch)
        #expect(await kind(PunchQuery(to: at(9), cursor: good)) == .cursorMismatch)

        let other = try StoreFixture()
        let foreign = try await self.fleet(other).punches(PunchQuery()).nextCursor
        #expect(await kind(PunchQuery(cursor: foreign)) == .cursorExpired)

        let future = PageCursor(
            storeID: fixture.store.storeID, sequence: 4, filter: PunchFilter())
        #expect(
            await kind(PunchQuery(cursor: future.text(key: fixture.store.cursorKey)))
                == .cursorExpired)

        for index in good.indices {
            for letter in ["A", "-", "!"] where !good[index...].hasPrefix(letter) {
                var forged = good
                forged.replaceSubrange(index...index, with: letter)
                let kind = await kind(PunchQuery(cursor: forged))
                let isLast = good.index(after: index) == good.endIndex
                // The last letter has bits that mean nothing.
                #expect(kind == .invalidCursor || kind == .cursorExpired || isLast)
            }
        }
        #expect(await kind(PunchQuery(cursor: "x")) == .invalidCursor)
        #expect(await kind(PunchQuery(cursor: String(good.dropLast(2)))) == .invalidCursor)
    }

    @Test func `an unknown location is named and not passed over`() async throws {
        let fixture = try StoreFixture()
        try await fixture.store.register(["cairo"])
        let error = await #expect(throws: QueryError.self) {
            _ = try await fleet(fixture).punches(PunchQuery(location: ["cario"]))
        }
        #expect(error?.kind == .unknownLocation)
        #expect(error?.message == "no location is named cario; there are: cairo")
    }
}

/// Random numbers that are the same in each run (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
