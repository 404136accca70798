import Foundation
import ServiceKit
import ZKProtocol

/// The simulator's standard input: lets a person or a test ask for the truth and make punches.
///
/// | line | answer |
/// |---|---|
/// | `count` | `COUNT n` |
/// | `punch USER STATE [VERIFY]` | `PUNCHED` and the punch, or `REFUSED` |
/// | `dump` | the punches, then `END n` |
/// | `dump PATH` | `DUMPED n`, with the punches in the file |
/// | `fault FAULT` | `FAULT` and the fault, which begins now; see ``Fault`` |
/// | `clear` | `CLEARED`: no fault is left |
/// | `rate N` | `RATE N`: so many punches in a second from now on, of all devices together |
/// | `status` | `STATUS`: clients, whether people can punch, and how often a fault struck |
///
/// Of several devices each line is for all, and `@N` before it for the one with this number from 0.
/// A dump of several has the serial number first in each line.
struct Console: Sendable {
    private let simulators: [Simulator]
    private let rate: LiveRate
    private let dumpFile: String?

    init(_ simulators: [Simulator], rate: LiveRate, dumpFile: String?) {
        self.simulators = simulators
        self.rate = rate
        self.dumpFile = dumpFile
    }

    /// Answers until the input ends or the task is cancelled.
    func run() async {
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        // A thread of its own, because it waits in the kernel as long as the program lives.
        Thread.detachNewThread {
            while let line = readLine() { continuation.yield(line) }
            continuation.finish()
        }
        for await line in lines {
            Terminal.print(answer(line.split(separator: " ").map(String.init)) + "\n")
        }
    }

    func answer(_ words: [String]) -> String {
        guard let first = words.first, first.hasPrefix("@") else {
            return answer(words, simulators)
        }
        guard let number = Int(first.dropFirst()), simulators.indices.contains(number) else {
            return "ERROR there are devices from @0 to @\(simulators.count - 1)"
        }
        return answer(Array(words.dropFirst()), [simulators[number]])
    }

    private func answer(_ words: [String], _ chosen: [Simulator]) -> String {
        switch words.first {
        case "count" where words.count == 1:
            return "COUNT \(chosen.reduce(0) { $0 + $1.device.rowCount })"
        case "punch" where words.count == 3 || words.count == 4: return punch(words, chosen)
        case "dump" where words.count == 1:
            let rows = chosen.flatMap { self.rows($0) }
            return (rows + ["END \(rows.count)"]).joined(separator: "\n")
        case "dump" where words.count == 2: return write(words[1], chosen)
        case "fault" where words.count == 2:
            do throws(UsageError) {
                let fault = try Fault(words[1])
                for simulator in chosen { simulator.add(fault) }
                return "FAULT \(fault)"
            } catch {
                return "ERROR \(error.message)"
            }
        case "clear" where words.count == 1:
            for simulator in chosen { simulator.clearFaults() }
            return "CLEARED"
        case "rate" where words.count == 2:
            do throws(UsageError) {
                rate.set(try Options.rate(words[1], of: "rate"))
                return "RATE \(rate.perSecond)"
            } catch {
                return "ERROR \(error.message)"
            }
        case "status" where words.count == 1:
            let clients = chosen.reduce(0) { $0 + $1.sessionCount }
            let disabled = chosen.count { !$0.device.isEnabled }
            let strikes = chosen.reduce(0) { $0 + $1.strikes }
            return "STATUS clients=\(clients) disabled=\(disabled) strikes=\(strikes)"
        default:
            return """
                ERROR known are: [@N] count, punch USER STATE [VERIFY], dump [PATH], fault FAULT, \
                clear, rate N, status
                """
        }
    }

    private func punch(_ words: [String], _ chosen: [Simulator]) -> String {
        guard let state = UInt8(words[2]), let verify = UInt8(words.count == 4 ? words[3] : "1")
        else { return "ERROR state and verify are numbers from 0 to 255" }
        guard let simulator = chosen.first,
            let record = simulator.punch(words[1], state: state, verify: verify)
        else { return "REFUSED" }
        return "PUNCHED " + Console.row(simulator.device.asRow(record))
    }

    /// Writes the dump file that the command line asked for, if any.
    func dump() {
        guard let dumpFile else { return }
        Terminal.print(write(dumpFile, simulators) + "\n")
    }

    private func rows(_ simulator: Simulator) -> [String] {
        let device = simulator.device
        let serial = simulators.count > 1 ? device.model.serial + "\t" : ""
        return device.rows.map { serial + Console.row(device.asRow($0)) }
    }

    /// User, wall time, state and how it was verified, as the device's rows tell them.
    private static func row(_ record: AttendanceRecord) -> String {
        "\(record.identifier)\t\(record.time)\t\(record.state)\t\(record.verify)"
    }

    private func write(_ path: String, _ chosen: [Simulator]) -> String {
        do {
            try Data().write(to: URL(filePath: path))
            let file = try FileHandle(forWritingTo: URL(filePath: path))
            defer { try? file.close() }
            var count = 0
            // One device at a time: hundreds together would take much memory.
            for simulator in chosen {
                let rows = rows(simulator)
                count += rows.count
                try file.write(contentsOf: Data(rows.map { $0 + "\n" }.joined().utf8))
            }
            return "DUMPED \(count)"
        } catch {
            return "ERROR cannot write \(path): \(error)"
        }
    }
}
