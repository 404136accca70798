import MeshAPI
import RPCRuntime
import ServiceKit
import TestSupport
import Testing
import Transport
import ZKProtocol

@testable import LocationService
@testable import zk_simulator

/// Terminals in one network of the loopback, where every address is this machine.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct DeviceFinderTests {
    private func terminal(
        _ serial: String, _ host: String, port: UInt16 = 0, records: Int,
        over transports: Set<ZKTransport> = [.tcp]
    ) throws -> Terminals {
        try Terminals(records: records, host: host, port: port) {
            $0.serial = serial
            $0.transports = transports
        }
    }

    private func settings(
        _ name: String, _ address: String, serial: String? = nil
    ) -> DeviceSettings {
        var settings = DeviceSettings(name: name, address: address, serial: serial)
        settings.pollInterval = .milliseconds(200)
        settings.patience.again = .milliseconds(10) ... .milliseconds(40)
        settings.patience.probe = .milliseconds(50)
        return settings
    }

    /// Searches at once, and a second time never.
    private func finder(_ collector: Collector) -> DeviceFinder {
        DeviceFinder(
            board: collector.board, loop: collector.loop,
            surroundings: collector.fixture.surroundings, log: .silent,
            patience: DeviceFinder.Patience(
                absences: 2, interval: .seconds(86_400) ... .seconds(86_400), pause: .zero))
    }

    private func sessions(
        _ collector: Collector, _ all: [DeviceSettings]
    ) throws -> [DeviceSession] {
        let finder = finder(collector)
        return try all.map { settings in
            var session = try collector.session(settings)
            session.finder = finder
            return session
        }
    }

    private func holds(_ collector: Collector, _ serial: String, _ records: Int) async -> Bool {
        let record = await collector.store.record(of: serial)
        return record?.completeThrough != nil && record?.records == UInt32(records)
    }

    /// Returns when `condition` holds.
    private func until(
        _ collector: Collector, _ condition: () async throws -> Bool
    ) async throws {
        while try await !condition() { try await collector.loop.sleep(for: .milliseconds(10)) }
    }

    @Test(arguments: [ZKTransport.tcp, .udp])
    func `a terminal that has moved is found by its serial and stays found`(
        transport: ZKTransport
    ) async throws {
        let old = try terminal("A1", "127.5.5.7", records: 40, over: [transport])
        let port = old.simulator.address.port
        let bystander = try terminal("B1", "127.5.5.8", port: port, records: 5)
        let collector = try Collector()
        let door = settings("door", old.address)
        let new = try terminal("A1", "127.5.5.9", port: port, records: 55, over: [transport])
        try await collector.run(try sessions(collector, [door])) {
            try await until(collector) { await holds(collector, "A1", 40) }
            await old.stop()
            try await until(collector) { await holds(collector, "A1", 55) }
            try await until(collector) { collector.board.status(of: "door")?.state == .online }
            let status = try #require(collector.board.status(of: "door"))
            #expect(status.device.address == new.address)
            #expect(status.device.transport == transport.rawValue)
            #expect(status.lastException?.kind == .moved)
            #expect(
                status.lastException?.text
                    == "the terminal has moved from \(old.address) to \(new.address)")
        }
        #expect(try await collector.punches() == new.truth)
        #expect(bystander.simulator.connectionCount <= 1)
        #expect(await collector.store.record(of: "B1") == nil)
        let entries = try await collector.store.entries(after: 0, limit: 1000)
        #expect(entries.compactMap(\.device?.address) == [old.address, new.address])

        // The next start dials where it was found, and needs no search for that.
        var session = try collector.session(door)
        session.finder = nil
        let place = await session.whereabouts()
        #expect(place.next == new.address && place.serial == "A1")
        try await collector.run([session]) {
            try await until(collector) { collector.board.status(of: "door")?.state == .online }
        }
        // Another address in the configuration counts, and so does another serial.
        let changed = try collector.session(settings("door", "127.5.5.10:\(port)"))
        let there = await changed.whereabouts()
        #expect(there.next == "127.5.5.10:\(port)" && there.serial == nil)
        let exchanged = try collector.session(settings("door", old.address, serial: "C1"))
        let other = await exchanged.whereabouts()
        #expect(other.next == old.address && other.serial == "C1")
        await collector.close()
        await bystander.stop()
        await new.stop()
    }

    @Test func `another terminal at the address is an alarm and is not read`() async throws {
        let first = try terminal("A1", "127.5.6.7", records: 40)
        let port = first.simulator.address.port
        let collector = try Collector()
        let door = settings("door", first.address)
        try await collector.run(try sessions(collector, [door])) {
            try await until(collector) { await holds(collector, "A1", 40) }
            await first.stop()
            // No serial is configured: the one that was read first is the door's.
            let second = try terminal("B1", "127.5.6.7", port: port, records: 60)
            try await until(collector) {
                let exception = collector.board.status(of: "door")?.lastException
                return exception?.kind == .wrongDevice && (exception?.times ?? 0) >= 3
            }
            let status = try #require(collector.board.status(of: "door"))
            #expect(status.state == .failing && status.cause.contains("B1"))
            #expect(status.device.serial == "A1")
            #expect(await collector.store.record(of: "B1") == nil)
            #expect(try await collector.punches(of: "B1").isEmpty)
            await second.stop()
        }
        await collector.close()
    }

    @Test func `two terminals that have exchanged their addresses are told apart`() async throws {
        var doors = try terminal("A1", "127.5.7.7", records: 40)
        let port = doors.simulator.address.port
        var gates = try terminal("B1", "127.5.7.8", port: port, records: 60)
        let (here, there) = (doors.address, gates.address)
        let collector = try Collector()
        let both = [settings("door", here), settings("gate", there)]
        try await collector.run(try sessions(collector, both)) {
            try await until(collector) {
                let first = await holds(collector, "A1", 40)
                let second = await holds(collector, "B1", 60)
                return first && second
            }
            await doors.stop()
            await gates.stop()
            doors = try terminal("A1", "127.5.7.8", port: port, records: 45)
            gates = try terminal("B1", "127.5.7.7", port: port, records: 70)
            try await until(collector) {
                let first = await holds(collector, "A1", 45)
                let second = await holds(collector, "B1", 70)
                return first && second
            }
            let (door, gate) = (
                await collector.store.record(of: "A1"), await collector.store.record(of: "B1")
            )
            #expect(door?.device.name == "door" && door?.device.address == there)
            #expect(gate?.device.name == "gate" && gate?.device.address == here)
            #expect(door?.device.active == true && gate?.device.active == true)
            #expect(try await collector.punches(of: "A1") == doors.truth)
            #expect(try await collector.punches(of: "B1") == gates.truth)
        }
        await collector.close()
        await doors.stop()
        await gates.stop()
    }

    @Test(arguments: [true, false])
    func `a search is rare, can be forbidden, and leaves the state failing where it finds nothing`(
        finds: Bool
    ) async throws {
        let wrong = try terminal("B1", "127.5.8.7", records: 5)
        let port = wrong.simulator.address.port
        let bystander = try terminal("C1", "127.5.8.8", port: port, records: 5)
        let collector = try Collector()
        var door = settings("door", wrong.address, serial: "A1")
        door.findsAgain = finds
        try await collector.run(try sessions(collector, [door])) {
            // While an attempt is under way there is no next one.
            try await until(collector) {
                guard let status = collector.board.status(of: "door") else { return false }
                return (status.lastException?.times ?? 0) >= 5 && status.state == .failing
                    && status.nextAttempt != nil && status.cause.contains("B1")
            }
            #expect(bystander.simulator.connectionCount == (finds ? 1 : 0))
            #expect(await collector.store.record(of: "C1") == nil)
        }
        await collector.close()
        await wrong.stop()
        await bystander.stop()
    }

    @Test func `an address of another terminal is no address of a new one`() async throws {
        let moved = try terminal("B1", "127.5.9.7", records: 5)
        let collector = try Collector()
        // The gate was read elsewhere, and its session is not up.
        try await collector.store.keep(
            DevicePlace(
                name: "gate", configured: "127.5.9.8:4370", serial: "B1",
                address: "127.5.9.8:4370"))
        try await collector.run(try sessions(collector, [settings("door", moved.address)])) {
            try await until(collector) { collector.board.status(of: "door")?.state == .failing }
            let cause = try #require(collector.board.status(of: "door")?.cause)
            #expect(cause.contains("`gate`, which has moved"))
            #expect(await collector.store.record(of: "B1") == nil)
        }
        // The gate is configured no more.
        try await collector.store.retainPlaces(["door": moved.address])
        try await collector.run(try sessions(collector, [settings("door", moved.address)])) {
            try await until(collector) { await holds(collector, "B1", 5) }
        }
        await collector.close()
        await moved.stop()
    }

    @Test func `places go with their configuration, and begin with what the log says`()
        async throws
    {
        let fixture = try StoreFixture()
        try await fixture.with { store in
            for (name, serial) in [("door", "A1"), ("gate", "B1")] {
                try await store.declareDevice(
                    Device(serial: serial, name: name, address: "10.0.0.1:4370", active: true))
            }
            try await store.retainPlaces(["door": "10.0.0.1:4370", "gate": "10.0.0.2:4370"])
            #expect(
                try await store.place(of: "door")
                    == DevicePlace(
                        name: "door", configured: "10.0.0.1:4370", serial: "A1",
                        address: "10.0.0.1:4370"))
            #expect(try await store.place(of: "gate") == nil)
            try await store.keep(
                DevicePlace(
                    name: "door", configured: "10.0.0.1:4370", serial: "A1",
                    address: "10.0.0.9:4370"))
            try await store.retainPlaces(["door": "10.0.0.1:4370"])
            #expect(try await store.place(of: "door")?.address == "10.0.0.9:4370")
            #expect(try await store.otherName(of: "A1", than: "gate") == "door")
            try await store.retainPlaces(["door": "10.0.0.3:4370"])
            #expect(try await store.place(of: "door") == nil)
        }
    }
}
