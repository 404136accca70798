import Foundation
import MeshAPI
import RPCRuntime
import SQLite
import ServiceKit
import TestSupport
import Synchronization
import Testing
import Transport

@testable import LocationService

/// What the store does when its disk takes nothing more.
@Suite(.timeLimit(.minutes(5))) struct StoreDiskTests {
    /// How a store is made to run out of room, and gets room again.
    private struct Shortage: Sendable {
        var path: String
        var begin: @Sendable (LocationStore) async throws -> Void
        var end: @Sendable (LocationStore) async throws -> Void
    }

    /// Fills the store up, checks what it says and keeps, makes room, and checks that it goes on.
    private func check(_ shortage: Shortage, _ fixture: StoreFixture) async throws {
        let lines = LogLines()
        let alarm = StoreAlarm(log: lines.logger, surroundings: fixture.surroundings)
        func open() throws -> LocationStore {
            try patiently {
                try LocationStore(
                    path: shortage.path, thread: fixture.thread, wakeUps: WakeUps(),
                    surroundings: fixture.surroundings, alarm: alarm)
            }
        }
        var acknowledged = 0
        do {
            let store = try open()
            #expect(try await store.ingest(batch(0)).new == 1000)
            acknowledged = 1
            try await shortage.begin(store)
            var failure: StoreError?
            while failure == nil, acknowledged < 200 {
                do {
                    _ = try await store.ingest(batch(acknowledged))
                    acknowledged += 1
                } catch {
                    failure = error
                }
            }
            #expect(failure?.code == .unwritable)
            #expect(!alarm.isStoring)
            #expect(alarm.sentences.first?.contains("takes no entries") == true)
            let full = acknowledged
            for _ in 0..<5 {
                await #expect(throws: StoreError.self) { try await store.ingest(batch(full)) }
                await #expect(throws: StoreError.self) { try await store.probe() }
            }
            // Said once, and not for each punch.
            #expect(lines.count("error the store takes no entries") == 1)
            // What was acknowledged is there; what was not, is not.
            let count = UInt64(acknowledged) * 1000
            #expect(await store.lastSequence == count)
            #expect(try await store.ask("SELECT count(*) FROM log") == .integer(Int64(count)))
            let last = try await store.entries(after: count - 1, limit: 10)
            #expect(last.map(\.sequence) == [count])
            try await shortage.end(store)
            try await store.probe()
            #expect(alarm.isStoring)
            #expect(try await store.ask("SELECT count(*) FROM probe") == 0)
            #expect(lines.count("info the store's trouble has passed") == 1)
            #expect(try await store.ingest(batch(acknowledged)).new == 1000)
            acknowledged += 1
            await store.close()
        }
        let store = try open()
        #expect(store.opening == .known)
        #expect(await store.lastSequence == UInt64(acknowledged) * 1000)
        for number in [0, acknowledged - 1] {
            #expect(try await store.ingest(batch(number)).known == 1000)
        }
        #expect(try await store.check())
        if let verdict = try judge(
            shortage.path, "PRAGMA integrity_check; SELECT count(*) FROM log")
        {
            #expect(verdict == "ok\n\(acknowledged * 1000)")
        }
        await store.close()
    }

    @Test func `on a full disk the store keeps what it acknowledged and goes on by itself`()
        async throws
    {
        // Where nothing can be mounted, the limit of pages below stands for it.
        guard let disk = try SmallDisk(megabytes: 8) else { return }
        let fixture = try StoreFixture()
        try await check(
            Shortage(
                path: disk.file("store.db"), begin: { _ in try disk.fill() },
                end: { _ in try disk.makeRoom() }), fixture)
    }

    @Test func `with a limit of pages the store keeps what it acknowledged`() async throws {
        let fixture = try StoreFixture()
        try await check(
            Shortage(
                path: fixture.path,
                begin: { try await $0.execute("PRAGMA max_page_count = 600") },
                end: { try await $0.execute("PRAGMA max_page_count = 1000000") }), fixture)
    }

    @Test func `behind the process's limit of file sizes writing fails and nothing dies`()
        async throws
    {
        // In a process of its own, because the limit is the process's.
        await #expect(processExitsWith: .success) {
            _ = Signal.stream(of: [])
            let fixture = try StoreFixture()
            @Sendable func limit(_ bytes: String) throws {
                let own = "\(ProcessInfo.processInfo.processIdentifier)"
                let set = try run("/usr/bin/prlimit", "--pid", own, "--fsize=\(bytes):unlimited")
                #expect(set != nil)
            }
            try await StoreDiskTests().check(
                Shortage(
                    path: fixture.path, begin: { _ in try limit("3145728") },
                    end: { _ in try limit("unlimited") }), fixture)
        }
    }

    @Test func `a file system that is only read is waited for`() async throws {
        guard let disk = try SmallDisk(megabytes: 8) else { return }
        let fixture = try StoreFixture()
        func open() throws -> LocationStore {
            try patiently {
                try LocationStore(
                    path: disk.file("store.db"), thread: fixture.thread, wakeUps: WakeUps(),
                    surroundings: fixture.surroundings)
            }
        }
        do {
            let store = try open()
            _ = try await store.ingest(batch(0))
            await store.close()
        }
        guard try disk.remount("ro") else { return }
        let error = #expect(throws: StoreError.self) { _ = try open() }
        #expect(error?.code == .unwritable)
        #expect(try disk.remount("rw"))
        let store = try open()
        #expect(try await store.ingest(batch(0)).known == 1000)
        await store.close()
    }

    @Test func `a marker that cannot be written loses nothing`() async throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        _ = try await store.ingest([punch("1")])
        // The store has no marker any more from here on.
        await store.close()
        #expect(try await store.ingest([punch("2"), punch("3")]).new == 2)
        #expect(store.alarm.isStoring)
        #expect(store.alarm.sentences.count == 1)
        #expect(store.alarm.sentences.first?.contains("marker") == true)
        #expect(try await store.ingest([punch("2"), punch("4")]).new == 1)
        #expect(await store.lastSequence == 4)
        try await fixture.with { (again: LocationStore) async throws in
            #expect(again.opening == .known)
            #expect(await again.lastSequence == 4)
        }
    }

    @Test func `little space is told before there is none`() throws {
        let fixture = try StoreFixture()
        let lines = LogLines()
        let alarm = StoreAlarm(log: lines.logger, surroundings: fixture.surroundings)
        alarm.space(StoreAlarm.freeBytesMin, path: "/data/store.db")
        #expect(alarm.sentences.isEmpty)
        alarm.space(5 << 20, path: "/data/store.db")
        alarm.space(4 << 20, path: "/data/store.db")
        #expect(alarm.sentences == ["4 MiB are left on the disk of /data/store.db"])
        #expect(alarm.isStoring)
        #expect(lines.count("warning the store's disk is nearly full") == 1)
        alarm.space(1 << 40, path: "/data/store.db")
        #expect(alarm.sentences.isEmpty)
        #expect(lines.count("trouble has passed") == 1)
        let folder = fixture.directory.file("a folder")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        for path in [fixture.path, folder + "/store.db"] {
            #expect(try #require(StoreWatch.freeBytes(beside: path)) > 0)
        }
    }

    @Test func `a trouble that lasts is told again`() throws {
        let fixture = try StoreFixture()
        let lines = LogLines()
        let start = ContinuousClock.now
        let passed = Lock(Duration.zero)
        var surroundings = fixture.surroundings
        surroundings.steady = { start + passed.withLock { $0 } }
        let alarm = StoreAlarm(log: lines.logger, surroundings: surroundings)
        for second in 0..<150 {
            passed.withLock { $0 = .seconds(second) }
            alarm.failed(StoreError(.unwritable, "disk full"), entries: second)
        }
        #expect(lines.count("the store takes no entries") == 3)
        // What is the caller's fault is no trouble of the store.
        alarm.stored(148)
        #expect(!alarm.isStoring && alarm.mayPass)
        alarm.stored(149)
        alarm.failed(StoreError(.database, "locked"), entries: 5)
        #expect(alarm.isStoring && !alarm.mayPass)
        // Nothing is tried on a damaged file.
        alarm.failed(StoreError(.corrupt, "page 7"))
        #expect(!alarm.isStoring && !alarm.mayPass)
    }
}
