import RPCRuntime
import Synchronization
import Transport

/// The commands that wait for terminals to fetch them, and for their answers.
///
/// A terminal fetches with each poll and answers later, several at once. It never asks twice for
/// the same; so what was delivered and not answered is delivered again, under the same number and
/// only where doing it twice does no harm.
final class PushCommands: Sendable {
    /// Commands that wait for one terminal.
    static let queueMax = 256
    /// Lines and bytes of one answer to a poll, which some firmware cannot exceed.
    static let linesMax = 200
    static let bytesMax = 40_000
    /// How long after its delivery a command is delivered again, and how often at most.
    static let redeliveryAfter: Duration = .seconds(60)
    static let deliveriesMax = 3

    /// Who wants to know the answer.
    enum Purpose: Sendable {
        case caller(CheckedContinuation<Result<PushAnswer, PushCommandError>, Never>)
        /// The service itself, with what it knew when the terminal fetched the command.
        case proof
        case repair
    }

    private struct Entry {
        var id: UInt64
        var text: String
        var command: PushCommand
        var purpose: Purpose
        /// Ends it when no answer comes in time.
        var timer: Task<Void, Never>?
        var deliveries = 0
        var deliveredAt: ContinuousClock.Instant?
        /// Noted by the service at the first delivery.
        var reference: PushReference?
    }
    private struct State {
        var queues: [String: [Entry]] = [:]
        var dialects: [String: PushDialect] = [:]
        var nextID: UInt64
    }
    private let state: Lock<State>
    private let surroundings: Surroundings
    private let loop: EventLoop

    init(surroundings: Surroundings, loop: EventLoop) {
        self.surroundings = surroundings
        self.loop = loop
        // Other numbers than before the start, so that a late answer is nobody else's.
        let seconds = UInt64(clamping: surroundings.now().seconds)
        state = Lock(State(nextID: seconds % 10_000_000_000 * 10_000))
    }

    /// Notes that the terminal pushes to here, and in which dialect.
    func know(_ serial: String, _ dialect: PushDialect) {
        state.withLock { $0.dialects[serial] = dialect }
    }

    /// Forgets a terminal; whoever waits is told.
    func forget(_ serial: String) {
        let entries = state.withLock { state in
            state.dialects[serial] = nil
            return state.queues.removeValue(forKey: serial) ?? []
        }
        for entry in entries {
            end(entry, .failure(.cancelled(wasDelivered: entry.deliveries > 0)))
        }
    }

    /// Gives the terminal a command and waits for its answer.
    ///
    /// A negative answer is an answer, not an error.
    func enqueue(
        serial: String, _ command: PushCommand, timeout: Duration = .seconds(120)
    ) async throws(PushCommandError) -> PushAnswer {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let error = add(
                    id, serial, command, .caller(continuation), timeout: timeout)
                if let error { continuation.resume(returning: .failure(error)) }
                if Task.isCancelled { cancel(id, of: serial) }
            }
        } onCancel: {
            cancel(id, of: serial)
        }
        return try result.get()
    }

    /// Gives the terminal a command of the service's own, unless the same waits already.
    func post(
        serial: String, _ command: PushCommand, _ purpose: Purpose, timeout: Duration
    ) {
        let id: UInt64? = state.withLock { state in
            let isWaiting = state.queues[serial, default: []].contains {
                if case .caller = $0.purpose { return false }
                return $0.command == command
            }
            guard !isWaiting else { return nil }
            state.nextID += 1
            return state.nextID
        }
        if let id { _ = add(id, serial, command, purpose, timeout: timeout) }
    }

    private func add(
        _ id: UInt64, _ serial: String, _ command: PushCommand, _ purpose: Purpose,
        timeout: Duration
    ) -> PushCommandError? {
        let error: PushCommandError? = state.withLock { state in
            guard let dialect = state.dialects[serial] else { return .unknownTerminal(serial) }
            guard state.queues[serial, default: []].count < Self.queueMax else { return .full }
            do throws(PushCommandError) {
                let text = try command.encoded(dialect)
                state.queues[serial, default: []].append(
                    Entry(
                        id: id, text: text, command: command, purpose: purpose,
                        timer: timer(id, serial, timeout)))
                return nil
            } catch {
                return error
            }
        }
        return error
    }

    private func timer(
        _ id: UInt64, _ serial: String, _ timeout: Duration
    ) -> Task<Void, Never> {
        Task { [weak self, loop] in
            guard (try? await loop.sleep(for: timeout)) != nil else { return }
            self?.expire(id, of: serial)
        }
    }

    private func take(_ id: UInt64, of serial: String) -> Entry? {
        state.withLock { state in
            guard let place = state.queues[serial]?.firstIndex(where: { $0.id == id }) else {
                return nil
            }
            return state.queues[serial]?.remove(at: place)
        }
    }

    private func cancel(_ id: UInt64, of serial: String) {
        guard let entry = take(id, of: serial) else { return }
        end(entry, .failure(.cancelled(wasDelivered: entry.deliveries > 0)))
    }

    private func expire(_ id: UInt64, of serial: String) {
        guard let entry = take(id, of: serial) else { return }
        end(entry, .failure(.timedOut(wasDelivered: entry.deliveries > 0)))
    }

    private func end(_ entry: Entry, _ result: Result<PushAnswer, PushCommandError>) {
        entry.timer?.cancel()
        if case .caller(let continuation) = entry.purpose { continuation.resume(returning: result) }
    }

    // MARK: The terminal's side

    /// The lines that the terminal is given now; nil without any.
    ///
    /// `reference` is what the service knows at this moment.
    func fetch(_ serial: String, reference: PushReference) -> String? {
        let now = surroundings.steady()
        return state.withLock { state in
            guard var queue = state.queues[serial], !queue.isEmpty else { return nil }
            var lines: [String] = []
            var bytes = 0
            for index in queue.indices where Self.isDue(queue[index], now) {
                let line = "C:\(queue[index].id):\(queue[index].text)"
                bytes += line.utf8.count + 1
                guard lines.count < Self.linesMax, bytes <= Self.bytesMax else { break }
                lines.append(line)
                queue[index].deliveries += 1
                queue[index].deliveredAt = now
                if queue[index].reference == nil { queue[index].reference = reference }
            }
            state.queues[serial] = queue
            return lines.isEmpty ? nil : lines.joined(separator: "\n")
        }
    }

    /// Whether the next fetch gives the terminal the service's own order to send its whole log.
    func isReading(_ serial: String) -> Bool {
        state.withLock { state in
            state.queues[serial, default: []].contains {
                if case .repair = $0.purpose, case .queryLog = $0.command {
                    return $0.deliveries == 0
                }
                return false
            }
        }
    }

    private static func isDue(_ entry: Entry, _ now: ContinuousClock.Instant) -> Bool {
        guard let last = entry.deliveredAt else { return true }
        return entry.command.isIdempotent && entry.deliveries < deliveriesMax
            && last.duration(to: now) >= redeliveryAfter
    }

    /// An answer to a command of the service's own.
    struct Own: Sendable {
        var command: PushCommand
        var answer: PushAnswer
        var reference: PushReference
    }

    /// Takes an answer; returns it where the service itself waits for it.
    func take(_ outcome: CommandOutcome, from serial: String) -> Own? {
        guard let id = UInt64(outcome.id), let code = outcome.code,
            let entry = state.withLock({ state -> Entry? in
                guard
                    let place = state.queues[serial]?.firstIndex(where: {
                        // An answer to what was never delivered is made up.
                        $0.id == id && $0.deliveries > 0
                    })
                else { return nil }
                return state.queues[serial]?.remove(at: place)
            })
        else { return nil }
        var answer = PushAnswer(code: code, details: outcome.details)
        if case .enrolFinger = entry.command { answer.isEnrolment = true }
        end(entry, .success(answer))
        guard let reference = entry.reference else { return nil }
        if case .caller = entry.purpose {
            guard entry.command == .clearLog || entry.command == .info else { return nil }
        }
        return Own(command: entry.command, answer: answer, reference: reference)
    }

    /// How many commands wait for the terminal, delivered or not.
    func count(of serial: String) -> Int { state.withLock { $0.queues[serial]?.count ?? 0 } }
}

/// What the service knew when a terminal fetched a command: what its answer is held against.
struct PushReference: Hashable, Sendable {
    /// The instant of the delivery.
    var at: Timestamp
    /// Punches of the terminal in the log.
    var stored: UInt64
}
