import Foundation
import MeshAPI
import RPCRuntime
import SQLite
import ServiceKit
import TestSupport
import Testing
import Transport
import ZKProtocol

@testable import GatewayService
@testable import LocationService
@testable import zk_simulator

@Suite(.ownThread, .timeLimit(.minutes(10))) struct LogTests {
    @Test func `a pull reads what has come since and says how far it is complete`() async throws {
        let terminal = try SimulatedTerminal(serial: "A1", records: 3000)
        try await World.with([terminal]) { configuration in
            configuration.devices[0].pollInterval = .seconds(86_400)
        } _: { world in
            let user = try #require(terminal.simulator.userIDs.first)
            let record = try #require(terminal.simulator.punch(user, state: 4, verify: 1))
            let run = await world.ctl(["device", "pull", "door"])
            #expect(run.exitCode == .ok, "\(run.errors)")
            #expect(run.errors.contains("3001 records"))
            #expect(run.errors.contains("65472 of 120044 bytes have come"), "\(run.errors)")
            let location = try await world.asOperator { client in
                try await client.pull(PullRequest(target: world.target("door"))) {
                    (answers: MessageStream<PullProgress>) async throws(RPCError) in
                    var last = PullProgress()
                    for try await answer in answers { last = answer }
                    return last
                }
            }
            #expect(location.finished && location.records == 3001 && location.fresh == 0)
            #expect(location.completeThrough != nil)
            try await world.until {
                let list = await world.ctl(["punch", "list", "--all", "-o", "csv"])
                return list.output.contains(record.time.description)
            }
        }
    }

    @Test func `a log is cleared once location and gateway hold all of it`() async throws {
        let terminal = try SimulatedTerminal(serial: "A1", records: 500)
        try await World.with([terminal]) { world in
            let truth = terminal.device.log.count
            for words in [[], ["--confirm", "WRONG"]] {
                let run = await world.ctl(["device", "clear-log", "door"] + words)
                #expect(run.exitCode != .ok)
            }
            let wrong = await #expect(throws: RPCError.self) {
                try await world.asOperator {
                    try await $0.clearLog(
                        ClearLogRequest(target: world.target("door"), confirmSerial: "B1"))
                }
            }
            #expect(wrong?.failure.certainty == .notSent)
            #expect(terminal.device.log.count == truth && terminal.device.isEnabled)
            let run = await world.ctl(["device", "clear-log", "door", "--confirm", "A1"])
            #expect(run.exitCode == .ok, "\(run.errors)")
            #expect(run.errors.contains("\(truth) records cleared"))
            #expect(terminal.device.log.isEmpty && terminal.device.isEnabled)
            let list = await world.ctl(["punch", "list", "--all", "-o", "csv", "--no-headers"])
            #expect(list.output.split(separator: "\n").count == truth)
            // The session goes on, and reads what comes.
            let user = try #require(terminal.simulator.userIDs.first)
            _ = try #require(terminal.simulator.punch(user, state: 1, verify: 1))
            try await world.until {
                (try await world.view("door"))?.punches == UInt64(truth + 1)
            }
            // Who has ordered it need not be told that the log has shrunk.
            try await world.until { (try await world.view("door"))?.recordsOnDevice == 1 }
            #expect(try await world.view("door")?.lastException == nil)
        }
    }

    @Test func `a log that is not proved whole is not cleared`() async throws {
        let terminal = try SimulatedTerminal(serial: "A1", records: 50) { $0.recordCountError = 3 }
        let world = try await World([terminal])
        try await world.until { (try await world.view("door"))?.state == .online }
        let run = await world.ctl(["device", "clear-log", "door", "--confirm", "A1"])
        #expect(run.exitCode != .ok)
        #expect(run.errors.contains("not sent") || run.errors.contains("records before"))
        #expect(terminal.device.log.count == 50 && terminal.device.isEnabled)
        await world.stop()
    }

    @Test func `a command whose end nobody saw is shown as maybe done`() async throws {
        try await World.with([try SimulatedTerminal(serial: "A1")]) { world in
            try await world.stopLocation()
            // As a process leaves it that is killed between the record and the answer.
            let database = try Database(path: world.store)
            try database.run(
                """
                INSERT INTO audit (at, principal, gateway, device, serial, command, arguments)
                VALUES (1, 'spiffe://biometricflow/ctl/alice', 'g', 'door', 'A1', 'restart', '')
                """)
            try world.startLocation()
            try await world.until {
                let run = await world.ctl(["audit", "list", "--location", "cairo"])
                return run.exitCode == .ok
            }
            let run = await world.ctl(["audit", "list", "-o", "csv", "--no-headers"])
            #expect(run.output.contains(",restart,") && run.output.contains(",maybeDone,"))
            let table = await world.ctl(["audit", "list", "--device", "A1"])
            #expect(table.output.contains("maybe done"))
        }
    }

    @Test func `records of the audit come page after page`() async throws {
        try await World.with([try SimulatedTerminal(serial: "A1")]) { world in
            for _ in 0..<5 { _ = await world.ctl(["device", "unlock", "door", "--yes"]) }
            let pages = try await world.asOperator { client in
                let first = try await client.listAudit(
                    ListAuditRequest(location: "cairo", limit: 3))
                let second = try await client.listAudit(
                    ListAuditRequest(location: "cairo", before: first.next, limit: 3))
                return [first, second]
            }
            #expect(pages.map(\.data.count) == [3, 2] && pages[1].next == 0)
            let ids = pages.flatMap(\.data).map(\.id)
            #expect(ids == ids.sorted(by: >) && Set(ids).count == 5)
        }
    }
}
