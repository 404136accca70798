import Foundation
import MeshAPI
import RPCRuntime
import SQLite
import TestSupport
import Testing
import Transport

@testable import LocationService

/// How the store's file is opened, brought up to date, checked and copied.
@Suite(.timeLimit(.minutes(5))) struct StoreSafetyTests {
    // MARK: Settings

    @Test func `what is acknowledged is on the disk`() async throws {
        let fixture = try StoreFixture()
        try await fixture.with { (store: LocationStore) async throws in
            #expect(try await store.ask("PRAGMA journal_mode") == "wal")
            #expect(try await store.ask("PRAGMA synchronous") == 2)
            // The memory for pages has a bound: 8 MiB.
            #expect(try await store.ask("PRAGMA cache_size") == -8192)
            _ = try await store.ingest(batch(1))
            // Another process sees it at once.
            if let count = try judge(fixture.path, "SELECT count(*) FROM punch") {
                #expect(count == "1000")
            }
        }
    }

    // MARK: Migrations

    @Test func `a file of version 1 comes up with all that is in it`() async throws {
        let fixture = try StoreFixture()
        let at = try #require(Timestamp(seconds: 1_735_900_000))
        let device = Device(serial: "CK1", name: "door", active: true, clockMode: "+02:00")
        let punches = (1...3).map { punch("\($0)") }
        do {
            let old = try Database(path: fixture.path)
            try old.migrate(Array(StoreSchema.migrations.prefix(1)))
            #expect(try old.schemaVersion == 1)
            try old.run(
                "INSERT INTO identity (id, log_id, token) VALUES (1, ?, 'token')",
                .blob([UInt8](repeating: 5, count: 16)))
            var sequence: Int64 = 0
            func add(_ kind: StoreSchema.Kind, _ entry: LogEntry) throws {
                sequence += 1
                var entry = entry
                entry.sequence = UInt64(sequence)
                entry.committedAt = at
                try old.run(
                    "INSERT INTO log VALUES (?, ?, ?)", .integer(sequence),
                    .integer(kind.rawValue), .blob(entry.encoded()))
            }
            try add(.device, LogEntry(device: device))
            for punch in punches {
                try add(.punch, LogEntry(punch: punch))
                try old.run(
                    """
                    INSERT INTO punch (sequence, device, user, local_time, state, instant,
                        resolved_user) VALUES (?, ?, ?, ?, ?, ?, ?)
                    """, .integer(sequence), .text(punch.device), .text(punch.user),
                    .text(punch.localTime), .integer(Int64(punch.state)),
                    .integer(punch.instant?.seconds), .text(punch.resolvedUser))
            }
            for offset in [1500, -90_000] as [Int64] {
                let look = ClockMeasurement(
                    device: "CK1", measuredAt: at, offsetMilliseconds: offset)
                try add(.clock, LogEntry(clock: look))
            }
            var record = DeviceRecord(device: device)
            record.punches = 3
            try record.write(old)
        }
        try await fixture.with { (store: LocationStore) async throws in
            #expect(
                try await store.ask("PRAGMA user_version")
                    == .integer(Int64(StoreSchema.migrations.count)))
            #expect(await store.lastSequence == 6)
            let entries = try await store.entries(after: 0, limit: 10)
            #expect(entries.compactMap(\.punch) == punches)
            #expect(try await store.ingest(punches) == IngestResult(known: 3))
            let looks = try await store.clockHistory(of: "CK1", limit: 10)
            #expect(looks.map(\.offsetMilliseconds) == [-90_000, 1500])
            #expect(looks.map(\.clockMode) == ["+02:00", "+02:00"])
            let record = try #require(await store.record(of: "CK1"))
            #expect(record.punches == 3)
            #expect(record.lastException == nil)
            // Their instant is in the fixture's present.
            #expect(try await store.ask("SELECT sum(punches) FROM punch_day") == 3)
        }
        if let verdict = try judge(fixture.path, "PRAGMA integrity_check") {
            #expect(verdict == "ok")
        }
    }

    // MARK: Damage

    @Test func `a damaged file is refused with what to do, and nothing is written to it`()
        async throws
    {
        let fixture = try StoreFixture()
        let damaged = try StoreFixture()
        try await fixture.with { (store: LocationStore) async throws in
            for number in 0..<5 { _ = try await store.ingest(batch(number)) }
            _ = try await store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            // What stands in the write-ahead file must not get into the damaged one.
            _ = try await store.ingest(batch(5))
            for suffix in ["", "-wal", "-marker"] {
                try FileManager.default.copyItem(
                    atPath: fixture.path + suffix, toPath: damaged.path + suffix)
            }
        }
        let file = URL(filePath: damaged.path)
        let log = URL(filePath: damaged.path + "-wal")
        var bytes = try Data(contentsOf: file)
        bytes.replaceSubrange(65536..<98304, with: Data(repeating: 0xA5, count: 32768))
        try bytes.write(to: file)
        let logBytes = try Data(contentsOf: log)
        #expect(logBytes.count > 100_000)
        let error = try #require(throws: StoreError.self) { _ = try damaged.open() }
        #expect(error.code == .corrupt)
        #expect(error.message.contains(damaged.path))
        #expect(error.message.contains("put the last backup in its place"))
        #expect(try Data(contentsOf: file) == bytes)
        #expect(try Data(contentsOf: log) == logBytes)
    }

    @Test func `a file that is no store is refused and stays`() throws {
        let fixture = try StoreFixture()
        let bytes = Data("this is a letter to somebody, and it is long enough".utf8)
        try bytes.write(to: URL(filePath: fixture.path))
        let error = #expect(throws: StoreError.self) { _ = try fixture.open() }
        #expect(error?.code == .corrupt)
        #expect(try Data(contentsOf: URL(filePath: fixture.path)) == bytes)
    }

    // MARK: Backup

    @Test func `a backup is one moment of the store while ingest goes on`() async throws {
        let fixture = try StoreFixture()
        let target = fixture.directory.file("backup.db")
        let store = try fixture.open()
        for number in 0..<20 { _ = try await store.ingest(batch(number)) }
        let logID = await store.logID
        var percents: [Int] = []
        async let writing: Void = {
            for number in 20..<60 { _ = try await store.ingest(batch(number)) }
        }()
        try StoreBackup.make(of: fixture.path, to: target) { percents.append($0) }
        try await writing
        #expect(percents.last == 100 && percents == percents.sorted())
        let mode = try FileManager.default.attributesOfItem(atPath: target)[.posixPermissions]
        #expect((mode as? NSNumber)?.intValue == 0o600)
        for suffix in ["-wal", "-shm", ".partial"] {
            #expect(!FileManager.default.fileExists(atPath: target + suffix))
        }
        // Whole transactions, from the first entry without a gap.
        let copy = try Database(path: target)
        let counts = try copy.rows(
            "SELECT count(*), max(sequence), (SELECT count(*) FROM punch) FROM log"
        ) { [$0.integer(0), $0.integer(1), $0.integer(2)] }
        let count = try #require(counts.first?.first)
        #expect(counts == [[count, count, count]])
        #expect(count >= 20_000 && count % 1000 == 0)
        if let verdict = try judge(target, "PRAGMA integrity_check") { #expect(verdict == "ok") }
        // The store went on.
        #expect(await store.lastSequence == 60_000)
        await store.close()

        let restored = try StoreFixture()
        try FileManager.default.copyItem(atPath: target, toPath: restored.path)
        try FileManager.default.copyItem(
            atPath: fixture.path + "-marker", toPath: restored.path + "-marker")
        try await restored.with { (again: LocationStore) async throws in
            #expect(again.opening == .replaced)
            #expect(await again.logID != logID)
            #expect(await again.lastSequence == UInt64(count))
            #expect(try await again.ingest(batch(0)).known == 1000)
            #expect(try await again.ingest(batch(99)).new == 1000)
        }
    }

    @Test func `a backup overwrites nothing, and one that fails leaves nothing`() async throws {
        let fixture = try StoreFixture()
        try await fixture.with { _ = try await $0.ingest(batch(0)) }
        let target = fixture.directory.file("there.txt")
        try Data("mine".utf8).write(to: URL(filePath: target))
        let refusal = #expect(throws: StoreError.self) {
            try StoreBackup.make(of: fixture.path, to: target) { _ in }
        }
        #expect(refusal?.message.contains("\(target) exists") == true)
        #expect(try Data(contentsOf: URL(filePath: target)) == Data("mine".utf8))
        #expect(throws: StoreError.self) {
            try StoreBackup.make(of: fixture.path, to: "/nonexistent/backup.db") { _ in }
        }
        #expect(throws: StoreError.self) {
            try StoreBackup.make(
                of: fixture.directory.file("no.db"), to: fixture.directory.file("b.db")
            ) { _ in }
        }
        guard let disk = try SmallDisk(megabytes: 1) else { return }
        try disk.fill()
        #expect(throws: StoreError.self) {
            try StoreBackup.make(of: fixture.path, to: disk.file("backup.db")) { _ in }
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: disk.path)
        #expect(left == ["filler"])
    }
}
