import Foundation
import MeshAPI
import RPCRuntime
import Testing
import Transport
import ZKProtocol

@testable import LocationService
@testable import zk_simulator

/// Every kind of fault in every phase of a contact, over TCP and UDP.
///
/// The location ends with exactly what the terminal has, or with an exception that has the numbers
/// and a watermark that did not advance; when the fault is over, it ends with exactly what the
/// terminal has. Never does it hold a row that the terminal has not, wait for ever, keep a socket, or
/// leave the terminal disabled.
@Suite struct FaultMatrixTests {
    struct Cell: Sendable, CustomTestStringConvertible {
        var kind: Fault.Kind
        var phase: Fault.Phase
        var transport: ZKTransport

        var testDescription: String { "\(kind) in \(phase) over \(transport)" }

        /// What the terminal suffers.
        var faults: [Fault] {
            switch kind {
            // Passing: it strikes twice, and the collector gets over it.
            case .cut, .silence, .reset, .garbage, .steal, .clip:
                [Fault(kind, phase: phase, times: 2)]
            case .slow: [Fault(kind, value: 5, phase: phase, times: 20)]
            case .race: [Fault(kind, phase: phase, times: 1)]
            case .lose, .repeat, .reorder: [Fault(kind, value: 20, phase: phase)]
            // Lasting.
            case .count: [Fault(kind, value: 2, phase: phase)]
            case .short, .twice: [Fault(kind, value: 2)]
            case .clock, .drift, .full, .deaf: [Fault(kind)]
            case .refuse: [Fault(kind, phase: phase)]
            // A key is asked for at the beginning of a session only.
            case .key: [Fault(kind), Fault(.reset, phase: phase, times: 1)]
            }
        }

        /// What the exception says; nil where the collector gets over it by itself.
        var exception: String? {
            switch (kind, phase) {
            // Behind a read, more than were read is what a punch meanwhile looks like.
            case (.count, .idle): "counted"
            case (.short, _): "counted"
            case (.refuse, .log): "PREPARE_BUFFER"
            case (.refuse, .users): "PREPARE_BUFFER"
            case (.key, _): "comm key"
            default: nil
            }
        }

        /// Whether the watermark stands still while the fault lasts.
        var stopsWatermark: Bool { exception != nil && !(kind == .refuse && phase == .users) }
    }

    static let cells: [Cell] = Fault.Kind.allCases.flatMap { kind in
        Fault.Phase.allCases.flatMap { phase in
            ZKTransport.allCases.compactMap { transport in
                let isOfDatagrams = [.lose, .repeat, .reorder].contains(kind)
                return isOfDatagrams && transport == .tcp
                    ? nil : Cell(kind: kind, phase: phase, transport: transport)
            }
        }
    }

    @Test(arguments: cells)
    func `the collector gets over it or says exactly what is wrong`(cell: Cell) async throws {
        let terminals = try Terminals(records: 60, isDisabled: true) { model in
            model.transports = [cell.transport]
            model.commKey = 4711
        }
        let simulator = terminals.simulator
        let port = simulator.address.port
        let collector = try Collector()
        var settings = DeviceSettings(name: "door", address: terminals.address)
        settings.commKey = 4711
        settings.pollInterval = .milliseconds(40)
        settings.patience = .short
        let isEarly = [.connect, .users, .log].contains(cell.phase)
        if isEarly { for fault in cell.faults { simulator.add(fault) } }
        let trial = Trial(cell: cell, collector: collector, terminals: terminals)
        try await collector.run([try collector.session(settings)]) {
            if !isEarly {
                try await trial.wait("the first read") { await trial.isComplete() }
                for fault in cell.faults { simulator.add(fault) }
                try await trial.punch(3)
            }
            if cell.exception != nil {
                try await trial.expectException()
                simulator.clearFaults()
            }
            try await trial.wait("the end of the fault") { await trial.isComplete() }
            // And it goes on.
            simulator.clearFaults()
            try await trial.punch(2)
            try await trial.wait("what came behind the fault") { await trial.isComplete() }
        }
        #expect(try await collector.punches() == terminals.truth)
        #expect(simulator.device.isEnabled)
        await collector.close()
        await terminals.stop()
        #expect(try openSockets(port: port) == 0)
        let outcome = cell.exception.map { _ in "exception, then complete" } ?? "complete"
        let strikes = simulator.strikes
        let lasting: Set<Fault.Kind> = [.short, .twice, .clock, .drift, .full, .deaf, .key]
        print(
            "fault matrix: \(cell.transport) \(cell.phase) \(cell.kind): "
                + (strikes == 0 && !lasting.contains(cell.kind) ? "no chance to strike" : outcome))
    }

    /// Sockets of this process's machine that are not closed, with the port at either end.
    private func openSockets(port: UInt16) throws -> Int {
        let digits = String(port, radix: 16, uppercase: true)
        let mark = ":" + String(repeating: "0", count: 4 - digits.count) + digits
        return try ["/proc/net/tcp", "/proc/net/udp"].reduce(0) { count, path in
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            return count
                + lines.dropFirst().count { line in
                    let words = line.split(separator: " ")
                    guard words.count > 3 else { return false }
                    // TIME_WAIT is the kernel's, not ours.
                    return words[3] != "06"
                        && (words[1].hasSuffix(mark) || words[2].hasSuffix(mark))
                }
        }
    }
}

extension DevicePatience {
    /// For a terminal on this machine that misbehaves.
    static var short: DevicePatience {
        var patience = DevicePatience()
        patience.connect = .milliseconds(400)
        patience.request = .milliseconds(250)
        patience.retry = .milliseconds(20)
        patience.probe = .milliseconds(50)
        patience.silence = .milliseconds(100)
        patience.event = .milliseconds(20)
        patience.again = .milliseconds(10) ... .milliseconds(50)
        // So that each poll looks at the log, whatever the counters say.
        patience.fullRead = .zero
        return patience
    }
}

/// One cell of the matrix while it runs.
private struct Trial {
    let cell: FaultMatrixTests.Cell
    let collector: Collector
    let terminals: Terminals

    private var status: DeviceStatus? { collector.board.status(of: "door") }

    /// Whether the store has exactly what the terminal has, and a later read proves it.
    func isComplete() async -> Bool {
        let truth = terminals.truth
        guard let held = try? await collector.punches(), held == truth else { return false }
        let before = status?.completeThrough
        let polls = terminals.simulator.device.log.count
        for _ in 0..<400 {
            guard let status, status.state == .online, let through = status.completeThrough
            else { return false }
            if before.map({ through > $0 }) ?? true { return true }
            guard (try? await collector.loop.sleep(for: .milliseconds(5))) != nil else { break }
            if terminals.simulator.device.log.count != polls { return false }
        }
        return false
    }

    /// Looks again and again; a hang is an error, not a wait.
    func wait(_ what: String, _ condition: () async throws -> Bool) async throws {
        let clock = ContinuousClock()
        let limit = clock.now + .seconds(60)
        while try await !condition() {
            // Never a row that the terminal has not.
            let held = try await collector.punches()
            try #require(held.isSubset(of: terminals.truth), "a row that the terminal has not")
            try #require(
                clock.now < limit,
                "\(cell.testDescription): \(what) does not come; \(String(describing: status))")
            try await collector.loop.sleep(for: .milliseconds(5))
        }
    }

    /// Different people punch.
    func punch(_ count: Int) async throws {
        let simulator = terminals.simulator
        let before = simulator.device.log.count
        // Nobody can punch twice in a second, and it is always the same second.
        for user in simulator.userIDs[before % 10..<before % 10 + count] {
            _ = simulator.punch(user, state: UInt8(before % 4), verify: 1)
        }
        if cell.kind != .full { #expect(simulator.device.log.count > before) }
    }

    func expectException() async throws {
        let text = try #require(cell.exception)
        try await wait("the exception") { status?.cause.contains(text) == true }
        guard cell.stopsWatermark else { return }
        let through = status?.completeThrough
        // Two more contacts later it is the same.
        for _ in 0..<2 {
            let contact = status?.nextAttempt ?? status?.lastContact
            try await wait("the next contact") {
                (status?.nextAttempt ?? status?.lastContact) != contact
            }
        }
        #expect(status?.completeThrough == through)
        if cell.kind == .short || cell.kind == .count {
            let numbers = try #require(status?.cause)
            #expect(numbers.contains("records before") && numbers.contains("bytes"))
        }
    }
}
