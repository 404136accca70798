import Attendance
import Foundation
import MeshAPI
import RPCRuntime
import ServiceKit
import Testing
import Transport
import ZKProtocol

@testable import LocationService
@testable import zk_simulator

/// A simulated terminal on a port of its own.
final class Terminals: Sendable {
    let loop = EventLoop(name: "terminals")
    let simulator: Simulator
    private let serving: Task<Void, Never>

    init(
        users: Int = 20, records: Int, host: String = "127.0.0.1", port: UInt16 = 0,
        isDisabled: Bool = false,
        _ change: (inout DeviceModel) -> Void = { _ in }
    ) throws {
        var model = DeviceModel()
        change(&model)
        let population = Population(seed: 7, users: users)
        let log = try #require(population.log(records: records, lastDay: 20_453))
        let loop = self.loop
        let now = Now(trueTime: 1_772_438_400_000, placeTime: 1_772_438_400_000)
        var device = Device(model: model, users: population.users, log: log)
        if isDisabled { device.disable(forSeconds: nil, now) }
        let simulator = try Simulator(
            device, at: SocketAddress(host: host, port: port), on: loop,
            now: { now })
        self.simulator = simulator
        serving = Task(executorPreference: loop) { await simulator.run() }
    }

    var address: String { simulator.address.description }

    /// What the terminal's rows say: user, local time, state.
    var truth: Set<[String]> {
        let device = simulator.device
        return Set(
            device.log.map { record in
                let row = device.asRow(record)
                return [row.identifier, row.time.description, "\(row.state)"]
            })
    }

    func stop() async {
        serving.cancel()
        await serving.value
        loop.shutdown()
    }
}

/// A store with a board and sessions that write to it.
final class Collector: Sendable {
    let fixture: StoreFixture
    let store: LocationStore
    let board: DeviceBoard
    let loop = EventLoop(name: "devices")

    init() throws {
        fixture = try StoreFixture()
        store = try fixture.open()
        board = DeviceBoard(wakeUps: store.wakeUps)
    }

    func session(_ settings: DeviceSettings) throws -> DeviceSession {
        board.add(settings.name, DeviceStatus(device: Device(name: settings.name)))
        return DeviceSession(
            settings: settings, zone: try #require(ZoneRules("UTC")), store: store, board: board,
            loop: loop, surroundings: fixture.surroundings, log: .silent)
    }

    /// Returns when `condition` is true; looks again whenever something was stored or a device's
    /// state changed.
    func wait(for condition: () async throws -> Bool) async throws {
        var wakeUps = store.wakeUps.stream().makeAsyncIterator()
        while try await !condition() {
            if await wakeUps.next() == nil { throw CancellationError() }
        }
    }

    /// Runs the sessions while `body` runs.
    func run(_ sessions: [DeviceSession], _ body: () async throws -> Void) async throws {
        let running = sessions.map { session in Task { await session.run() } }
        do {
            try await body()
        } catch {
            await end(running)
            throw error
        }
        await end(running)
    }

    private func end(_ running: [Task<Void, Never>]) async {
        for task in running { task.cancel() }
        for task in running { await task.value }
    }

    /// The punches in the store: user, local time, state.
    func punches(of device: String? = nil) async throws -> Set<[String]> {
        var found: Set<[String]> = []
        var after: UInt64 = 0
        while true {
            let page = try await store.punches(ofDevice: device, after: after, limit: 1000)
            guard let last = page.last else { return found }
            for located in page {
                let punch = located.punch
                found.insert([punch.user, punch.localTime, "\(punch.state)"])
            }
            after = last.sequence
        }
    }

    func close() async {
        await store.close()
        loop.shutdown()
    }
}
