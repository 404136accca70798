import Synchronization

/// A value that arrives once, for one task that waits; the first of value, error and
/// cancellation wins.
public final class OneShot<Value: Sendable>: Sendable {
    private enum State: Sendable {
        case idle
        case waiting(Continuation)
        case settled(Result<Value, TransportError>)
        case taken
    }

    /// A continuation that strict memory safety may see: the state machine resumes it once.
    @safe private struct Continuation: Sendable {
        // Safe because only `settle` resumes it, and it leaves `.waiting` in the same step.
        let raw: UnsafeContinuation<Result<Value, TransportError>, Never>
    }

    private let state = Lock(State.idle)
    private let afterwards = Lock<(@Sendable () -> Void)?>(nil)

    public init() {}

    /// Whether value, error or cancellation has come.
    public var isSettled: Bool {
        state.withLock { state in
            switch state {
            case .settled, .taken: true
            case .idle, .waiting: false
            }
        }
    }

    /// Runs `body` once the value is settled, on whichever thread settles it.
    package func onSettled(_ body: @escaping @Sendable () -> Void) {
        afterwards.withLock { $0 = body }
        if isSettled { afterwards.withLock { $0.take() }?() }
    }

    /// Settles the value; false when it was settled before, and then nothing is kept.
    @discardableResult
    public func settle(_ result: Result<Value, TransportError>) -> Bool {
        let (won, waiter) = state.withLock { state -> (Bool, Continuation?) in
            switch state {
            case .idle:
                state = .settled(result)
                return (true, nil)
            case .waiting(let continuation):
                state = .taken
                return (true, continuation)
            case .settled, .taken:
                return (false, nil)
            }
        }
        if let waiter { unsafe waiter.raw.resume(returning: result) }
        if won { afterwards.withLock { $0.take() }?() }
        return won
    }

    /// Runs `start`, then waits.
    ///
    /// Cancelling the task settles with `.cancelled`.
    public func value(after start: () -> Void) async throws(TransportError) -> Value {
        let result = await withTaskCancellationHandler {
            start()
            return await wait()
        } onCancel: {
            settle(.failure(TransportError(.cancelled, "the task was cancelled")))
        }
        return try result.get()
    }

    private func wait() async -> Result<Value, TransportError> {
        await unsafe withUnsafeContinuation { raw in
            let early = state.withLock { state -> Result<Value, TransportError>? in
                switch state {
                case .idle:
                    state = unsafe .waiting(Continuation(raw: raw))
                    return nil
                case .settled(let result):
                    state = .taken
                    return result
                case .waiting, .taken:
                    preconditionFailure("a OneShot has one waiter")
                }
            }
            if let early { unsafe raw.resume(returning: early) }
        }
    }
}
