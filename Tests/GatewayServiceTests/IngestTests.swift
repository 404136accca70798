import Foundation
import MeshAPI
import RPCRuntime
import TestSupport
import Testing

@testable import GatewayService

@Suite struct IngestTests {
    private func log() -> TestLog {
        var log = TestLog()
        log.zone("Africa/Cairo")
        log.device("CK1")
        log.punch("CK1", "7", 10)
        log.punch("CK1", "7", 20, state: 1)
        log.watermark("CK1", 25)
        return log
    }

    @Test func `entries and position are stored together and survive a reopening`() async throws {
        let fixture = try StoreFixture()
        let ingested = try await fixture.store.ingest(log().batch(), from: "cairo", at: at(30))
        #expect(ingested == Ingested(inserted: 2, lastSequence: 5))
        let storeID = fixture.store.storeID
        await fixture.store.close()

        let again = try StoreFixture(folder: fixture.folder)
        #expect(again.store.storeID == storeID)
        #expect(again.store.commits.latest == 2)
        let position = try await again.store.followPosition(of: "cairo")
        #expect(position == FollowLog(logID: log().id, after: 5))
        let location = try #require(try await again.store.locations().first)
        #expect(location.zone == "Africa/Cairo")
        #expect(location.punches == 2)
        #expect(location.devices.first?.watermark == at(25))
        #expect(location.devices.first?.punches == 2)
        #expect(try await again.punches() == ["cairo/CK1/7/T10/0", "cairo/CK1/7/T20/1"])
    }

    @Test func `a store put back from a copy has another id, and only one gateway may open it`()
        async throws
    {
        let folder = try TemporaryDirectory()
        let path = folder.file("gateway.db")
        var ids: [[UInt8]] = []
        func open(_ count: Int) async throws -> Bool {
            let fixture = try StoreFixture(folder: folder)
            #expect(throws: StoreError.self) { _ = try StoreFixture(folder: folder) }
            _ = try await fixture.store.ingest(log().batch(count: count), from: "c", at: at(0))
            ids.append(fixture.store.storeID)
            await fixture.store.close()
            return fixture.store.wasReplaced
        }
        #expect(try await open(3) == false)
        try FileManager.default.copyItem(atPath: path, toPath: path + ".copy")
        #expect(try await open(4) == false)
        #expect(ids[1] == ids[0])

        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.copyItem(atPath: path + ".copy", toPath: path)
        #expect(try await open(3) == true)
        #expect(ids[2] != ids[0])
        #expect(try await open(3) == false)
        #expect(ids[3] == ids[2])

        // Over the same file, so that only the sequence tells.
        _ = try await open(5)
        let copy = try Data(contentsOf: URL(filePath: path + ".copy"))
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.write(contentsOf: copy)
        try handle.truncate(atOffset: UInt64(copy.count))
        try handle.close()
        #expect(try await open(3) == true)
    }

    @Test func `a batch that does not follow is refused and changes nothing`() async throws {
        let fixture = try StoreFixture()
        _ = try await fixture.store.ingest(log().batch(count: 3), from: "cairo", at: at(30))
        var gap = log().batch(after: 4)
        var short = log().batch()
        short.logID = [1, 2, 3]
        var other = log().batch(after: 3)
        other.logID = [UInt8](repeating: 9, count: 16)
        var hole = log().batch(after: 3)
        hole.entries[1].sequence = 6
        gap.lastSequence = 5
        for bad in [gap, short, other, hole] {
            let error = await #expect(throws: StoreError.self) {
                _ = try await fixture.store.ingest(bad, from: "cairo", at: at(31))
            }
            #expect(error?.kind == .badBatch)
        }
        let state = try await fixture.store.copyState(of: "cairo")
        #expect(state == CopyState(logID: log().id, lastSequence: 3, punches: 1))
        #expect(try await fixture.punches() == ["cairo/CK1/7/T10/0"])
    }

    @Test func `sequences at the end of their range are refused and do not overflow`()
        async throws
    {
        let fixture = try StoreFixture()
        for sequence in [0, UInt64.max, UInt64(Int64.max)] {
            var batch = log().batch(count: 1)
            batch.entries[0].sequence = sequence
            await #expect(throws: StoreError.self) {
                _ = try await fixture.store.ingest(batch, from: "cairo", at: at(31))
            }
        }
    }

    @Test func `what another link stored meanwhile is passed over`() async throws {
        let fixture = try StoreFixture()
        _ = try await fixture.store.ingest(log().batch(count: 4), from: "cairo", at: at(30))
        let ingested = try await fixture.store.ingest(
            log().batch(after: 2), from: "cairo", at: at(31))
        #expect(ingested == Ingested(lastSequence: 5))
        #expect(try await fixture.punches().count == 2)
    }

    @Test func `a new log and a shorter log are taken from the start without doubles`()
        async throws
    {
        let fixture = try StoreFixture()
        _ = try await fixture.store.ingest(log().batch(), from: "cairo", at: at(30))

        var refilled = TestLog(2)
        refilled.device("CK1")
        refilled.punch("CK1", "7", 20, state: 1)
        refilled.punch("CK1", "8", 15)
        refilled.punch("CK1", "7", 10)
        let second = try await fixture.store.ingest(refilled.batch(), from: "cairo", at: at(40))
        #expect(
            second == Ingested(inserted: 1, duplicates: 2, lastSequence: 4, restarted: true))

        refilled.entries.removeLast(2)
        refilled.punch("CK1", "9", 50)
        let third = try await fixture.store.ingest(refilled.batch(), from: "cairo", at: at(50))
        #expect(third == Ingested(inserted: 1, duplicates: 1, lastSequence: 3, restarted: true))
        #expect(
            try await fixture.punches()
                == [
                    "cairo/CK1/7/T10/0", "cairo/CK1/7/T20/1", "cairo/CK1/8/T15/0",
                    "cairo/CK1/9/T50/0",
                ])
        #expect(try await fixture.store.copyState(of: "cairo")?.punches == 4)
    }

    @Test func `a watermark never goes back`() async throws {
        let fixture = try StoreFixture()
        _ = try await fixture.store.ingest(log().batch(), from: "cairo", at: at(30))
        var older = TestLog(2)
        older.device("CK1")
        older.watermark("CK1", 5)
        _ = try await fixture.store.ingest(older.batch(), from: "cairo", at: at(40))
        #expect(try await fixture.store.locations().first?.devices.first?.watermark == at(25))
    }

    @Test func `state 255 and the state learned later are one punch in any order`() async throws {
        func states(_ make: (inout TestLog) -> Void) async throws -> [String] {
            let fixture = try StoreFixture()
            var log = TestLog()
            make(&log)
            _ = try await fixture.store.ingest(log.batch(), from: "c", at: at(0))
            // The same log once more under another id, as after a restore.
            log.id = [UInt8](repeating: 2, count: 16)
            _ = try await fixture.store.ingest(log.batch(), from: "c", at: at(0))
            return try await fixture.punches()
        }
        let one = ["c/D/7/T1/4"]
        #expect(
            try await states {
                $0.punch("D", "7", 1, state: 255)
                $0.amend("D", "7", 1, to: 4)
            } == one)
        #expect(
            try await states {
                $0.punch("D", "7", 1, state: 255)
                $0.punch("D", "7", 1, state: 4)
                $0.amend("D", "7", 1, to: 4)
            } == one)
        #expect(
            try await states {
                $0.punch("D", "7", 1, state: 4)
                $0.punch("D", "7", 1, state: 255)
                $0.amend("D", "7", 1, to: 4)
            } == one)
        #expect(
            try await states {
                $0.punch("D", "7", 1, state: 255)
                $0.amend("D", "7", 1, to: 4)
                $0.punch("D", "7", 1, state: 5)
            } == ["c/D/7/T1/4", "c/D/7/T1/5"])
        #expect(try await states { $0.punch("D", "7", 1, state: 255) } == ["c/D/7/T1/255"])
    }

    @Test func `the same punch of two locations or two devices is two punches`() async throws {
        let fixture = try StoreFixture()
        var log = TestLog()
        log.punch("A", "7", 1)
        log.punch("B", "7", 1)
        log.punch("A", "8", 1)
        log.punch("A", "7", 2)
        log.punch("A", "7", 1, state: 1)
        _ = try await fixture.store.ingest(log.batch(), from: "cairo", at: at(0))
        _ = try await fixture.store.ingest(log.batch(), from: "riyadh", at: at(0))
        #expect(try await fixture.punches().count == 10)
    }

    @Test func `a device that a new log does not name stays until the location says it is gone`()
        async throws
    {
        let fixture = try StoreFixture()
        var log = TestLog()
        log.device("A")
        log.device("B")
        _ = try await fixture.store.ingest(log.batch(), from: "c", at: at(0))
        var refilled = TestLog(2)
        refilled.device("A")
        _ = try await fixture.store.ingest(refilled.batch(), from: "c", at: at(0))
        func active() async throws -> [String] {
            try await fixture.store.locations()[0].devices.filter(\.device.active)
                .map(\.device.serial)
        }
        #expect(try await active() == ["A", "B"])
        func status(_ serial: String, _ name: String) -> DeviceStatus {
            DeviceStatus(device: Device(serial: serial, name: name, active: true))
        }
        // B has not been reached under the new log, and the configuration still has it.
        let waiting = refilled.batch(
            after: 1, devices: [status("A", "name-A"), status("", "name-B")])
        _ = try await fixture.store.ingest(waiting, from: "c", at: at(0))
        #expect(try await active() == ["A", "B"])
        #expect(try await fixture.store.locations()[0].unread == 2)
        let gone = refilled.batch(after: 1, devices: [status("A", "name-A")])
        _ = try await fixture.store.ingest(gone, from: "c", at: at(0))
        #expect(try await active() == ["A"])
    }

    @Test func `100,000 punches arrive in order and are found again`() async throws {
        let fixture = try StoreFixture()
        var log = TestLog()
        for index in 0..<100_000 { log.punch("D", "\(index % 500)", Int64(index)) }
        for after in stride(from: 0, to: 100_000, by: 1000) {
            let batch = log.batch(after: UInt64(after), count: 1000)
            _ = try await fixture.store.ingest(batch, from: "c", at: at(0))
        }
        let page = try await fixture.store.page(of: PunchFilter(), after: 0, limit: 200_000)
        #expect(page.punches.map(\.sequence) == Array(1...100_000))
        let some = try await fixture.store.page(
            of: PunchFilter(users: ["3"], from: at(500), to: at(1503)), after: 0, limit: 10)
        #expect(some.punches.map(\.sequence) == [504, 1004])
        // A range with most of the punches takes another way through the store.
        let many = try await fixture.store.page(
            of: PunchFilter(users: ["3"], from: at(500)), after: 504, limit: 2)
        #expect(many.punches.map(\.sequence) == [1004, 1504])
    }
}
