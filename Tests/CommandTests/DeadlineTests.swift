import MeshAPI
import RPCRuntime
import ServiceKit
import TestSupport
import Testing
import ZKProtocol

@testable import GatewayService
@testable import LocationService
@testable import zk_simulator

@Suite(.ownThread, .timeLimit(.minutes(10))) struct DeadlineTests {
    /// A terminal that is asked for nothing by itself once it was read.
    private func with(_ body: (World, SimulatedTerminal) async throws -> Void) async throws {
        let terminal = try SimulatedTerminal(serial: "A1")
        try await World.with([terminal]) { configuration in
            configuration.devices[0].pollInterval = .seconds(86_400)
        } _: { world in
            try await body(world, terminal)
        }
    }

    @Test func `a terminal that falls silent may have done it, and the next command is not sent`()
        async throws
    {
        try await with { world, terminal in
            terminal.simulator.add(Fault(.silence))
            let request = UnlockRequest(target: world.target("door"))
            async let second = world.asOperator { client in
                // Behind the first, in the queue.
                try await world.until { !(try await world.audit()).isEmpty }
                return await #expect(throws: RPCError.self) {
                    try await client.restart(
                        RestartRequest(target: world.target("door")),
                        CallOptions(timeout: .milliseconds(700)))
                }
            }
            let first = await #expect(throws: RPCError.self) {
                try await world.asOperator {
                    try await $0.unlock(request, CallOptions(timeout: .milliseconds(1500)))
                }
            }
            #expect(first?.code == .deadlineExceeded)
            #expect(first?.failure.certainty == .maybeDone, "\(String(describing: first))")
            let behind = try await second
            #expect(behind?.failure.certainty == .notSent)
            // The record says so too, at once and when the terminal's time is over.
            let open = try await world.audit()
            #expect(open.map(\.certainty) == [.maybeDone])
            try await world.until { (try await world.audit()).first?.completedAt != nil }
            let records = try await world.audit()
            #expect(records.map(\.command) == ["unlock"])
            #expect(records.map(\.certainty) == [.maybeDone])
            terminal.simulator.clearFaults()
            try await world.until {
                let run = await world.ctl(["device", "info", "door"])
                return run.exitCode == .ok
            }
        }
    }

    @Test func `a command that the terminal refuses says so`() async throws {
        let full = try SimulatedTerminal(serial: "A1", users: 4) { $0.userCapacity = 4 }
        try await World.with([full]) { world in
            let user = UserSpec(userID: "777")
            let error = await #expect(throws: RPCError.self) {
                try await world.asOperator {
                    try await $0.addUser(
                        WriteUserRequest(target: world.target("door"), user: user))
                }
            }
            #expect(error?.failure.certainty == .refused, "\(String(describing: error))")
            #expect(error?.message.contains("the terminal refuses") == true)
            let records = try await world.audit()
            #expect(records.map(\.certainty) == [.refused])
            #expect(records.first?.id == error?.failure.audit)
            // The session lives on.
            let run = await world.ctl(["device", "unlock", "door", "--yes"])
            #expect(run.exitCode == .ok)
        }
    }

    @Test func `more commands than may wait are refused with the limit`() async throws {
        try await with { world, terminal in
            terminal.simulator.add(Fault(.silence))
            let link = try await world.dial()
            defer { link.close() }
            let client = Devices.Client(link)
            let request = UnlockRequest(target: world.target("door"))
            let errors = await withTaskGroup(of: RPCError?.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        do throws(RPCError) {
                            _ = try await client.unlock(request, CallOptions(timeout: .seconds(3)))
                            return nil
                        } catch { return error }
                    }
                }
                var errors: [RPCError] = []
                for await error in group { if let error { errors.append(error) } }
                return errors
            }
            #expect(errors.count == 20)
            let crowded = errors.filter { $0.code == .resourceExhausted }
            #expect(crowded.count >= 3 && crowded.allSatisfy { $0.message.contains("16 commands") })
            #expect(errors.count { $0.failure.certainty == .maybeDone } == 1)
            #expect(errors.count { $0.failure.certainty == .notSent } == 19)
            terminal.simulator.clearFaults()
        }
    }
}

extension World {
    func audit() async throws -> [AuditRecord] {
        try await asOperator { try await $0.listAudit(ListAuditRequest(location: "cairo")).data }
    }
}
