import MeshAPI
import RPCRuntime
import ServiceKit
import TestSupport
import Testing
import ZKProtocol

@testable import GatewayService
@testable import LocationService
@testable import zk_simulator

@Suite(.ownThread, .timeLimit(.minutes(10))) struct ControlTests {
    @Test func `a terminal is asked who it is and what it holds`() async throws {
        try await World.with([try SimulatedTerminal(serial: "A1", users: 12, records: 30)]) {
            world in
            let info = try await world.asOperator {
                try await $0.info(InfoRequest(target: world.target("door")))
            }
            #expect(info.serial == "A1" && info.name == "door" && info.platform == "ZMM220_TFT")
            #expect(info.users == 12 && info.records == 30)
            #expect(info.clockOffsetMilliseconds.map { abs($0) < 60_000 } == true)
            let run = await world.ctl(["device", "info", "A1", "-o", "json"])
            #expect(run.exitCode == .ok && run.output.contains(#""serial":"A1""#))
            let check = await world.ctl(["device", "check", "door"])
            #expect(check.output.contains("answers as A1"))
            // No comm key is a finding.
            #expect(check.exitCode == .incomplete && check.output.contains("no comm key"))
        }
    }

    @Test func `a clock is set by command, measured again and written down`() async throws {
        let slow = try SimulatedTerminal(
            serial: "A1", clock: DeviceClock(aheadMilliseconds: -3_600_000))
        try await World.with([slow]) { world in
            try await world.until {
                (try await world.view("door"))?.clockOffsetMilliseconds ?? 0 < -3_000_000
            }
            let result = try await world.asOperator {
                try await $0.setTime(SetTimeRequest(target: world.target("door")))
            }
            #expect(result.receipt.certainty == .done && result.receipt.audit > 0)
            #expect(try #require(result.offsetBeforeMilliseconds) < -3_000_000)
            #expect(abs(try #require(result.offsetAfterMilliseconds)) <= 5000)
            let shown = try #require(slow.device.time(SimulatedTerminal.now()).secondsSince1970)
            #expect(abs(shown - World.now().seconds) <= 5)
            try await world.until {
                abs((try await world.view("door"))?.clockOffsetMilliseconds ?? .max) <= 5000
            }
            let audit = try await world.asOperator {
                try await $0.listAudit(ListAuditRequest(location: "cairo"))
            }
            let record = try #require(audit.data.first)
            #expect(record.id == result.receipt.audit && record.command == "set-time")
            #expect(record.principal == "spiffe://biometricflow/ctl/alice")
            #expect(record.gateway == "spiffe://biometricflow/gateway/main")
            #expect(record.certainty == .done && record.serial == "A1" && record.device == "door")
        }
    }

    @Test func `a clock is set by policy only where the configuration says so`() async throws {
        let clocks = [
            try SimulatedTerminal(serial: "A1", clock: DeviceClock(aheadMilliseconds: 900_000)),
            try SimulatedTerminal(serial: "B1", clock: DeviceClock(aheadMilliseconds: 900_000)),
        ]
        try await World.with(clocks) { configuration in
            configuration.devices[1].clockPolicy.setting = .whenOff
        } _: { world in
            try await world.until {
                abs((try await world.view("gate"))?.clockOffsetMilliseconds ?? .max) <= 5000
            }
            let audit = try await world.asOperator {
                try await $0.listAudit(ListAuditRequest(location: "cairo"))
            }
            #expect(audit.data.map(\.principal) == ["policy"])
            #expect(audit.data.map(\.device) == ["gate"])
            // It is read like the other one, and left as it is.
            try await world.until {
                (try await world.view("door"))?.clockOffsetMilliseconds ?? 0 > 800_000
            }
        }
    }

    @Test func `restart and unlock reach the terminal, whose session comes back`() async throws {
        let terminal = try SimulatedTerminal(serial: "A1")
        try await World.with([terminal]) { world in
            let now = SimulatedTerminal.now().trueTime
            let unlocked = await world.ctl(["device", "unlock", "door", "--yes"])
            #expect(unlocked.exitCode == .ok && unlocked.errors.contains("open for 3 s"))
            #expect(try #require(terminal.device.memory.unlockedUntil) > now)
            let restarted = await world.ctl(["device", "restart", "door", "--yes"])
            #expect(restarted.exitCode == .ok)
            #expect(terminal.device.memory.restarts == 1)
            try await world.untilRead(["door"])
            try await world.until {
                let run = await world.ctl(["device", "info", "door"])
                return run.exitCode == .ok
            }
            let audit = await world.ctl(["audit", "list", "-o", "csv", "--no-headers"])
            let commands = audit.output.split(separator: "\n").map { $0.split(separator: ",") }
            #expect(commands.map { $0[5] } == ["restart", "unlock"])
        }
    }

    @Test func `what changes a terminal is asked for, and a dry run does nothing`() async throws {
        let terminal = try SimulatedTerminal(serial: "A1")
        try await World.with([terminal]) { world in
            let silent = await world.ctl(["device", "restart", "door"])
            #expect(silent.exitCode == .usage && silent.errors.contains("--yes"))
            let no = await world.ctl(["device", "restart", "door"], answer: "n")
            #expect(no.exitCode == .interrupted && no.errors.contains("nothing was done"))
            let dry = await world.ctl(["device", "restart", "door", "--dry-run"])
            #expect(dry.exitCode == .ok && dry.errors.contains("would restart cairo/door"))
            let audit = await world.ctl(["audit", "list", "-o", "csv", "--no-headers"])
            #expect(audit.output == "")
        }
    }

    @Test func `a command to a terminal that is away is refused, not sent, with the cause`()
        async throws
    {
        let terminal = try SimulatedTerminal(serial: "A1")
        try await World.with([terminal]) { world in
            await terminal.stop()
            try await world.until { (try await world.view("door"))?.state == .failing }
            let error = await #expect(throws: RPCError.self) {
                try await world.asOperator {
                    try await $0.restart(RestartRequest(target: world.target("door")))
                }
            }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("not sent: `door` is not online") == true)
            #expect(error?.failure.certainty == .notSent)
            #expect(error?.failure.nextAttempt != nil)
            let audit = try await world.asOperator {
                try await $0.listAudit(ListAuditRequest(location: "cairo"))
            }
            #expect(audit.data.isEmpty)
            let unknown = await world.ctl(["device", "restart", "dor", "--yes"])
            #expect(unknown.exitCode == .notFound && unknown.errors.contains("did you mean `door`"))
        }
    }

    @Test func `a location that is not linked is told as such`() async throws {
        try await World.with([try SimulatedTerminal(serial: "A1")]) { world in
            try await world.stopLocation()
            let run = await world.ctl(["device", "restart", "door", "--yes"])
            #expect(run.exitCode == .unreachable)
            #expect(run.errors.contains("not sent: the location cairo is not linked"))
        }
    }

    @Test func `a location's certificate gives no commands`() async throws {
        try await World.with([try SimulatedTerminal(serial: "A1")]) { world in
            // The gateway retires a link when its location has a newer one, as here the real one when
            // it dials again: then the call is not sent, and another link has to ask.
            var error: RPCError?
            for _ in 0..<20 {
                let link = try await world.dial("location/cairo")
                error = await #expect(throws: RPCError.self) {
                    try await Devices.Client(link).restart(
                        RestartRequest(target: world.target("door")))
                }
                link.close()
                if error?.code != .unavailable { break }
            }
            #expect(error?.code == .permissionDenied)
        }
    }
}
