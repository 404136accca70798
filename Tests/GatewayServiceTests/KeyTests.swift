import MeshAPI
import RPCRuntime
import SQLite
import TestSupport
import Testing
import Transport

@testable import GatewayService

@Suite struct KeyTests {
    @Test func `a key opens until it is revoked, and its secret is nowhere in the store`()
        async throws
    {
        let fixture = try StoreFixture()
        let created = try await fixture.store.createKey(
            name: "payroll", by: "spiffe://t/ctl/ops", at: at(0))
        let token = try #require(APIToken(parsing: created.token))
        #expect(token.text == created.token)
        let opened = try await fixture.store.authenticate(token, at: at(5))
        #expect(opened?.name == "payroll")
        let listed = try await fixture.store.keys()
        #expect(listed.map(\.lastUsedAt) == [at(5)])
        #expect(listed.map(\.createdBy) == ["spiffe://t/ctl/ops"])

        let hash = try await fixture.store.storedHash(of: token.id)
        #expect(hash.count == 32)
        #expect(!hex(hash).contains(token.secret))

        let revoked = try await fixture.store.revokeKey(token.id, at: at(10))
        #expect(revoked.revokedAt == at(10))
        #expect(try await fixture.store.authenticate(token, at: at(11)) == nil)
        // Revoking again keeps the first end.
        #expect(try await fixture.store.revokeKey(token.id, at: at(20)).revokedAt == at(10))
        let error = await #expect(throws: StoreError.self) {
            _ = try await fixture.store.revokeKey("0000000000000000", at: at(0))
        }
        #expect(error?.kind == .notFound)
    }

    @Test func `a wrong secret, another key's id and other forms open nothing`() async throws {
        let fixture = try StoreFixture()
        let one = try await fixture.store.createKey(name: "1", by: "x", at: at(0)).token
        let two = try await fixture.store.createKey(name: "2", by: "x", at: at(0)).token
        let crossed = one.prefix(21) + two.dropFirst(21)
        let flipped = one.dropLast() + (one.hasSuffix("0") ? "1" : "0")
        let unknown = "zkk_0000000000000000_" + one.dropFirst(21)
        for text in [String(crossed), String(flipped), unknown] {
            let token = try #require(APIToken(parsing: text))
            #expect(try await fixture.store.authenticate(token, at: at(0)) == nil)
        }
        for text in ["", "zkk_", String(one.dropLast()), one + "0", "zkx" + one.dropFirst(3)] {
            #expect(APIToken(parsing: text) == nil, "\(text)")
        }
    }

    @Test func `a store opened with another pepper knows no secret`() async throws {
        let fixture = try StoreFixture()
        let created = try await fixture.store.createKey(name: "1", by: "x", at: at(0))
        let token = try #require(APIToken(parsing: created.token))
        await fixture.store.close()
        let thread = WorkerThread(name: "store-test")
        defer { thread.shutdown() }
        let other = try GatewayStore(
            path: fixture.folder.file("gateway.db"), pepper: [1], thread: thread)
        #expect(try await other.authenticate(token, at: at(0)) == nil)
    }
}

extension GatewayStore {
    func storedHash(of id: String) throws -> [UInt8] {
        try database.rows("SELECT hash FROM api_key WHERE id = ?1", .text(id)) {
            $0.blob(0)
        }.first ?? []
    }
}
