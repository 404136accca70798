import MeshAPI
import TestSupport
import Testing
import Transport
import ZKProtocol

@testable import LocationService
@testable import zk_simulator

@Suite(.ownThread, .timeLimit(.minutes(10))) struct PushCommandTests {
    private let serial = "CEXA000000001"

    private func with(
        records: Int = 30, bench: PushBench? = nil,
        _ change: (inout PushSetup) -> Void = { _ in },
        _ body: (PushBench, PushTerminals) async throws -> Void
    ) async throws {
        let bench = try bench ?? PushBench()
        let terminal = try PushTerminals(to: bench.address, records: records, change)
        do {
            try await body(bench, terminal)
        } catch {
            await terminal.stop()
            await bench.close()
            throw error
        }
        await terminal.stop()
        await bench.close()
    }

    @Test func `commands are done at the terminal, and their answers come back by name`()
        async throws
    {
        try await with { bench, terminal in
            try await bench.wait { terminal.client.isIdle }
            let commands = try bench.receiver.commands
            func send(_ command: PushCommand) async throws -> PushAnswer {
                try await commands.enqueue(serial: serial, command, timeout: .seconds(60))
            }
            let added = try await send(
                .updateUser(pin: "9001", name: "Zoë Ångström", privilege: 0, card: 77, group: "1"))
            #expect(added.isDone && added.name == "done")
            let user = terminal.simulator.device.user("9001")
            #expect(user?.name == "Zoë Ångström" && user?.card == 77)
            #expect(try await send(.deleteUser(pin: "9001")).code == 0)
            #expect(terminal.simulator.device.user("9001") == nil)
            let missing = try await send(.deleteUser(pin: "9001"))
            #expect(!missing.isDone && missing.name == "no such user")
            #expect(try await send(.setOption(name: "Volume", value: "55")).isDone)
            #expect(terminal.simulator.device.settings["Volume"] == "55")
            let information = try await send(.info)
            #expect(information.details.contains("TransactionCount=30"))
            #expect(try await send(.unlock).isDone)
            #expect(try await send(.enrolFinger(pin: "1001", finger: 6)).isDone)
            #expect(try await send(.queryUsers).code == 20)
            let sum = try await send(
                .verifySum(from: "2000-01-01 00:00:00", to: "2099-12-31 23:59:59"))
            #expect(sum.details == ["AttlogSum=30"])
            let before = terminal.client.counters.handshakes
            #expect(try await send(.reboot).isDone)
            try await bench.wait { terminal.client.counters.handshakes > before }
            // Several at once come back to whoever sent each.
            try await withThrowingTaskGroup(of: (Int, PushAnswer).self) { group in
                for number in 0..<30 {
                    group.addTask {
                        (
                            number,
                            try await commands.enqueue(
                                serial: "CEXA000000001",
                                number % 2 == 0 ? .check : .deleteUser(pin: "none"),
                                timeout: .seconds(60))
                        )
                    }
                }
                for try await (number, answer) in group {
                    #expect(answer.code == (number % 2 == 0 ? 0 : -10))
                }
            }
            #expect(commands.count(of: serial) == 0)
        }
    }

    @Test func `a command for nobody, a full queue and a silent terminal are told apart`()
        async throws
    {
        let bench = try PushBench()
        let commands = try bench.receiver.commands
        await #expect(throws: PushCommandError.unknownTerminal("OTHER")) {
            _ = try await commands.enqueue(serial: "OTHER", .info)
        }
        _ = try await bench.request("/iclock/ping?SN=\(serial)")
        await #expect(throws: PushCommandError.timedOut(wasDelivered: false)) {
            _ = try await commands.enqueue(serial: serial, .info, timeout: .milliseconds(20))
        }
        let waiting = Task {
            try await commands.enqueue(serial: serial, .reboot, timeout: .seconds(600))
        }
        try await bench.wait { commands.count(of: serial) == 1 }
        let fetched = try await bench.request("/iclock/getrequest?SN=\(serial)")
        #expect(fetched.body.hasPrefix("C:") && fetched.body.hasSuffix(":REBOOT"))
        // Not twice: nobody knows whether it was done.
        #expect(try await bench.request("/iclock/getrequest?SN=\(serial)").body == "OK")
        waiting.cancel()
        await #expect(throws: PushCommandError.cancelled(wasDelivered: true)) {
            _ = try await waiting.value
        }
        // An answer to what nobody asked is nobody's.
        let made = try await bench.request(
            "/iclock/devicecmd?SN=\(serial)", Array("ID=1&Return=0&CMD=REBOOT\n".utf8))
        #expect(made.body == "OK")
        await bench.close()
    }

    @Test func `an answer to a poll has at most 200 lines and 40 kB`() async throws {
        let bench = try PushBench()
        let commands = try bench.receiver.commands
        _ = try await bench.request("/iclock/ping?SN=\(serial)")
        let tasks = (0..<250).map { number in
            Task {
                try await commands.enqueue(
                    serial: "CEXA000000001",
                    .setOption(name: "A\(number)", value: String(repeating: "v", count: 240)),
                    timeout: .seconds(600))
            }
        }
        try await bench.wait { commands.count(of: serial) == 250 }
        var ids: [Substring] = []
        while ids.count < 250 {
            let body = try await bench.request("/iclock/getrequest?SN=\(serial)").body
            let lines = body.split(separator: "\n")
            #expect(lines.count <= 200 && body.utf8.count <= 40_000 && body != "OK")
            if body == "OK" { break }
            ids += lines.map { $0.split(separator: ":")[1] }
        }
        #expect(Set(ids).count == 250)
        let results = ids.map { "ID=\($0)&Return=0&CMD=SET OPTION" }.joined(separator: "\n")
        _ = try await bench.request("/iclock/devicecmd?SN=\(serial)", Array(results.utf8))
        for task in tasks { #expect(try await task.value.code == 0) }
        await bench.close()
    }

    // MARK: Proof

    @Test func `a log that is cleared is read whole again before it counts as complete`()
        async throws
    {
        try await with(records: 300) { bench, terminal in
            try await bench.wait { try bench.status()?.proof == .proved }
            let answer = try await bench.receiver.commands.enqueue(
                serial: serial, .clearLog, timeout: .seconds(60))
            #expect(answer.isDone && terminal.simulator.device.log.isEmpty)
            let users = terminal.simulator.userIDs
            for user in users.prefix(5) {
                #expect(terminal.simulator.punch(user, state: 3, verify: 1) != nil)
            }
            try await bench.wait {
                try bench.status()?.proof == .proved && bench.status()?.recordsOnDevice == 5
            }
            #expect(try await bench.punches().count == 305)
            #expect(try await bench.watermarks().last?.records == 5)
        }
    }

    @Test func `punches that the terminal skipped are asked for, and only then is it complete`()
        async throws
    {
        let bench = try PushBench()
        // The terminal believes that everything was taken, as after a wrong stamp.
        _ = try await bench.request("/iclock/ping?SN=\(serial)")
        _ = try await bench.store.takePush(
            [], from: serial, table: "ATTLOG",
            whole: PushUpload(
                serial: serial, table: "ATTLOG", stamp: "9999", hash: [1], rows: 0))
        try await with(records: 120, bench: bench) { bench, terminal in
            try await bench.wait { try bench.status()?.completeThrough != nil }
            #expect(try await bench.punches().ordered == terminal.truth)
            #expect(terminal.client.counters.commands >= 1)
        }
    }

    @Test func `without INFO the terminal is asked for its sum`() async throws {
        try await with(records: 120, { $0.tellsInfo = false }) { bench, terminal in
            try await bench.wait { try bench.status()?.completeThrough != nil }
            #expect(try await bench.punches().ordered == terminal.truth)
            #expect(try await bench.watermarks().last?.records == 120)
        }
    }

    @Test func `a terminal that counts nothing stays unproven, whatever it sends`() async throws {
        let bench = try PushBench()
        for index in 0..<5 {
            #expect(
                try await bench.attlog("\(index)\t2026-11-23 08:00:00\t0\t1").body == "OK: 1")
            #expect(try await bench.request("/iclock/getrequest?SN=\(serial)").status == 200)
        }
        let status = try #require(try bench.status())
        #expect(status.state == .online && status.completeThrough == nil)
        #expect(status.proof == .unproven && status.cause.hasPrefix("unproven"))
        #expect(try await bench.watermarks().isEmpty)
        // A count that is too high twice, with nothing sent between, is an exception.
        for _ in 0..<3 {
            _ = try await bench.request(
                "/iclock/getrequest?SN=\(serial)&INFO=Ver%206.60,2,2,7,10.0.0.1,10,7")
        }
        #expect(try bench.status()?.cause.contains("7 punches, 2 more") == true)
        #expect(try await bench.watermarks().isEmpty)
        _ = try await bench.request(
            "/iclock/getrequest?SN=\(serial)&INFO=Ver%206.60,2,2,5,10.0.0.1,10,7")
        // Nor does one that has fallen say which rows are left.
        #expect(try bench.status()?.proof == .unproven)
        #expect(try await bench.watermarks().isEmpty)
        await bench.close()
    }
}
