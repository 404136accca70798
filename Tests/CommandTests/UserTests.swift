import Foundation
import MeshAPI
import RPCRuntime
import ServiceKit
import TestSupport
import Testing
import ZKProtocol

@testable import GatewayService
@testable import zk_simulator

@Suite(.ownThread, .timeLimit(.minutes(10))) struct UserTests {
    /// A terminal with an administrator beside its people.
    private func terminal(_ serial: String = "A1") throws -> SimulatedTerminal {
        try SimulatedTerminal(
            serial: serial, users: 5, records: 10,
            also: [DeviceUser(uid: 900, userID: "900", name: "Boss", privilege: 14)])
    }

    @Test func `people are added, changed and removed`() async throws {
        let terminal = try terminal()
        try await World.with([terminal]) { world in
            let added = await world.ctl(
                [
                    "device", "users", "add", "door", "777", "--name", "Amal", "--card", "5551234",
                    "--password-stdin", "--yes",
                ], input: "4321\n")
            #expect(added.exitCode == .ok)
            let user = try #require(terminal.user("777"))
            #expect(user.name == "Amal" && user.card == 5_551_234 && user.password == "4321")
            let again = await world.ctl(["device", "users", "add", "door", "777", "--yes"])
            #expect(again.exitCode == .conflict)
            let changed = await world.ctl(
                ["device", "users", "change", "door", "777", "--name", "Amal B", "--yes"])
            #expect(changed.exitCode == .ok)
            #expect(terminal.user("777")?.name == "Amal B")
            #expect(terminal.user("777")?.card == 5_551_234)
            #expect(terminal.user("777")?.uid == user.uid)
            let list = await world.ctl(["device", "users", "list", "door", "-o", "csv"])
            #expect(list.output.contains("777,Amal B,user,false,5551234,1,true,"))
            #expect(!list.output.contains("4321"))
            let removed = await world.ctl(["device", "users", "remove", "door", "777", "--yes"])
            #expect(removed.exitCode == .ok && terminal.user("777") == nil)
            let missing = await world.ctl(["device", "users", "remove", "door", "777", "--yes"])
            #expect(missing.exitCode == .notFound)
            // Passwords are nowhere in what was written down.
            let audit = await world.ctl(["audit", "list", "-o", "json"])
            #expect(audit.output.contains("Amal") && !audit.output.contains("4321"))
        }
    }

    @Test func `administrators are untouched without a flag`() async throws {
        let terminal = try terminal()
        try await World.with([terminal]) { world in
            for words in [
                ["remove", "door", "900"], ["change", "door", "900", "--name", "Other"],
                ["add", "door", "901", "--role", "administrator"],
            ] {
                let run = await world.ctl(["device", "users"] + words + ["--yes"])
                #expect(run.exitCode == .conflict, "\(words)")
                #expect(run.errors.contains("not sent") || run.errors.contains("allowAdmins"))
            }
            #expect(terminal.user("900")?.name == "Boss" && terminal.user("901") == nil)
            let allowed = await world.ctl([
                "device", "users", "change", "door", "900", "--name", "Chief", "--allow-admins",
                "--yes",
            ])
            #expect(allowed.exitCode == .ok && terminal.user("900")?.name == "Chief")
        }
    }

    @Test func `a terminal is brought to the desired state, once`() async throws {
        let terminal = try terminal()
        try await World.with([terminal]) { world in
            // Among the people of a terminal are some with rights at its menu.
            let people = terminal.device.users
            let admins = people.filter { $0.privilege != 0 }.map(\.userID)
            let kept = try #require(people.first { $0.privilege == 0 })
            let others = people.count - admins.count - 1
            let file = world.folder.file("users.csv")
            try """
            id,name,card,password
            \(kept.userID),"Amal, the first",,
            500,Basma,77,1234
            501,Chaker,,

            """.write(toFile: file, atomically: true, encoding: .utf8)
            let words = ["door", "-f", file, "--remove-others"]
            let plan = await world.ctl(["device", "users", "plan"] + words + ["-o", "csv"])
            #expect(plan.exitCode == .ok)
            #expect(
                plan.errors.contains(
                    "to add 2, to change 1, to remove \(others), left alone \(admins.count)"),
                "\(plan.errors)")
            #expect(plan.output.contains("protected,900,Boss,"))
            #expect(!plan.output.contains("1234"))
            // A plan changes nothing, and neither does a dry run.
            let dry = await world.ctl(["device", "users", "apply"] + words + ["--dry-run"])
            #expect(dry.exitCode == .ok && terminal.device.users == people)

            let apply = await world.ctl(["device", "users", "apply"] + words + ["--yes"])
            #expect(apply.exitCode == .ok, "\(apply.errors)")
            #expect(apply.errors.contains("2 added, 1 changed, \(others) removed"))
            #expect(
                Set(terminal.device.users.map(\.userID))
                    == Set([kept.userID, "500", "501"] + admins))
            #expect(terminal.user(kept.userID)?.name == "Amal, the first")
            #expect(terminal.user(kept.userID)?.uid == kept.uid)
            #expect(terminal.user("500")?.password == "1234" && terminal.user("500")?.card == 77)
            let before = terminal.device.users
            let again = await world.ctl(["device", "users", "apply"] + words + ["--yes"])
            #expect(again.exitCode == .ok)
            #expect(again.errors.contains("0 added, 0 changed, 0 removed, 3 as they shall be"))
            #expect(terminal.device.users == before)
        }
    }

    @Test func `what a terminal refuses is listed, and the rest is done`() async throws {
        let terminal = try SimulatedTerminal(serial: "A1", users: 4, records: 5) {
            $0.userCapacity = 5
        }
        try await World.with([terminal]) { world in
            let file = world.folder.file("users.json5")
            try "{ users: [{ id: '500' }, { id: '501' }, { id: '502' }] }".write(
                toFile: file, atomically: true, encoding: .utf8)
            let run = await world.ctl([
                "device", "users", "apply", "door", "-f", file, "--yes", "-o", "csv",
            ])
            #expect(run.exitCode == .incomplete, "\(run.errors)")
            #expect(run.errors.contains("1 added") && run.errors.contains("2 failed"))
            #expect(terminal.user("500") != nil && terminal.user("501") == nil)
            #expect(run.output.split(separator: "\n").count == 4)
        }
    }
}
