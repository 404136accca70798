import Foundation
import MeshAPI
import RPCRuntime
import SQLite
import TestSupport
import Synchronization
import Testing
import Transport

@testable import LocationService

/// What the store knows of devices beside their punches: clocks, exceptions, how fast they fill.
@Suite struct StoreOutlookTests {
    private let now = Timestamp(seconds: 1_736_000_000) ?? Timestamp()

    private func with(
        _ body: (LocationStore) async throws -> Void
    ) async throws -> StoreFixture {
        let fixture = try StoreFixture()
        try await fixture.with { (store: LocationStore) async throws in
            for serial in ["CK1", "CK2"] {
                try await store.declareDevice(
                    Device(serial: serial, name: serial, active: true, clockMode: "zone"))
            }
            try await body(store)
        }
        return fixture
    }

    @Test func `the history of a clock has what changed, and each time that it was set`()
        async throws
    {
        let fixture = try await with { store in
            func look(_ serial: String, _ second: Int, _ offset: Int64, wasSet: Bool = false)
                async throws
            {
                try await store.recordClock(
                    of: serial, offsetMilliseconds: offset,
                    measuredAt: now.advanced(by: .seconds(second)), wasSet: wasSet)
            }
            try await look("CK1", 0, 500)
            try await look("CK1", 1, 900)
            try await look("CK2", 2, -4000)
            try await look("CK1", 3, 90_000)
            try await look("CK1", 4, 90_100, wasSet: true)
            try await look("CK1", 5, 100)
            try await look("unknown", 6, 100)
            // Entries of the log are what is new alone.
            let entries = try await store.entries(after: 0, limit: 100).compactMap(\.clock)
            #expect(entries.map(\.offsetMilliseconds) == [500, -4000, 90_000, 100])
        }
        try await fixture.with { (store: LocationStore) async throws in
            let own = try await store.clockHistory(of: "CK1", limit: 10)
            #expect(own.map(\.offsetMilliseconds) == [100, 90_100, 90_000, 500])
            #expect(own.map(\.wasSet) == [false, true, false, false])
            #expect(own.last?.measuredAt == now && own.last?.clockMode == "zone")
            let first = try await store.clockHistory(of: nil, limit: 2)
            let rest = try await store.clockHistory(
                of: nil, before: try #require(first.last?.number), limit: 10)
            #expect((first + rest).map(\.offsetMilliseconds) == [100, 90_100, 90_000, -4000, 500])
        }
    }

    @Test func `an exception is kept with its numbers, and the same again is counted`()
        async throws
    {
        func short(_ second: Int, rows: UInt64 = 7) -> DeviceException {
            DeviceException(
                device: "CK1", at: now.advanced(by: .seconds(second)), kind: .shortRead,
                text: "fewer rows", announcedBytes: 404, rows: rows, countBefore: 10,
                countAfter: 11)
        }
        let fixture = try await with { store in
            #expect(try await store.recordException(short(0)).times == 1)
            #expect(try await store.recordException(short(60)).times == 2)
            _ = try await store.recordException(short(120, rows: 8))
            _ = try await store.recordException(
                DeviceException(device: "door 9", at: now, kind: .wrongDevice, text: "another"))
            let last = try #require(await store.record(of: "CK1")?.lastException)
            #expect(last.rows == 8 && last.times == 1)
        }
        try await fixture.with { (store: LocationStore) async throws in
            let own = try await store.exceptions(of: "CK1", limit: 10).map(\.exception)
            #expect(own.map(\.rows) == [8, 7])
            #expect(own.map(\.times) == [1, 2])
            #expect(own[1].firstAt == now && own[1].at == now.advanced(by: .seconds(60)))
            #expect(own[1].announcedBytes == 404 && own[1].countBefore == 10)
            #expect(own[1].countAfter == 11 && own[1].text == "fewer rows")
            #expect(await store.record(of: "CK1")?.lastException == own[0])
            let all = try await store.exceptions(of: nil, limit: 1)
            #expect(all.map(\.exception.kind) == [.wrongDevice])
            let rest = try await store.exceptions(
                of: nil, before: try #require(all.first?.number), limit: 10)
            #expect(rest.map(\.exception) == own)
        }
    }

    @Test func `a device that never stops failing does not fill the store`() async throws {
        _ = try await with { store in
            for number in 0..<UInt64(LocationStore.exceptionsMax + 30) {
                _ = try await store.recordException(
                    DeviceException(device: "CK1", at: now, kind: .refused, rows: number))
            }
            let kept = try await store.exceptions(of: "CK1", limit: 5000)
            #expect(kept.count == LocationStore.exceptionsMax)
            #expect(kept.first?.exception.rows == UInt64(LocationStore.exceptionsMax + 29))
        }
    }

    @Test func `the rate of new punches is that of the last 14 days`() async throws {
        let fixture = try await with { store in
            func day(_ ago: Int, _ count: Int) -> [Punch] {
                (0..<count).map { index in
                    var punch = punch("\(ago)-\(index)", device: "CK1")
                    punch.instant = now.advanced(by: .seconds(-86_400 * ago))
                    return punch
                }
            }
            // A log of years says nothing of today.
            _ = try await store.ingest(day(400, 900) + day(20, 50))
            #expect(await store.record(of: "CK1")?.rate == nil)
            _ = try await store.ingest(day(6, 30) + day(3, 25) + day(0, 15))
            #expect(await store.record(of: "CK1")?.rate == RecentPunches.Rate(punches: 70, days: 7))
            #expect(await store.record(of: "CK2")?.rate == nil)
            _ = try await store.ingest(day(3, 25))
        }
        try await fixture.with { (store: LocationStore) async throws in
            let record = try #require(await store.record(of: "CK1"))
            #expect(record.rate == RecentPunches.Rate(punches: 70, days: 7))
            var status = DeviceStatus(recordsOnDevice: 900, recordsCapacity: 1000)
            status.takeOutlook(record)
            #expect(
                status.memory == DeviceMemory(percentFull: 90, punchesPerDay: 10, daysToFull: 10))
            status.recordsCapacity = 0
            status.takeOutlook(record)
            #expect(status.memory == nil)
        }
        // Three weeks on nothing of it counts, and it is forgotten.
        fixture.time.withLock { $0 += 21 * 86_400 }
        try await fixture.with { (store: LocationStore) async throws in
            #expect(await store.record(of: "CK1")?.rate == nil)
            #expect(try await store.ask("SELECT count(*) FROM punch_day") == 0)
        }
    }

    @Test(arguments: [
        (UInt32(0), UInt32(100), UInt32(0)), (99, 100, 99), (100, 100, 100), (250, 100, 100),
        (.max, .max, 100), (1, .max, 0),
    ])
    func `memory is full by parts of 100`(records: UInt32, capacity: UInt32, percent: UInt32)
        throws
    {
        let rate = RecentPunches.Rate(punches: .max, days: .max)
        let memory = try #require(
            DeviceMemory(records: records, capacity: capacity, rate: rate))
        #expect(memory.percentFull == percent)
        let known = DeviceMemory(
            records: records, capacity: capacity, rate: RecentPunches.Rate(punches: 1, days: 14))
        if records >= capacity { #expect(known?.daysToFull == 0) }
        #expect(DeviceMemory(records: records, capacity: capacity, rate: nil)?.daysToFull == nil)
    }
}
