import Foundation
import MeshAPI
import RPCRuntime
import SQLite
import TestSupport
import Testing

@testable import LocationService

@Suite struct StoreIdentityTests {
    private func copy(_ fixture: StoreFixture, to name: String) throws -> String {
        let copy = fixture.directory.file(name)
        // As a backup is made: a consistent copy of a database that may be in use.
        try Database(path: fixture.path).execute("VACUUM INTO '\(copy)'")
        return copy
    }

    @Test func `a store that is only closed and opened keeps its log's id`() async throws {
        let fixture = try StoreFixture()
        let first = try await fixture.with { (store: LocationStore) async throws in
            #expect(store.opening == .made)
            _ = try await store.ingest([punch("1")])
            return await store.logID
        }
        #expect(first.count == 16)
        for _ in 0..<3 {
            try await fixture.with { (store: LocationStore) async throws in
                #expect(store.opening == .known)
                #expect(await store.logID == first)
                _ = try await store.ingest([punch("2")])
            }
        }
    }

    @Test func `a process that dies between any two steps of opening keeps the log's id`()
        async throws
    {
        let fixture = try StoreFixture()
        let first = try await fixture.with { await $0.logID }
        // The database has announced the next token, and the marker has not been written.
        try Database(path: fixture.path).run("UPDATE identity SET next_token = 'never written'")
        let second = try await fixture.with { (store: LocationStore) async throws in
            #expect(store.opening == .known)
            return await store.logID
        }
        #expect(second == first)
        // The marker has been written, and the database has not taken the token over.
        try Database(path: fixture.path).run(
            "UPDATE identity SET next_token = token, token = 'before'")
        try await fixture.with { (store: LocationStore) async throws in
            #expect(store.opening == .known)
            #expect(await store.logID == first)
        }
    }

    @Test func `an older copy in the store's place is a new log with the old entries`()
        async throws
    {
        for restarts in 0...1 {
            let fixture = try StoreFixture()
            let first = try await fixture.with { (store: LocationStore) async throws in
                _ = try await store.ingest([punch("1")])
                return await store.logID
            }
            let old = try copy(fixture, to: "old.db")
            for _ in 0...restarts {
                try await fixture.with { _ = try await $0.ingest([punch("2")]) }
            }
            // Into the same file, as `cp` does, so that its number stays.
            let content = try Data(contentsOf: URL(filePath: old))
            try content.write(to: URL(filePath: fixture.path))
            try await fixture.with { (store: LocationStore) async throws in
                #expect(store.opening == .replaced)
                #expect(await store.logID != first)
                #expect(await store.lastSequence == 1)
            }
        }
    }

    @Test func `a copy taken and put back within one life of the service is found out`()
        async throws
    {
        let fixture = try StoreFixture()
        let (first, old) = try await fixture.with { store in
            let logID = await store.logID
            _ = try await store.ingest([punch("1")])
            let old = try copy(fixture, to: "old.db")
            _ = try await store.ingest([punch("2")])
            return (logID, old)
        }
        try Data(contentsOf: URL(filePath: old)).write(to: URL(filePath: fixture.path))
        try? FileManager.default.removeItem(atPath: fixture.path + "-wal")
        try? FileManager.default.removeItem(atPath: fixture.path + "-shm")
        try await fixture.with { (store: LocationStore) async throws in
            #expect(store.opening == .replaced)
            #expect(await store.logID != first)
        }
    }

    @Test func `a cloned folder is a new log`() async throws {
        let fixture = try StoreFixture()
        let first = try await fixture.with { (store: LocationStore) async throws in
            _ = try await store.ingest([punch("1")])
            return await store.logID
        }
        let clone = try StoreFixture()
        for name in ["store.db", "store.db-marker"] {
            try FileManager.default.copyItem(
                atPath: fixture.directory.file(name), toPath: clone.directory.file(name))
        }
        try await clone.with { (store: LocationStore) async throws in
            #expect(store.opening == .replaced)
            #expect(await store.logID != first)
        }
    }

    @Test(arguments: ["", "x", "token 1", "token x 1\n", "token 1 99999999999999999999999\n"])
    func `a marker that says nothing makes a new log`(text: String) async throws {
        let fixture = try StoreFixture()
        let first = try await fixture.with { await $0.logID }
        try Data(text.utf8).write(to: URL(filePath: fixture.path + "-marker"))
        try await fixture.with { (store: LocationStore) async throws in
            #expect(store.opening == .replaced)
            #expect(await store.logID != first)
        }
    }

    @Test func `a deleted store is another log`() async throws {
        let fixture = try StoreFixture()
        let first = try await fixture.with { await $0.logID }
        for name in ["store.db", "store.db-wal", "store.db-shm"] {
            try? FileManager.default.removeItem(atPath: fixture.directory.file(name))
        }
        try await fixture.with { (store: LocationStore) async throws in
            #expect(store.opening == .made)
            #expect(await store.logID != first)
        }
    }

    @Test func `a follower begins at 1 with another log and goes on where it was with this one`()
        async throws
    {
        let fixture = try StoreFixture()
        try await fixture.with { _ = try await $0.ingest([punch("1"), punch("2"), punch("3")]) }
        try await fixture.with { (store: LocationStore) async throws in
            let logID = await store.logID
            func sequences(_ id: [UInt8], _ after: UInt64) async throws -> [UInt64] {
                try await store.follow("gateway", logID: id, after: after, limit: 2)
                    .entries.map(\.sequence)
            }
            #expect(try await sequences(logID, 0) == [1, 2])
            #expect(try await sequences(logID, 2) == [3])
            #expect(try await sequences(logID, 3) == [])
            #expect(try await sequences([], 3) == [1, 2])
            #expect(try await sequences([UInt8](repeating: 7, count: 16), 3) == [1, 2])
            #expect(await store.logID == logID)
        }
    }

    @Test func `a follower that knows more than the log ever gave it makes it a new log`()
        async throws
    {
        let fixture = try StoreFixture()
        try await fixture.with { _ = try await $0.ingest([punch("1"), punch("2")]) }
        try await fixture.with { (store: LocationStore) async throws in
            let logID = await store.logID
            // Written in this life, and given to one follower only.
            _ = try await store.ingest([punch("3")])
            let given = try await store.follow("a", logID: logID, after: 2, limit: 10)
            #expect(given.entries.map(\.sequence) == [3])
            _ = try await store.follow("a", logID: logID, after: 3, limit: 10)
            #expect(await store.logID == logID)
            // Another follower has a third entry from a life that was undone.
            let slice = try await store.follow("b", logID: logID, after: 3, limit: 10)
            #expect(slice.logID != logID)
            #expect(slice.entries.map(\.sequence) == [1, 2, 3])
        }
    }
}
