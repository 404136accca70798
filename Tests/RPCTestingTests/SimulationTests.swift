import RPCRuntime
import RPCTesting
import TestSupport
import Testing
import Transport

@testable import rpc_simulate

/// The simulation of scripts/simulate: that it passes, repeats itself, and would see a mistake.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct SimulationTests {
    @Test(arguments: [1...2, 3...4] as [ClosedRange<UInt64>])
    func `seeds pass, and do the same again`(seeds: ClosedRange<UInt64>) throws {
        for seed in seeds {
            let first = Simulation(seed: seed)
            try first.run()
            #expect(first.ledger.count > 0)
            let second = Simulation(seed: seed)
            try second.run()
            #expect(first.mesh.traceHash == second.mesh.traceHash, "seed \(seed)")
        }
    }

    /// What each end may say of a call, and what the ledger says to it.
    @Test(arguments: Account.all) func `the ledger sees what cannot be`(account: Account) throws {
        let ledger = Ledger()
        let call = ledger.open(account.operation, at: .zero)
        ledger.change(call, account.change)
        let mistakes = ledger.mistakes(isBare: false)
        #expect(mistakes.count == (account.mistake == nil ? 0 : 1), "\(mistakes)")
        if let mistake = account.mistake, let first = mistakes.first {
            #expect(first.contains(mistake))
        }
    }

    struct Account: Sendable, CustomTestStringConvertible {
        var name: String
        var mistake: String?
        var operation = Plan.Operation(kind: .ask)
        var change: @Sendable (inout Ledger.Call) -> Void

        var testDescription: String { name }

        /// A unary call that went well, changed by `change`.
        init(
            _ name: String, _ mistake: String?, _ kind: Plan.Operation.Kind = .ask,
            _ change: @escaping @Sendable (inout Ledger.Call) -> Void
        ) {
            self.name = name
            self.mistake = mistake
            operation = Plan.Operation(kind: kind)
            operation.timeout = .seconds(1)
            self.change = { call in
                call.isSettled = true
                call.isDone = true
                (call.executions, call.written, call.received) = (1, 1, 1)
                call.ended = .seconds(1)
                change(&call)
            }
        }

        static let all: [Account] = [
            Account("success", nil) { _ in },
            Account("no end", "never told") { $0.isSettled = false },
            Account("a handler that hangs", "handler never ended") { $0.running = 1 },
            Account("two executions", "ran 2 times") {
                $0.executions = 2
                $0.error = RPCError(.unavailable, "", certainty: .maybeProcessed)
            },
            Account("not sent, and executed", "told notSent") {
                $0.error = RPCError(.unavailable, "", certainty: .notSent)
            },
            Account("refused, and executed", "told refused") {
                $0.error = RPCError(.unavailable, "", certainty: .refused)
            },
            Account("processed by nobody", "no handler ran") {
                $0.executions = 0
                $0.error = RPCError(.aborted, "", certainty: .processed)
            },
            Account("processed", nil) { $0.error = RPCError(.aborted, "", certainty: .processed) },
            Account("success without a handler", "no handler ran") { $0.executions = 0 },
            Account("success of a failure", "its handler did not") { $0.isDone = false },
            Account("a message too few", "0 messages of 1", .feed) { $0.received = 0 },
            Account("a message too many", "2 messages came of 1", .feed) {
                $0.received = 2
                $0.error = RPCError(.aborted, "", certainty: .maybeProcessed)
            },
            Account("late", "with a deadline of") { $0.ended = .milliseconds(1002) },
        ]
    }

    @Test func `messages that are lost, doubled, exchanged or changed are seen`() {
        func item(_ call: UInt64, _ number: UInt32, _ byte: UInt8? = nil) -> Item {
            var item = Item()
            (item.call, item.number) = (call, number)
            item.padding = [byte ?? Ledger.byte(call, number), Ledger.byte(call, number)]
            return item
        }
        func mistakes(_ items: [Item]) -> [String] {
            let ledger = Ledger()
            var operation = Plan.Operation(kind: .feed)
            operation.count = UInt32(items.count)
            let call = ledger.open(operation, at: .zero)
            for item in items { ledger.receive(call, item, size: 2) }
            ledger.change(call) { call in
                (call.isSettled, call.isDone, call.executions) = (true, true, 1)
                call.written = UInt32(items.count)
            }
            return ledger.mistakes(isBare: false)
        }
        #expect(mistakes([item(0, 0), item(0, 1), item(0, 2)]).isEmpty)
        #expect(mistakes([item(0, 0), item(0, 2), item(0, 3)]).count == 2)
        #expect(mistakes([item(0, 0), item(0, 0)]).count == 1)
        #expect(mistakes([item(0, 1), item(0, 0)]).count == 2)
        #expect(mistakes([item(1, 0)]).count == 2)
        #expect(mistakes([item(0, 0, 99)]).count == 1)
    }
}
