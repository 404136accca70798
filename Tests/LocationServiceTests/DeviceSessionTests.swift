import MeshAPI
import RPCRuntime
import Synchronization
import TestSupport
import Testing
import Transport
import ZKProtocol

@testable import LocationService
@testable import zk_simulator

@Suite(.ownThread, .timeLimit(.minutes(10))) struct DeviceSessionTests {
    private func with(
        _ terminals: Terminals, _ change: (inout DeviceSettings) -> Void = { _ in },
        _ body: (Collector, String) async throws -> Void
    ) async throws {
        let collector = try Collector()
        var settings = DeviceSettings(name: "door", address: terminals.address)
        settings.pollInterval = .milliseconds(200)
        change(&settings)
        let session = try collector.session(settings)
        do {
            try await collector.run([session]) { try await body(collector, "door") }
            #expect(collector.board.status(of: "door")?.state == .stopped)
            #expect(terminals.simulator.device.isEnabled)
        } catch {
            await collector.close()
            await terminals.stop()
            throw error
        }
        await collector.close()
        await terminals.stop()
    }

    private func isComplete(_ collector: Collector, _ serial: String, _ records: Int) async -> Bool
    {
        let record = await collector.store.record(of: serial)
        return record?.completeThrough != nil && record?.records == UInt32(records)
    }

    @Test(arguments: [
        AttendanceLayout.text(stride: 40), .text(stride: 49), .bytes16, .bytes8, .bytes8Flags,
    ])
    func `the store holds what the terminal holds, and then the watermark says so`(
        layout: AttendanceLayout
    ) async throws {
        let terminals = try Terminals(records: 2500) { $0.recordLayout = layout }
        try await with(terminals) { collector, _ in
            try await collector.wait {
                await isComplete(collector, terminals.simulator.device.model.serial, 2500)
            }
            #expect(try await collector.punches() == terminals.truth)
            // The watermark is behind every punch it covers.
            let entries = try await collector.store.entries(after: 0, limit: 10_000)
            let watermark = try #require(entries.firstIndex { $0.watermark != nil })
            let lastPunch = try #require(entries.lastIndex { $0.punch != nil })
            #expect(lastPunch < watermark)
            #expect(entries.filter { $0.device != nil }.map(\.device?.name) == ["door"])
        }
    }

    @Test func `a live punch is stored before the next poll`() async throws {
        let terminals = try Terminals(records: 50)
        try await with(terminals) { settings in
            settings.pollInterval = .seconds(86_400)
        } _: { collector, _ in
            let serial = terminals.simulator.device.model.serial
            try await collector.wait { await isComplete(collector, serial, 50) }
            let user = try #require(terminals.simulator.userIDs.first)
            let record = try #require(terminals.simulator.punch(user, state: 1, verify: 15))
            try await collector.wait {
                try await collector.punches().contains([user, record.time.description, "1"])
            }
            let last = try #require(
                try await collector.store.punches(ofDevice: nil, after: 0, limit: 1000).last)
            #expect(last.punch.source == .live && last.punch.verify == 15)
            #expect(try await collector.punches() == terminals.truth)
        }
    }

    @Test func `where rows carry only an index a live punch makes the log be read`() async throws {
        let terminals = try Terminals(records: 50) { $0.recordLayout = .bytes8 }
        try await with(terminals) { settings in
            settings.pollInterval = .seconds(86_400)
        } _: { collector, _ in
            let serial = terminals.simulator.device.model.serial
            try await collector.wait { await isComplete(collector, serial, 50) }
            let user = try #require(terminals.simulator.userIDs.first)
            _ = try #require(terminals.simulator.punch(user, state: 1, verify: 1))
            try await collector.wait { await isComplete(collector, serial, 51) }
            #expect(try await collector.punches() == terminals.truth)
            let punches = try await collector.store.punches(ofDevice: nil, after: 0, limit: 1000)
            #expect(punches.allSatisfy { $0.punch.user.hasPrefix("#") })
            #expect(punches.last?.punch.resolvedUser == user)
        }
    }

    @Test(arguments: [-3, 2])
    func `a log that its terminal's counter contradicts is kept without a watermark`(
        error: Int
    ) async throws {
        let terminals = try Terminals(records: 41) { $0.recordCountError = error }
        try await with(terminals) { collector, name in
            try await collector.wait { try await collector.punches() == terminals.truth }
            try await collector.wait { collector.board.status(of: name)?.cause.isEmpty == false }
            let status = try #require(collector.board.status(of: name))
            #expect(status.state == .online && status.completeThrough == nil)
            #expect(
                status.cause.contains("counted \(41 + error) records before")
                    && status.cause.contains("sent 41 in 1644 bytes"))
            let entries = try await collector.store.entries(after: 0, limit: 1000)
            #expect(!entries.contains { $0.watermark != nil })
        }
    }

    @Test func `a terminal that comes back is read on`() async throws {
        let first = try Terminals(records: 40)
        let port = first.simulator.address.port
        let collector = try Collector()
        var settings = DeviceSettings(name: "door", address: first.address)
        settings.pollInterval = .milliseconds(100)
        let serial = first.simulator.device.model.serial
        try await collector.run([try collector.session(settings)]) {
            try await collector.wait { await isComplete(collector, serial, 40) }
            await first.stop()
            try await collector.wait { collector.board.status(of: "door")?.state == .failing }
            let status = try #require(collector.board.status(of: "door"))
            #expect(status.cause.contains(settings.address) && status.nextAttempt != nil)
            #expect(status.completeThrough != nil)
            let second = try Terminals(records: 55, port: port)
            try await collector.wait { await isComplete(collector, serial, 55) }
            #expect(try await collector.punches().isSuperset(of: second.truth))
            await second.stop()
        }
        await collector.close()
    }

    @Test func `the comm key is used, and a wrong or missing one is named`() async throws {
        for (key, words) in [(nil, "comm key"), (7, "comm key")] as [(UInt32?, String)] {
            let terminals = try Terminals(records: 5) { $0.commKey = 4711 }
            try await with(terminals) {
                $0.commKey = key
            } _: { collector, name in
                try await collector.wait { collector.board.status(of: name)?.state == .failing }
                #expect(collector.board.status(of: name)?.cause.contains(words) == true)
                #expect(await collector.store.lastSequence == 0)
            }
        }
        let terminals = try Terminals(records: 5) { $0.commKey = 4711 }
        try await with(terminals) {
            $0.commKey = 4711
        } _: { collector, _ in
            let serial = terminals.simulator.device.model.serial
            try await collector.wait { await isComplete(collector, serial, 5) }
        }
    }

    @Test func `another terminal at the address is refused by its serial`() async throws {
        let terminals = try Terminals(records: 5)
        try await with(terminals) {
            $0.serial = "ANOTHER1"
        } _: { collector, name in
            try await collector.wait { collector.board.status(of: name)?.state == .failing }
            let cause = try #require(collector.board.status(of: name)?.cause)
            #expect(cause.contains("ANOTHER1") && cause.contains("CEXA000000001"))
            #expect(await collector.store.lastSequence == 0)
        }
    }

    @Test func `one terminal under two names is read once and reported`() async throws {
        let terminals = try Terminals(records: 5)
        let collector = try Collector()
        let sessions = try ["a", "b"].map { name in
            try collector.session(DeviceSettings(name: name, address: terminals.address))
        }
        try await collector.run(sessions) {
            try await collector.wait {
                collector.board.statuses.contains { $0.state == .failing }
                    && collector.board.statuses.contains { $0.state == .online }
            }
            let failing = try #require(collector.board.statuses.first { $0.state == .failing })
            #expect(failing.cause.contains("already read as"))
        }
        await collector.close()
        await terminals.stop()
    }

    @Test func `a terminal that counts none and has some is read, and proves nothing`()
        async throws
    {
        let terminals = try Terminals(records: 30) { $0.countsRecords = false }
        try await with(terminals) { collector, name in
            try await collector.wait { try await collector.punches() == terminals.truth }
            try await collector.wait { collector.board.status(of: name)?.proof == .unproven }
            let status = try #require(collector.board.status(of: name))
            #expect(status.state == .online && status.completeThrough == nil)
            #expect(status.cause.contains("counted 0 records before"))
        }
    }

    @Test func `a log that was cleared and filled again with as many is noticed`() async throws {
        let terminals = try Terminals(users: 20, records: 5)
        let simulator = terminals.simulator
        try await with(terminals) { collector, _ in
            let serial = simulator.device.model.serial
            try await collector.wait { await isComplete(collector, serial, 5) }
            let before = try await collector.punches()
            // Nobody is told of anything: only the counters can show it.
            simulator.add(Fault(.deaf))
            let clock = ContinuousClock()
            try await withZKClient(
                to: simulator.address, commKey: nil, on: collector.loop,
                options: ZKClient.Options(now: { clock.now })
            ) { client in
                try await client.clearAttendance()
                for user in simulator.userIDs.prefix(5) {
                    _ = simulator.punch(user, state: 0, verify: 1)
                }
            }
            #expect(simulator.device.rowCount == 5)
            let whole = before.union(terminals.truth)
            while try await collector.punches() != whole {
                try await collector.loop.sleep(for: .milliseconds(10))
            }
            #expect(whole.count == 10)
        }
    }

    @Test func `the clock's offset is measured against true time`() async throws {
        let terminals = try Terminals(records: 5)
        try await with(terminals) { collector, name in
            let serial = terminals.simulator.device.model.serial
            try await collector.wait { await isComplete(collector, serial, 5) }
            let record = try #require(await collector.store.record(of: serial))
            let measuredAt = try #require(record.clockMeasuredAt)
            // The terminal's clock stands at 1,772,438,400 s and shows half a second less than it
            // is on average. The fixture's clock is a second on at each look, and the terminal's
            // was read in the middle of two.
            let expected = (1_772_438_400 - measuredAt.seconds) * 1000 + 500 + 500
            let found = try #require(record.clockOffsetMilliseconds)
            // Who else looks at the clock meanwhile moves the middle by half a second.
            #expect((found - expected).magnitude <= 1000)
        }
    }
}
