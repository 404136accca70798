import Foundation
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

@Suite(.ownThread, .timeLimit(.minutes(10))) struct RosterTests {
    @Test func `a terminal is added, read at once, kept over a restart and removed`() async throws {
        let door = try SimulatedTerminal(serial: "A1")
        let gate = try SimulatedTerminal(serial: "B1") { $0.commKey = 424_242_417 }
        try await World.with([door]) { world in
            let add = ["device", "add", "side gate", gate.address, "--yes"]
            let keyless = await world.ctl(add)
            #expect(keyless.exitCode == .conflict && keyless.errors.contains("not sent"))
            let unknown = await world.ctl(
                add + ["--comm-key-stdin", "--encoding", "latin"], input: "424242417")
            #expect(unknown.exitCode == .conflict && unknown.errors.contains("`gbk`"))
            let added = await world.ctl(
                add + [
                    "--comm-key-stdin", "--poll-seconds", "1", "--encoding", "gbk", "--clock-mode",
                    "+02:00", "--transport", "tcp", "--stays",
                ], input: "424242417\n")
            #expect(added.exitCode == .ok, "\(added.errors)")
            #expect(added.errors.contains("serial number B1"))
            try await world.untilRead(["side gate"])
            let again = await world.ctl(add + ["--comm-key-stdin"], input: "424242417")
            #expect(again.exitCode == .conflict && again.errors.contains("already"))

            let described = await world.ctl(["device", "describe", "side gate"])
            #expect(described.output.contains("+02:00"))
            #expect(described.output.contains("itself"))

            // The key is in a file of its own, and in no other.
            let keys = world.store + "-keys"
            let files = try FileManager.default.contentsOfDirectory(atPath: keys)
            let file = try #require(files.first)
            let attributes = try FileManager.default.attributesOfItem(atPath: keys + "/" + file)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
            for name in ["", "-wal", "-marker"] {
                let data = FileManager.default.contents(atPath: world.store + name) ?? Data()
                #expect(data.range(of: Data("424242417".utf8)) == nil, "\(name)")
            }
            let audit = await world.ctl(["audit", "list", "-o", "json"])
            #expect(audit.output.contains("device-add") && !audit.output.contains("424242417"))

            try await world.stopLocation()
            try world.startLocation()
            try await world.until { (try await world.view("side gate"))?.state == .online }

            let configured = await world.ctl(["device", "remove", "door", "--yes"])
            #expect(configured.exitCode == .conflict)
            #expect(configured.errors.contains("configuration file"))
            let removed = await world.ctl(["device", "remove", "side gate", "--yes"])
            #expect(removed.exitCode == .ok, "\(removed.errors)")
            try await world.until { try await world.view("side gate") == nil }
            try await world.until { gate.simulator.sessionCount == 0 }
            #expect(try FileManager.default.contentsOfDirectory(atPath: keys).isEmpty)
        }
        await gate.stop()
    }

    @Test func `a terminal that does not answer is added only when that is wanted`() async throws {
        try await World.with([try SimulatedTerminal(serial: "A1")]) { world in
            let words = ["device", "add", "later", "127.0.0.1:9", "--yes"]
            let refused = await world.ctl(words)
            #expect(refused.exitCode == .unreachable && refused.errors.contains("not sent"))
            let missing = try await world.view("later")
            #expect(missing == nil)
            let added = await world.ctl(words + ["--unreachable"])
            #expect(added.exitCode == .ok && added.errors.contains("does not answer"))
            try await world.until { (try await world.view("later"))?.state == .failing }
        }
    }

    @Test func `a shell completes the names of terminals`() async throws {
        try await World.with([try SimulatedTerminal(serial: "A1")]) { world in
            let names = await world.ctl(["complete", "--", "device", "info", ""])
            #expect(names.output == "door\n")
            let users = await world.ctl(["complete", "--", "device", "users", "list", "do"])
            #expect(users.output == "door\n")
            let verbs = await world.ctl(["complete", "--", "device", "users", "a"])
            #expect(verbs.output == "add\napply\n")
        }
    }

    @Test func `approval takes a receiver for terminals that push`() async throws {
        try await World.with([try SimulatedTerminal(serial: "A1")]) { world in
            let run = await world.ctl(["device", "approve", "C1", "gate", "--yes"])
            #expect(run.exitCode == .conflict && run.errors.contains("no receiver"))
        }
    }

    @Test func `discovery finds terminals by serial and leaves a busy one alone`() async throws {
        let door = try SimulatedTerminal(serial: "A1")
        let port = try #require(door.address.split(separator: ":").last.flatMap { UInt16($0) })
        let other = try SimulatedTerminal(serial: "B1", host: "127.0.0.2", port: port)
        let locked = try SimulatedTerminal(serial: "C1", host: "127.0.0.3", port: port) {
            $0.commKey = 5
        }
        let old = try SimulatedTerminal(serial: "D1", host: "127.0.0.4", port: port) {
            $0.transports = [.udp]
        }
        try await World.with([door]) { world in
            let connections = door.simulator.connectionCount
            let run = await world.ctl([
                "device", "discover", "127.0.0.0/29", "--port", "\(port)", "-o", "csv",
                "--no-headers",
            ])
            #expect(run.exitCode == .ok, "\(run.errors)")
            let found = run.output.split(separator: "\n").map {
                $0.split(separator: ",", omittingEmptySubsequences: false)
            }.sorted { $0[0] < $1[0] }
            try #require(found.count == 4)
            #expect(found[0][1] == "A1" && found[0][5] == "door" && found[0][8] == "true")
            #expect(found[1][1] == "B1" && found[1][8] == "false")
            #expect(found[2][1] == "" && found[2][7] == "true")
            #expect(found[3][1] == "D1" && found[3].last == "udp")
            #expect(found.prefix(3).allSatisfy { $0.last == "tcp" })
            #expect(door.simulator.connectionCount == connections)
            #expect(other.simulator.connectionCount == 1)
            #expect(locked.simulator.connectionCount == 1)
            #expect(old.simulator.connectionCount == 1)
            let wide = await world.ctl(["device", "discover", "10.0.0.0/8"])
            #expect(wide.exitCode == .conflict && wide.errors.contains("/16"))
        }
        await other.stop()
        await locked.stop()
        await old.stop()
    }
}
