import Foundation
import MeshAPI
import RPCRuntime
import SQLite
import Synchronization
import TestSupport
import Testing
import Transport

@testable import LocationService

/// A store in a folder of its own, which can be closed and opened again.
final class StoreFixture: Sendable {
    let directory: TemporaryDirectory
    let thread = WorkerThread(name: "store")
    let time = Lock<Int64>(1_736_000_000)

    init() throws { directory = try TemporaryDirectory() }

    var path: String { directory.file("store.db") }

    var surroundings: Surroundings {
        Surroundings(
            now: { [self] in
                // A second later each time it is looked at.
                time.withLock { seconds in
                    seconds += 1
                    return Timestamp(seconds: seconds) ?? Timestamp()
                }
            },
            steady: { ContinuousClock.now }, randomBytes: { Crypto.randomBytes($0) })
    }

    func open() throws -> LocationStore {
        try patiently {
            try LocationStore(
                path: path, thread: thread, wakeUps: WakeUps(), surroundings: surroundings)
        }
    }

    /// Opens the store, uses it and closes it.
    func with<Result: Sendable>(
        _ body: (LocationStore) async throws -> Result
    ) async throws -> Result {
        let store = try open()
        do {
            let result = try await body(store)
            await store.close()
            return result
        } catch {
            await store.close()
            throw error
        }
    }

    deinit { thread.shutdown() }
}

/// Opens a store, also while the lock of its last use is still seen: a process that another test
/// starts has it from the moment it is forked until it runs its own program.
func patiently(_ open: () throws -> LocationStore) throws -> LocationStore {
    let start = ContinuousClock.now
    while true {
        do {
            return try open()
        } catch let error as StoreError where error.code == .inUse {
            if start.duration(to: .now) > .seconds(5) { throw error }
        }
    }
}

func punch(
    _ user: String, _ localTime: String = "2025-01-06T08:00:00", state: UInt32 = 0,
    device: String = "CK1", verify: UInt32 = 1, source: PunchSource = .poll
) -> Punch {
    Punch(
        device: device, user: user, resolvedUser: user, localTime: localTime, state: state,
        verify: verify, source: source, instant: Timestamp(seconds: 1_736_143_200))
}

private func device(_ serial: String, _ name: String = "door") -> Device {
    Device(serial: serial, name: name, address: "10.0.0.1:4370", active: true, clockMode: "zone")
}

@Suite struct StoreTests {
    @Test func `entries have sequences from 1 without gaps, and come back as they went`()
        async throws
    {
        let fixture = try StoreFixture()
        let before = try await fixture.with { (store: LocationStore) async throws in
            try await store.declareZone("Africa/Cairo")
            try await store.declareDevice(device("CK1"))
            _ = try await store.ingest([punch("1"), punch("2"), punch("1")])
            try await store.advanceWatermark(
                of: "CK1", to: Timestamp(seconds: 1_736_000_000) ?? Timestamp(), records: 2,
                isImportant: true)
            return try await store.entries(after: 0, limit: 100)
        }
        #expect(before.map(\.sequence) == [1, 2, 3, 4, 5])
        #expect(before[0].zone?.name == "Africa/Cairo")
        #expect(before[1].device?.serial == "CK1")
        #expect(before[2].punch == punch("1") && before[3].punch == punch("2"))
        #expect(before[4].watermark?.records == 2)
        let after = try await fixture.with { (store: LocationStore) async throws in
            (try await store.entries(after: 0, limit: 100), await store.record(of: "CK1"))
        }
        #expect(after.0 == before)
        #expect(after.1?.punches == 2)
        #expect(after.1?.completeThrough == Timestamp(seconds: 1_736_000_000))
    }

    @Test func `the same batch any number of times is one batch`() async throws {
        let fixture = try StoreFixture()
        try await fixture.with { (store: LocationStore) async throws in
            let batch = [punch("1"), punch("2"), punch("1", state: 1), punch("1", device: "CK2")]
            #expect(try await store.ingest(batch) == IngestResult(new: 4))
            #expect(try await store.ingest(batch) == IngestResult(known: 4))
            #expect(try await store.ingest(batch.reversed()) == IngestResult(known: 4))
            #expect(await store.lastSequence == 4)
        }
    }

    @Test func `a live punch without a state and its polled row are one punch`() async throws {
        let fixture = try StoreFixture()
        try await fixture.with { (store: LocationStore) async throws in
            _ = try await store.ingest([punch("7", state: 255, source: .live)])
            #expect(
                try await store.ingest([punch("7", state: 4, verify: 15)])
                    == IngestResult(amended: 1))
            #expect(try await store.ingest([punch("7", state: 4)]) == IngestResult(known: 1))
            #expect(try await store.ingest([punch("7", state: 255)]) == IngestResult(known: 1))
            let amendment = try #require(
                try await store.entries(after: 1, limit: 9).first?.amendment)
            #expect(amendment.state == 255 && amendment.newState == 4)
            #expect(amendment.newVerify == 15 && amendment.newResolvedUser == nil)
            let seen = try await store.punches(ofDevice: nil, after: 0, limit: 9)
            #expect(seen.map(\.punch.state) == [4] && seen.map(\.punch.verify) == [15])
            // The entry itself stays as it was.
            #expect(try await store.entries(after: 0, limit: 1).first?.punch?.state == 255)
        }
    }

    @Test func `a user who becomes known later amends the punch`() async throws {
        let fixture = try StoreFixture()
        try await fixture.with { (store: LocationStore) async throws in
            var nameless = punch("#12")
            nameless.resolvedUser = ""
            _ = try await store.ingest([nameless])
            var named = nameless
            named.resolvedUser = "1001"
            #expect(try await store.ingest([named]) == IngestResult(amended: 1))
            #expect(try await store.ingest([named, nameless]) == IngestResult(known: 2))
            let seen = try await store.punches(ofDevice: "CK1", after: 0, limit: 9)
            #expect(seen.map(\.punch.resolvedUser) == ["1001"])
        }
    }

    @Test func `zone, device and clock are entries only when they change`() async throws {
        let fixture = try StoreFixture()
        let now = try #require(Timestamp(seconds: 1_736_000_000))
        for _ in 0..<2 {
            try await fixture.with { (store: LocationStore) async throws in
                for _ in 0..<2 {
                    try await store.declareZone("Africa/Cairo")
                    try await store.declareDevice(device("CK1"))
                    try await store.recordClock(
                        of: "CK1", offsetMilliseconds: 1500, measuredAt: now)
                }
                #expect(await store.lastSequence == 3)
            }
        }
        try await fixture.with { (store: LocationStore) async throws in
            try await store.declareZone("Asia/Riyadh")
            try await store.recordClock(of: "CK1", offsetMilliseconds: -600, measuredAt: now)
            #expect(await store.lastSequence == 5)
        }
    }

    @Test func `a device that takes another's name, or leaves the configuration, retires it`()
        async throws
    {
        let fixture = try StoreFixture()
        try await fixture.with { (store: LocationStore) async throws in
            try await store.declareDevice(device("OLD"))
            try await store.declareDevice(device("NEW"))
            #expect(await store.record(of: "OLD")?.device.active == false)
            #expect(await store.record(of: "NEW")?.device.active == true)
            try await store.retainDevices(named: ["window"])
            #expect(await store.record(of: "NEW")?.device.active == false)
            let last = await store.lastSequence
            try await store.retainDevices(named: ["window"])
            #expect(await store.lastSequence == last)
        }
    }

    @Test func `a watermark never goes back and is not written for every poll`() async throws {
        let fixture = try StoreFixture()
        try await fixture.with { (store: LocationStore) async throws in
            try await store.declareDevice(device("CK1"))
            func advance(_ seconds: Int64, records: UInt32 = 5) async throws -> UInt64 {
                try await store.advanceWatermark(
                    of: "CK1", to: Timestamp(seconds: seconds) ?? Timestamp(), records: records,
                    isImportant: false)
                return await store.lastSequence
            }
            #expect(try await advance(1000) == 2)
            #expect(try await advance(1010) == 2)
            #expect(try await advance(1060) == 3)
            #expect(try await advance(900, records: 9) == 3)
            #expect(try await advance(1061, records: 6) == 4)
        }
    }

    @Test func `a hundred thousand punches are stored once, whatever is sent again`() async throws {
        let fixture = try StoreFixture()
        let punches = (0..<100_000).map { number in
            let minute = number / 60 % 60
            let hour = number / 3600 % 24
            let day = number / 86_400 + 1
            let clock = [hour, minute, number % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
            return punch(
                "\(number % 500)", "2025-01-0\(day)T\(clock.joined(separator: ":"))",
                state: UInt32(number % 2))
        }
        try await fixture.with { (store: LocationStore) async throws in
            try await store.declareDevice(device("CK1"))
            var total = IngestResult()
            for round in stride(from: 0, to: punches.count, by: 2000) {
                let batch = Array(punches[round..<min(round + 2000, punches.count)])
                total += try await store.ingest(batch)
            }
            #expect(total == IngestResult(new: 100_000))
            #expect(try await store.ingest(punches) == IngestResult(known: 100_000))
            #expect(await store.record(of: "CK1")?.punches == 100_000)
        }
    }

    @Test func `a second process cannot open the store`() async throws {
        let fixture = try StoreFixture()
        try await fixture.with { _ in
            let error = #expect(throws: StoreError.self) {
                _ = try LocationStore(
                    path: fixture.path, thread: fixture.thread, wakeUps: WakeUps(),
                    surroundings: fixture.surroundings)
            }
            #expect(error?.code == .inUse)
        }
    }

    @Test func `an entry that is missing or altered is reported, not skipped`() async throws {
        let fixture = try StoreFixture()
        try await fixture.with { _ = try await $0.ingest([punch("1"), punch("2"), punch("3")]) }
        try Database(path: fixture.path).run("DELETE FROM log WHERE sequence = 2")
        try await fixture.with { (store: LocationStore) async throws in
            let error = await #expect(throws: StoreError.self) {
                try await store.entries(after: 1, limit: 10)
            }
            #expect(error?.code == .corrupt)
        }
        try Database(path: fixture.path).run("UPDATE log SET body = x'FF' WHERE sequence = 3")
        try await fixture.with { (store: LocationStore) async throws in
            let error = await #expect(throws: StoreError.self) {
                try await store.entries(after: 2, limit: 10)
            }
            #expect(error?.code == .corrupt)
        }
    }
}
