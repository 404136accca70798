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
/// | `status` | `STATUS`: clients, whether people can punch, and how often a fault struck |
struct Console: Sendable {
    private let simulator: Simulator
    private let dumpFile: String?

    init(_ simulator: Simulator, dumpFile: String?) {
        self.simulator = simulator
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
        switch words.first {
        case "count": return "COUNT \(simulator.device.log.count)"
        case "punch" where words.count == 3 || words.count == 4:
            guard let state = UInt8(words[2]), let verify = UInt8(words.count == 4 ? words[3] : "1")
            else { return "ERROR state and verify are numbers from 0 to 255" }
            guard let record = simulator.punch(words[1], state: state, verify: verify) else {
                return "REFUSED"
            }
            return "PUNCHED " + Console.row(simulator.device.asRow(record))
        case "dump" where words.count == 1:
            let rows = rows()
            return (rows + ["END \(rows.count)"]).joined(separator: "\n")
        case "dump" where words.count == 2: return write(words[1])
        case "fault" where words.count == 2:
            do throws(UsageError) {
                let fault = try Fault(words[1])
                simulator.add(fault)
                return "FAULT \(fault)"
            } catch {
                return "ERROR \(error.message)"
            }
        case "clear" where words.count == 1:
            simulator.clearFaults()
            return "CLEARED"
        case "status" where words.count == 1:
            return """
                STATUS clients=\(simulator.sessionCount) enabled=\(simulator.device.isEnabled) \
                strikes=\(simulator.strikes)
                """
        default:
            return """
                ERROR known are: count, punch USER STATE [VERIFY], dump [PATH], fault FAULT, \
                clear, status
                """
        }
    }

    /// Writes the dump file that the command line asked for, if any.
    func dump() {
        guard let dumpFile else { return }
        Terminal.print(write(dumpFile) + "\n")
    }

    private func rows() -> [String] {
        let device = simulator.device
        return device.log.map { Console.row(device.asRow($0)) }
    }

    /// User, wall time, state and how it was verified, as the device's rows tell them.
    private static func row(_ record: AttendanceRecord) -> String {
        "\(record.identifier)\t\(record.time)\t\(record.state)\t\(record.verify)"
    }

    private func write(_ path: String) -> String {
        let rows = rows()
        do {
            try rows.map { $0 + "\n" }.joined().write(
                toFile: path, atomically: true, encoding: .utf8)
            return "DUMPED \(rows.count)"
        } catch {
            return "ERROR cannot write \(path): \(error)"
        }
    }
}
