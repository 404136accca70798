import MeshAPI
import RPCRuntime
import Synchronization
import Transport
import ZKProtocol

/// Commands that wait for the session of one device.
///
/// A terminal bears one session at a time, so a command runs inside of the one that reads it:
/// between two polls, one after the other. Nothing waits for a terminal that is not there.
final class DeviceMailbox: Sendable {
    /// Commands that wait at a time; more are refused.
    static let commandsMax = 16

    typealias Body<Result> =
        @Sendable (ZKClient, inout DeviceContact, CommandRun) async throws -> Result

    private struct Job: Sendable {
        var id: UInt64
        /// Runs the command to its end; an error that ends the session too.
        var run: @Sendable (ZKClient, inout DeviceContact) async -> (any Error)?
        /// Tells the caller that the session is gone.
        var abandon: @Sendable () -> Void
    }

    private struct State {
        /// Wakes the session; nil while none is open.
        var waker: Waker?
        var jobs: [Job] = []
        /// The command that runs.
        var running: UInt64?
        var nextID: UInt64 = 0
    }
    private let state = Lock(State())

    /// Whether a command waits.
    var hasCommands: Bool { state.withLock { !$0.jobs.isEmpty } }

    // MARK: The session's side

    /// The session takes commands from now on.
    func open(_ waker: Waker) { state.withLock { $0.waker = waker } }

    /// The session has ended; what waits is told so.
    func close() {
        let jobs = state.withLock { state in
            state.waker = nil
            defer { state.jobs = [] }
            return state.jobs
        }
        for job in jobs { job.abandon() }
    }

    /// Runs what waits; throws what makes the connection useless.
    func runCommands(_ client: ZKClient, _ contact: inout DeviceContact) async throws {
        while let job = next() {
            // A wake-up that has not been heard was for the command that is about to run.
            client.waker.clear()
            let error = await job.run(client, &contact)
            state.withLock { $0.running = nil }
            if let error { throw error }
            if let why = contact.endsAfterCommand {
                throw ZKError(.closed, device: "\(client.address)", command: .restart, why)
            }
        }
    }

    private func next() -> Job? {
        state.withLock { state in
            guard !state.jobs.isEmpty else { return nil }
            let job = state.jobs.removeFirst()
            state.running = job.id
            return job
        }
    }

    // MARK: The callers' side

    /// Runs `body` in the session and gives what it returns.
    ///
    /// Refused at once where no session is open (`absence` says why) or too many commands wait.
    /// Ends when the task is cancelled or after `timeout`; what was not begun then is not sent, and
    /// what was begun finds ``CommandRun/isCancelled`` true.
    func execute<Result: Sendable>(
        timeout: Duration?, on loop: EventLoop, absence: @escaping @Sendable () -> Absence,
        _ body: @escaping Body<Result>
    ) async throws(RPCError) -> Result {
        let answer = Answer<Result>()
        let run = CommandRun()
        let job: @Sendable (ZKClient, inout DeviceContact) async -> (any Error)? = {
            client, contact in
            guard !run.isCancelled else { return nil }
            do {
                answer.settle(.success(try await body(client, &contact, run)))
                return nil
            } catch {
                let certainty = run.certainty(after: error)
                answer.settle(.failure(RPCError(error, certainty, audit: run.audit)))
                return Self.endsSession(error) ? error : nil
            }
        }
        let id = try enqueue(job, absence) { answer.settle(.failure(absence().error)) }
        // A timer of its own: the runtime's answer at the deadline could not say how far it came.
        let timer = timeout.map { timeout in
            Task {
                guard (try? await loop.sleep(for: timeout)) != nil else { return }
                self.expire(id, run, answer, .deadlineExceeded, "no time is left")
            }
        }
        defer { timer?.cancel() }
        let result = await withTaskCancellationHandler {
            await answer.wait()
        } onCancel: {
            self.expire(id, run, answer, .cancelled, "the call is over")
        }
        return try result.get()
    }

    private func enqueue(
        _ run: @escaping @Sendable (ZKClient, inout DeviceContact) async -> (any Error)?,
        _ absence: () -> Absence, _ abandon: @escaping @Sendable () -> Void
    ) throws(RPCError) -> UInt64 {
        let (id, waker) = try state.withLock { state throws(RPCError) in
            guard let waker = state.waker else { throw absence().error }
            guard state.jobs.count < Self.commandsMax else {
                throw RPCError(
                    .resourceExhausted,
                    "not sent: \(Self.commandsMax) commands wait for this terminal, the limit",
                    command: .notSent)
            }
            state.nextID += 1
            state.jobs.append(Job(id: state.nextID, run: run, abandon: abandon))
            // The command that runs may itself wait for events, and is not to be disturbed.
            return (state.nextID, state.running == nil ? waker : nil)
        }
        waker?.wake()
        return id
    }

    /// Nobody waits any more.
    private func expire<Result>(
        _ id: UInt64, _ run: CommandRun, _ answer: Answer<Result>, _ code: RPCError.Code,
        _ why: String
    ) {
        run.cancel()
        let waker = state.withLock { state in
            state.jobs.removeAll { $0.id == id }
            return state.running == id ? state.waker : nil
        }
        // One that waits for events looks up then.
        waker?.wake()
        let certainty = run.certainty(after: nil)
        answer.settle(
            .failure(
                RPCError(
                    code, "\(certainty.words): \(why)", command: certainty, audit: run.audit)))
    }

    /// Whether a connection is of no more use after the error.
    private static func endsSession(_ error: any Error) -> Bool {
        guard let error = error as? ZKError else { return false }
        return switch error.code {
        case .refused, .incomplete, .tooLarge, .keyRequired: false
        default: true
        }
    }
}

/// An answer that comes once, to one who waits.
private final class Answer<Value: Sendable>: Sendable {
    private typealias Waiter = CheckedContinuation<Result<Value, RPCError>, Never>

    private enum State {
        case open
        case awaited(Waiter)
        case settled(Result<Value, RPCError>)
    }
    private let state = Lock(State.open)

    /// Gives the answer; only the first counts.
    func settle(_ result: Result<Value, RPCError>) {
        let waiter = state.withLock { state -> Waiter? in
            switch state {
            case .settled: return nil
            case .open:
                state = .settled(result)
                return nil
            case .awaited(let continuation):
                state = .settled(result)
                return continuation
            }
        }
        waiter?.resume(returning: result)
    }

    func wait() async -> Result<Value, RPCError> {
        await withCheckedContinuation { continuation in
            let settled = state.withLock { state -> Result<Value, RPCError>? in
                if case .settled(let result) = state { return result }
                state = .awaited(continuation)
                return nil
            }
            if let settled { continuation.resume(returning: settled) }
        }
    }
}
