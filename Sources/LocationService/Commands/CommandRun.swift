import MeshAPI
import RPCRuntime
import Synchronization
import Transport
import ZKProtocol

/// One command on its way through a session: how far it came, and whether anyone still waits.
final class CommandRun: Sendable {
    private struct State {
        var isCancelled = false
        var isSent = false
        var audit: UInt64 = 0
    }
    private let state = Lock(State())

    /// Whether nobody waits for the answer any more.
    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    func cancel() { state.withLock { $0.isCancelled = true } }

    /// Throws when nobody waits any more; called between two steps of a long command.
    func check() throws(CancellationError) {
        if isCancelled || Task.isCancelled { throw CancellationError() }
    }

    /// From here on the terminal may do what was asked.
    ///
    /// Throws when nobody waits any more.
    func willSend() throws(CancellationError) {
        if Task.isCancelled { throw CancellationError() }
        // One step with the look: who gives up either sees it as sent or keeps it from being sent.
        try state.withLock { state throws(CancellationError) in
            if state.isCancelled { throw CancellationError() }
            state.isSent = true
        }
    }

    /// The number of its audit record; 0 without one.
    var audit: UInt64 {
        get { state.withLock { $0.audit } }
        set { state.withLock { $0.audit = newValue } }
    }

    /// What is known of a command that ended with `error`; nil: that it has not ended.
    func certainty(after error: (any Error)?) -> CommandCertainty {
        guard state.withLock({ $0.isSent }) else { return .notSent }
        if let error = error as? ZKError, error.code == .refused { return .refused }
        if let error = error as? RPCError, error.command.certainty != .unspecified {
            return error.command.certainty
        }
        return .maybeDone
    }
}
