import Foundation
import MeshAPI
import RPCRuntime
import ServiceKit
import SQLite
import Synchronization
import TestSupport
import Testing
import Transport
import ZKProtocol

@testable import GatewayService
@testable import LocationService
@testable import zk_simulator

@Suite(.ownThread, .timeLimit(.minutes(10))) struct FingerTests {
    /// A terminal whose first people have two fingers each.
    private func terminal(
        _ serial: String, people: Int, algorithm: String = "10"
    ) throws -> SimulatedTerminal {
        try SimulatedTerminal(
            serial: serial, users: 6, records: 5,
            prepare: { device in
                _ = device.write(DeviceOption(name: "~ZKFPVersion", value: algorithm))
                for user in device.users.prefix(people) {
                    for finger in UInt8(1)...2 {
                        let place = FingerPlace(uid: user.uid, finger: finger)
                        _ = device.store(
                            zk_simulator.Device.inventTemplate(at: place, flag: 1))
                    }
                }
            })
    }

    @Test func `after a copy the other terminal has the fingers, and nothing else has`()
        async throws
    {
        let door = try terminal("A1", people: 3)
        let gate = try terminal("B1", people: 0)
        try await World.with([door, gate]) { configuration in
            configuration.templates = .copy
        } _: { world in
            let run = await world.ctl(["device", "copy-templates", "door", "gate", "--yes"])
            #expect(run.exitCode == .ok, "\(run.errors)")
            #expect(run.errors.contains("6 fingers of 3 people copied"))
            let templates = door.device.templates
            #expect(templates.count == 6)
            #expect(gate.device.templates.map(\.bytes) == templates.map(\.bytes))

            // The bytes are in no file that location or gateway have, and in nothing they said.
            let audit = await world.ctl(["audit", "list", "-o", "json"])
            #expect(audit.output.contains("templates-read"))
            #expect(audit.output.contains("templates-write"))
            let dump = try Self.dump(world)
            let files = try FileManager.default.subpathsOfDirectory(atPath: world.folder.path)
                .compactMap { FileManager.default.contents(atPath: world.folder.file($0)) }
            #expect(files.contains { $0.count > 4096 })
            let said = Data((run.output + run.errors + audit.output + world.logged).utf8)
            for template in templates {
                // Whole, or any good part of it, raw and as text.
                for start in stride(from: 0, to: template.bytes.count - 32, by: 32) {
                    let part = Data(template.bytes[start..<start + 32])
                    let texts = [
                        part, Data(part.base64EncodedString().utf8.prefix(40)),
                        Data(part.map { String(format: "%02x", $0) }.joined().utf8),
                    ]
                    for text in texts {
                        for data in files + [said, dump] { #expect(data.range(of: text) == nil) }
                    }
                }
            }
            #expect(world.logged.contains("templates-write"))
        }
    }

    /// The location's store as a backup would have it.
    private static func dump(_ world: World) throws -> Data {
        let copy = world.folder.file("copy.db")
        let database = try Database(path: world.store)
        try database.run("VACUUM INTO ?", .text(copy))
        return try Data(contentsOf: URL(filePath: copy))
    }

    @Test func `fingers stay where they are unless the configuration says copy`() async throws {
        let terminals = [try terminal("A1", people: 1), try terminal("B1", people: 0)]
        try await World.with(terminals) { world in
            let run = await world.ctl(["device", "copy-templates", "door", "gate", "--yes"])
            #expect(run.exitCode == .conflict && run.errors.contains("`copy` allows it"))
            #expect(terminals[1].device.templates.isEmpty)
        }
    }

    @Test func `terminals with different algorithms do not share fingers`() async throws {
        let terminals = [
            try terminal("A1", people: 1),
            try terminal("B1", people: 0, algorithm: "9"),
        ]
        try await World.with(terminals) { configuration in
            configuration.templates = .copy
        } _: { world in
            let run = await world.ctl(["device", "copy-templates", "door", "gate", "--yes"])
            #expect(run.exitCode == .conflict && run.errors.contains("algorithms differ"))
            #expect(terminals[1].device.templates.isEmpty)
        }
    }

    @Test func `a finger is enrolled, with words for who stands there`() async throws {
        let terminal = try terminal("A1", people: 0)
        try await World.with([terminal]) { world in
            let user = try #require(terminal.device.users.first)
            let run = await world.ctl([
                "device", "enrol", "door", user.userID, "--finger", "3", "--yes",
            ])
            #expect(run.exitCode == .ok, "\(run.errors)")
            #expect(run.errors.contains("put the finger on the sensor (1 of 3)"))
            for touch in 0...3 {
                let told = run.errors.ranges(of: "seen (\(touch) of 3)").count
                #expect(told == (touch == 0 ? 0 : 1), "\(run.errors)")
            }
            #expect(terminal.device.templates.map(\.finger) == [3])
            let unknown = await world.ctl(["device", "enrol", "door", "nobody", "--yes"])
            #expect(unknown.exitCode == .notFound)
            // Punches are heard again.
            let record = try #require(
                terminal.simulator.punch(user.userID, state: 1, verify: 1))
            try await world.until {
                let list = await world.ctl(["punch", "list", "--all", "-o", "csv"])
                return list.output.contains(record.time.description)
            }
        }
    }
}
