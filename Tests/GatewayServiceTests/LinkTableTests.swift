import MeshAPI
import RPCRuntime
import Testing

@testable import GatewayService

@Suite struct LinkTableTests {
    private let links = LinkTable()

    private func receive(_ id: LinkTable.LinkID, log: UInt8, at seconds: Int64)
        -> LinkTable.Reception
    {
        links.receive(
            TestLog(log).batch(), on: id, over: FakeLink(address: "192.0.2.1:\(id)"),
            at: at(seconds))
    }

    private func state(at seconds: Int64) -> LinkState {
        links.snapshot(at: at(seconds))["cairo"].state
    }

    @Test func `a link is up from its first batch until it ends or falls silent`() {
        let link = links.newLink()
        #expect(state(at: 0) == .unreachable)
        #expect(receive(link, log: 1, at: 0) == .followed)
        #expect(state(at: 10) == .linked)
        #expect(state(at: 11) == .unreachable)
        #expect(links.snapshot(at: at(11))["cairo"].cause.contains("no heartbeat"))
        #expect(receive(link, log: 1, at: 12) == .followed)
        #expect(state(at: 12) == .linked)
        links.ended(link, of: "cairo", cause: "the cable was cut")
        let view = links.snapshot(at: at(13))["cairo"]
        #expect(view.state == .unreachable)
        #expect(view.cause == "the cable was cut")
        #expect(view.lastContact == at(12))
        #expect(view.address == "")
    }

    @Test func `the newest link wins with its first batch and the older ends`() {
        let older = links.newLink()
        let newer = links.newLink()
        #expect(receive(older, log: 1, at: 0) == .followed)
        #expect(receive(newer, log: 1, at: 1) == .tookOver)
        #expect(receive(older, log: 1, at: 2) == .superseded)
        links.ended(older, of: "cairo", cause: "superseded")
        #expect(state(at: 2) == .linked)
        #expect(receive(newer, log: 1, at: 2) == .followed)
    }

    @Test func `two logs alive under one name are a conflict until a minute after`() {
        let one = links.newLink()
        let two = links.newLink()
        _ = receive(one, log: 1, at: 0)
        #expect(receive(two, log: 2, at: 5) == .conflict)
        #expect(state(at: 5) == .conflict)
        #expect(receive(two, log: 2, at: 64) == .followed)
        #expect(state(at: 64) == .conflict)
        #expect(receive(two, log: 2, at: 65) == .followed)
        #expect(state(at: 65) == .linked)
    }

    @Test func `a new log behind a dead link is a restore and no conflict`() {
        let one = links.newLink()
        let two = links.newLink()
        let three = links.newLink()
        _ = receive(one, log: 1, at: 0)
        links.ended(one, of: "cairo", cause: "restarted")
        #expect(receive(two, log: 2, at: 1) == .followed)
        // The old machine was cut off without an end.
        #expect(receive(three, log: 3, at: 12) == .tookOver)
        #expect(state(at: 12) == .linked)
    }

    @Test func `what a location says is wrong is shown until it says no more, or is gone`() {
        let link = links.newLink()
        func receive(_ alarms: [String], entries: Int = 0) {
            var log = TestLog()
            for index in 0..<entries { log.punch("CK1", "\(index)", 10) }
            var batch = log.batch()
            batch.alarms = alarms
            _ = links.receive(batch, on: link, over: FakeLink(address: "192.0.2.1:1"), at: at(0))
        }
        receive(["the disk is full"])
        #expect(links.snapshot(at: at(1))["cairo"].alarms == ["the disk is full"])
        #expect(links.haveAlarms)
        // A batch of entries alone says nothing of it.
        receive([], entries: 2)
        #expect(links.haveAlarms)
        receive([])
        #expect(!links.haveAlarms)
        receive(["the disk is full"])
        links.ended(link, of: "cairo", cause: "cut")
        #expect(!links.haveAlarms)
        #expect(links.snapshot(at: at(1))["cairo"].alarms.isEmpty)
    }
}
