import Glibc
import RPCTesting
import Transport

/// `rpc-simulate`: runs the mesh on one thread in simulated time, for many seeds.
@main struct Main {
    static let usage = """
        Runs programs of calls, cancellations, deadlines, drains and faults, one for each seed, and
        checks that no call is both refused and executed, that no message is lost, doubled or out
        of order, that credit comes back, and that nothing is left behind.

        usage: rpc-simulate [--seeds N] [--first S] [--hashes] [--trace]
          --seeds N    how many seeds (1000)
          --first S    the first of them (1)
          --hashes     print each seed's trace hash
          --trace      print everything that happens
        """

    static func main() {
        guard let options = Options(CommandLine.arguments.dropFirst()) else {
            StandardError.write(line: usage)
            exit(2)
        }
        if options.wantsHelp { return print(usage) }
        var failed: UInt64 = 0
        var total = Total()
        for seed in options.first..<options.first + options.seeds {
            if options.announces { StandardError.write(line: "seed \(seed)") }
            if !run(seed, options, &total) { failed += 1 }
        }
        print(total.description)
        print("\(options.seeds - failed) passed, \(failed) failed")
        if failed > 0 { exit(1) }
    }

    private static func run(_ seed: UInt64, _ options: Options, _ total: inout Total) -> Bool {
        let simulation = Simulation(seed: seed, keepsTrace: options.wantsTrace)
        var failure: String?
        do {
            try simulation.run()
        } catch {
            failure = "\(error)"
        }
        total.add(simulation)
        simulation.mesh.end()
        if options.wantsTrace { for line in simulation.mesh.traceLines { print(line) } }
        if options.wantsHashes {
            print("\(seed) \(String(simulation.mesh.traceHash, radix: 16))")
        }
        guard let failure else { return true }
        print("seed \(seed): \(failure)")
        print("  again: scripts/simulate --seeds 1 --first \(seed) --trace")
        return false
    }
}

/// What the command line asks for.
struct Options {
    var seeds: UInt64 = 1000
    var first: UInt64 = 1
    var wantsHashes = false
    var wantsTrace = false
    var wantsHelp = false
    /// Whether each seed is named before it runs, to find one that crashes.
    var announces = false

    init?(_ arguments: ArraySlice<String>) {
        var rest = arguments
        while let argument = rest.popFirst() {
            switch argument {
            case "--seeds":
                guard let value = rest.popFirst().flatMap({ UInt64($0) }), value < 1 << 40 else {
                    return nil
                }
                seeds = value
            case "--first":
                guard let value = rest.popFirst().flatMap({ UInt64($0) }), value < 1 << 62 else {
                    return nil
                }
                first = value
            case "--hashes": wantsHashes = true
            case "--trace": wantsTrace = true
            case "--announce": announces = true
            case "-h", "--help": wantsHelp = true
            default: return nil
            }
        }
    }
}

/// What all seeds came to.
struct Total: CustomStringConvertible {
    var calls = 0
    var messages = 0
    var outcomes: [String: Int] = [:]
    var hours = Duration.zero

    mutating func add(_ simulation: Simulation) {
        calls += simulation.ledger.count
        messages += simulation.ledger.messages
        outcomes.merge(simulation.ledger.outcomes, uniquingKeysWith: +)
        hours += simulation.mesh.elapsed
    }

    var description: String {
        let list = outcomes.sorted { ($0.value, $0.key) > ($1.value, $1.key) }
            .map { "\($0.value) \($0.key)" }.joined(separator: "; ")
        return "\(calls) calls, \(messages) messages, \(hours.components.seconds / 3600) hours "
            + "of simulated time: \(list)"
    }
}
