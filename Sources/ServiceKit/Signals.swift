import CLinux
import Foundation

/// The signals that a program waits for.
public enum Signal: Int32, Sendable, CustomStringConvertible {
    case hangup = 1
    case interrupt = 2
    case user1 = 10
    case terminate = 15

    public var description: String {
        switch self {
        case .hangup: "SIGHUP"
        case .interrupt: "SIGINT"
        case .user1: "SIGUSR1"
        case .terminate: "SIGTERM"
        }
    }
}

extension Signal {
    /// The signals of `signals`, from now on, as they come.
    ///
    /// SIGTERM and SIGINT ask a program to stop in good order; the second of them ends it at once
    /// with 128 + its number. SIGHUP asks it to read its certificates again. Writing to a closed pipe or socket no longer kills the program.
    ///
    /// - Important: once per program, from `main`.
    public static func stream(
        of signals: [Signal] = [.terminate, .interrupt]
    ) -> AsyncStream<Signal> {
        CLinux_ignore_broken_pipes()
        for signal in signals {
            let result = CLinux_catch_signal(signal.rawValue)
            precondition(result == 0, "cannot catch \(signal)")
        }
        let (stream, continuation) = AsyncStream.makeStream(of: Signal.self)
        // A thread of its own, because it waits in the kernel as long as the program lives.
        Thread.detachNewThread {
            while true {
                let number = CLinux_next_signal()
                guard number >= 0 else { return }
                if let signal = Signal(rawValue: number) { continuation.yield(signal) }
            }
        }
        return stream
    }
}
