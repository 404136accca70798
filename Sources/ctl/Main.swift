import Foundation
import RPCRuntime
import ServiceKit

/// `ctl`, the operator's client.
@main enum Program {
    static func main() async {
        let signals = Signal.stream()
        let surroundings = Surroundings(
            environment: ProcessInfo.processInfo.environment,
            isTerminal: isatty(STDOUT_FILENO) == 1,
            now: {
                let milliseconds = Date().timeIntervalSince1970 * 1000
                return Timestamp(millisecondsSince1970: Int64(milliseconds)) ?? Timestamp()
            },
            random: { UInt64.random(in: .min ... .max) },
            read: {
                var data = Data()
                while data.count <= Surroundings.inputBytesMax,
                    let more = try? FileHandle.standardInput.read(upToCount: 1 << 16), !more.isEmpty
                { data += more }
                return String(decoding: data, as: UTF8.self)
            },
            write: { Terminal.print($0, to: $1) },
            isInteractive: isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1,
            readLine: { Swift.readLine() })
        let arguments = Array(CommandLine.arguments.dropFirst())
        let code = await withTaskGroup(of: Terminal.ExitCode.self) { group in
            group.addTask { await Ctl.run(arguments, surroundings) }
            group.addTask {
                // The command sees its cancellation, says its last words, and ends.
                for await _ in signals { break }
                return .interrupted
            }
            let first = await group.next() ?? .ok
            group.cancelAll()
            return first
        }
        Terminal.end(code)
    }
}
