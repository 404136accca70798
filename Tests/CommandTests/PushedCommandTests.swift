import MeshAPI
import RPCRuntime
import ServiceKit
import TestSupport
import Testing
import Transport
import ZKProtocol

@testable import GatewayService
@testable import LocationService
@testable import zk_simulator

@Suite(.ownThread, .timeLimit(.minutes(10))) struct PushedCommandTests {
    /// A terminal that pushes to a location, beside one that is read.
    private func with(_ body: (World, SimulatedTerminal) async throws -> Void) async throws {
        let door = try SimulatedTerminal(serial: "A1")
        let side = try SimulatedTerminal(serial: "P1", records: 30)
        let free = try Listener.bind(
            to: SocketAddress(host: "127.0.0.1", port: 0), on: door.loop)
        let address = free.localAddress
        free.close()
        var setup = PushSetup(server: address)
        setup.delay = .milliseconds(40)
        setup.errorDelay = .milliseconds(40)
        let client = PushClient(
            side.simulator, setup, on: side.loop, now: { SimulatedTerminal.now() })
        let pushing = Task(executorPreference: side.loop) { await client.run() }
        let outcome: Result<Void, any Error>
        do {
            try await World.with([door]) { configuration in
                configuration.push = PushConfiguration(listen: "\(address)")
            } _: { world in
                try await body(world, side)
            }
            outcome = .success(())
        } catch { outcome = .failure(error) }
        pushing.cancel()
        await pushing.value
        await side.stop()
        try outcome.get()
    }

    @Test func `an approved terminal delivers, and takes commands from its queue`() async throws {
        try await with { world, side in
            let taken = await world.ctl(["device", "approve", "P1", "door", "--yes"])
            #expect(taken.exitCode == .conflict, "\(taken.errors)")
            let approved = await world.ctl(["device", "approve", "P1", "side", "--yes"])
            #expect(approved.exitCode == .ok, "\(approved.errors)")
            try await world.until { (try await world.view("side"))?.punches == 30 }
            let added = await world.ctl([
                "device", "users", "add", "side", "777", "--name", "Amal", "--yes",
            ])
            #expect(added.exitCode == .ok, "\(added.errors)")
            #expect(side.user("777")?.name == "Amal")
            // Nothing tells who may use its menu.
            let careful = await world.ctl(["device", "users", "remove", "P1", "777", "--yes"])
            #expect(careful.exitCode == .conflict && careful.errors.contains("allowAdmins"))
            #expect(careful.errors.contains("hint: --allow-admins"))
            let removed = await world.ctl([
                "device", "users", "remove", "side", "777", "--allow-admins", "--yes",
            ])
            #expect(removed.exitCode == .ok && side.user("777") == nil)
            let unlocked = await world.ctl(["device", "unlock", "side", "--yes"])
            #expect(unlocked.exitCode == .ok, "\(unlocked.errors)")
            // It has no session in which this could be done.
            let clock = await world.ctl(["device", "info", "side"])
            #expect(clock.exitCode == .conflict && clock.errors.contains("pushes by itself"))
            let records = try await world.audit()
            #expect(
                records.map(\.command) == [
                    "unlock", "user-remove", "user-add", "device-approve", "device-approve",
                ])
            #expect(records.map(\.certainty) == [.done, .done, .done, .done, .notSent])
        }
    }

    @Test func `an approval is taken back, and the punches stay`() async throws {
        try await with { world, side in
            let approved = await world.ctl(["device", "approve", "P1", "side", "--yes"])
            #expect(approved.exitCode == .ok, "\(approved.errors)")
            try await world.until { (try await world.view("side"))?.punches == 30 }
            let removed = await world.ctl(["device", "remove", "side", "--yes"])
            #expect(removed.exitCode == .ok, "\(removed.errors)")
            // It comes again, and waits as one that nobody knows.
            try await world.until {
                let list = await world.ctl(["device", "list"])
                return list.output.contains("waiting: P1  waiting")
            }
            let list = await world.ctl(["punch", "list", "--all", "-o", "csv"])
            #expect(list.output.split(separator: "\n").count { $0.contains("P1") } == 30)
            let records = try await world.audit()
            #expect(records.map(\.command) == ["device-remove", "device-approve"])
        }
    }
}
