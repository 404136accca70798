import RPCRuntime
import ServiceKit

/// What a command has of the world: `main` gives the real one, tests another.
struct Surroundings: Sendable {
    var environment: [String: String]
    /// Whether standard output is a terminal.
    var isTerminal: Bool
    var now: @Sendable () -> Timestamp
    /// Random bits, for backing off.
    var random: @Sendable () -> UInt64
    /// More of standard input is not read.
    static let inputBytesMax = 64 << 20

    /// All of standard input, or more than ``inputBytesMax`` of it.
    var read: @Sendable () -> String
    /// Writes text as it is; false when the reader has gone away.
    var write: @Sendable (String, Terminal.Stream) -> Bool
    /// Whether somebody can be asked.
    var isInteractive = false
    /// The next line of standard input; nil at its end.
    var readLine: @Sendable () -> String? = { nil }
}
