import MeshAPI
import RPCRuntime
import TestSupport
import Testing
import Transport
import ZKProtocol

@testable import LocationService
@testable import zk_simulator

/// A connection that is open and says nothing: the terminal has lost its power, or its cable.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct LiveChannelTests {
    @Test(arguments: ZKTransport.allCases)
    func `a live channel that dies without a word is noticed, begun again, and nothing is missing`(
        transport: ZKTransport
    ) async throws {
        let terminals = try Terminals(records: 50) { $0.transports = [transport] }
        let simulator = terminals.simulator
        let collector = try Collector()
        var settings = DeviceSettings(name: "door", address: terminals.address)
        // No poll comes to the rescue: only the question after a silence can notice it.
        settings.pollInterval = .seconds(86_400)
        settings.patience = .short
        try await collector.run([try collector.session(settings)]) {
            func status() -> DeviceStatus? { collector.board.status(of: "door") }
            func through() async -> Timestamp? {
                await collector.store.record(of: simulator.device.model.serial)?.completeThrough
            }
            try await collector.wait { await through() != nil }
            #expect(try await collector.punches() == terminals.truth)
            let before = try #require(await through())

            for fault in [Fault(.deaf), Fault(.silence)] { simulator.add(fault) }
            for user in simulator.userIDs.prefix(5) {
                #expect(simulator.punch(user, state: 1, verify: 15) != nil)
            }
            // The state is told, with the cause and the time of the next attempt.
            try await collector.wait { status()?.state == .failing }
            #expect(status()?.cause.contains(terminals.address) == true)
            #expect(status()?.nextAttempt != nil)
            #expect(try await collector.punches() != terminals.truth)
            #expect(await through() == before)

            simulator.clearFaults()
            try await collector.wait { (await through()).map { $0 > before } ?? false }
            #expect(try await collector.punches() == terminals.truth)
            #expect(status()?.state == .online)
        }
        #expect(simulator.device.isEnabled)
        await collector.close()
        await terminals.stop()
    }
}
