import MeshAPI
import RPCRuntime
import SQLite
import ServiceKit
import Testing

@testable import GatewayService

@Suite struct FollowerTests {
    private func follow(
        _ link: FakeLink, into fixture: StoreFixture, _ links: LinkTable = LinkTable(),
        id: LinkTable.LinkID? = nil
    ) async {
        await LocationFollower(
            link: link, id: id ?? links.newLink(), store: fixture.store, links: links,
            now: { at(100) }, log: .silent
        ).run()
    }

    private func log(_ count: Int) -> TestLog {
        var log = TestLog()
        log.device("CK1")
        for index in 1..<count { log.punch("CK1", "\(index)", Int64(index)) }
        return log
    }

    @Test func `a log is followed from where the last link ended`() async throws {
        let fixture = try StoreFixture()
        let first = FakeLink(serving: log(10), count: 3)
        await follow(first, into: fixture)
        #expect(first.requests == [FollowLog()])
        #expect(first.isRetired)
        let second = FakeLink(serving: log(25), count: 4)
        await follow(second, into: fixture)
        #expect(second.requests == [FollowLog(logID: log(1).id, after: 10)])
        #expect(try await fixture.punches().count == 24)
    }

    @Test func `a link that breaks in the middle of a batch stores all of it or nothing`()
        async throws
    {
        let fixture = try StoreFixture()
        var broken = log(6).batch(after: 3)
        broken.entries[2].sequence = 99
        let batches = [log(6).batch(count: 3), broken]
        await follow(FakeLink { _ in batches }, into: fixture)
        #expect(try await fixture.store.copyState(of: "cairo")?.lastSequence == 3)
        await follow(FakeLink(serving: log(6), count: 2), into: fixture)
        #expect(try await fixture.punches().count == 5)
    }

    @Test func `a heartbeat moves watermarks, and only news is written`() async throws {
        let fixture = try StoreFixture()
        func status(_ seconds: Int64) -> DeviceStatus {
            DeviceStatus(
                device: Device(serial: "CK1", name: "name-CK1", active: true),
                completeThrough: at(seconds))
        }
        await follow(
            FakeLink(serving: log(3), count: 9, devices: [status(50)], heartbeats: 1),
            into: fixture)
        let before = try await fixture.store.changeCount()
        await follow(
            FakeLink(serving: log(3), count: 9, devices: [status(60)], heartbeats: 100),
            into: fixture)
        #expect(try await fixture.store.locations().first?.devices.first?.watermark == at(60))
        #expect(try await fixture.store.changeCount() - before < 5)
    }

    @Test func `a superseded link writes nothing more and its end does not end the newer`()
        async throws
    {
        let fixture = try StoreFixture()
        let links = LinkTable()
        let older = links.newLink()
        let newer = links.newLink()
        let current = FakeLink(address: "192.0.2.2:2")
        _ = links.receive(log(3).batch(), on: newer, over: current, at: at(99))
        let late = FakeLink(serving: log(9), count: 2)
        await follow(late, into: fixture, links, id: older)
        #expect(late.isRetired)
        #expect(try await fixture.punches().isEmpty)
        #expect(links.snapshot(at: at(100))["cairo"].state == .linked)
        #expect(links.snapshot(at: at(100))["cairo"].address == "192.0.2.2:2")
    }

    @Test func `the end of a link is told with its cause`() async throws {
        let fixture = try StoreFixture()
        let links = LinkTable()
        await follow(FakeLink(serving: log(3), count: 2), into: fixture, links)
        let view = links.snapshot(at: at(100))["cairo"]
        #expect(view.state == .unreachable)
        #expect(view.cause == "the link broke")
        #expect(view.announcedSequence == 3)
    }
}

extension GatewayStore {
    /// Rows changed since the store was opened.
    func changeCount() throws -> Int { database.totalChanges }
}
