import HTTP
import MeshAPI
import RPCRuntime
import ServiceKit
import Synchronization
import Transport

extension PushReceiver {
    /// How soon a terminal is asked again while nothing is proved.
    private static let impatience: Duration = .seconds(30)
    /// A whole log is not asked for more often than this.
    private static let repairInterval: Duration = .seconds(600)
    private static let (always, ever) = ("2000-01-01 00:00:00", "2099-12-31 23:59:59")

    /// `GET getrequest`: what the terminal counts comes in, commands go out.
    func poll(_ call: PushCall) async throws(StoreError) -> HTTPResponse {
        guard let terminal = terminal(call.serial) else { return .push("OK") }
        if let info = call["info"].flatMap({ TerminalInfo($0) }) {
            try await take(info, terminal)
        }
        // Who asks for commands has nothing left to send.
        update(call.serial) { if $0.uploads == 0 { $0.hasBacklog = false } }
        if let told = terminal.toldOffset, told != offset(of: terminal.clockMode) {
            // Summer time has begun or ended: it is to ask again for its zone.
            update(call.serial) { $0.toldOffset = nil }
            commands.post(serial: call.serial, .check, .repair, timeout: .seconds(600))
        }
        askForProof(call.serial)
        let stored = await store.record(of: call.serial)?.punches ?? 0
        let reference = PushReference(at: surroundings.now(), stored: stored)
        // From now on its rows are those of its whole log.
        if commands.isReading(call.serial) { update(call.serial) { $0.gathered = [] } }
        return .push(commands.fetch(call.serial, reference: reference) ?? "OK")
    }

    private func take(_ info: TerminalInfo, _ terminal: PushTerminal) async throws(StoreError) {
        if terminal.firmware != info.firmware {
            update(terminal.serial) { $0.firmware = info.firmware }
            try await declare(terminal.serial)
        }
        if let users = info.users {
            board.update(terminal.name) { $0.users = UInt32(clamping: users) }
        }
        // It counted after our last answer, and has had nothing else under way since.
        guard let count = info.punches, let asOf = terminal.lastAnswer, terminal.uploads == 0
        else { return }
        let stored = await store.record(of: terminal.serial)?.punches ?? 0
        try await take(count: Int64(count), stored: stored, asOf: asOf, terminal.serial)
    }

    /// Has the terminal count its log, where that was not done for a while.
    private func askForProof(_ serial: String) {
        let now = surroundings.steady()
        guard let terminal = terminal(serial) else { return }
        guard terminal.dialect != .access else {
            update(serial) { $0.unproved = "access terminals do not count punches" }
            return show(serial)
        }
        let interval =
            terminal.isProved
            ? Duration.seconds(settings.proofSeconds)
            : min(Self.impatience, .seconds(settings.proofSeconds))
        guard let last = terminal.proofAskedAt else {
            return update(serial) { $0.proofAskedAt = now }
        }
        guard last.duration(to: now) >= interval else { return }
        if terminal.lacksSum, terminal.lacksInfo {
            update(serial) { $0.unproved = "the terminal does not tell how many punches it has" }
            return show(serial)
        }
        update(serial) { $0.proofAskedAt = now }
        let command =
            terminal.lacksSum
            ? PushCommand.info : .verifySum(from: Self.always, to: Self.ever)
        commands.post(serial: serial, command, .proof, timeout: .seconds(600))
    }

    // MARK: Answers

    /// `POST devicecmd`.
    func results(_ call: PushCall) async throws(StoreError) -> HTTPResponse {
        for outcome in CommandOutcome.all(in: call.body) {
            guard let own = commands.take(outcome, from: call.serial) else { continue }
            try await take(own, call.serial)
        }
        return .push("OK")
    }

    private func take(_ own: PushCommands.Own, _ serial: String) async throws(StoreError) {
        let (answer, reference) = (own.answer, own.reference)
        switch own.command {
        case .verifySum:
            guard let count = number(answer, ["attlogsum"]), answer.isDone else {
                log.debug("terminal sums nothing", ["serial": serial, "answer": answer.name])
                update(serial) { $0.lacksSum = true }
                update(serial) { $0.proofAskedAt = surroundings.steady() - Self.impatience }
                return
            }
            try await take(count: count, stored: reference.stored, asOf: reference.at, serial)
        case .info:
            guard let count = number(answer, ["transactioncount", "attlogcount"]), answer.isDone
            else { return update(serial) { $0.lacksInfo = true } }
            try await take(count: count, stored: reference.stored, asOf: reference.at, serial)
        case .queryLog:
            guard answer.isDone else {
                log.warning(
                    "terminal does not send its log when asked; it is told to begin again",
                    ["serial": serial, "answer": answer.name])
                try await store.forgetPushStamp(of: "ATTLOG", from: serial)
                return commands.post(serial: serial, .check, .repair, timeout: .seconds(600))
            }
            update(serial) { terminal in
                terminal.reading = PushReading(rows: answer.code, at: reference.at)
                // What came is counted anew.
                terminal.proofAskedAt = surroundings.steady() - Self.impatience
            }
            await finishReading(serial)
        case .clearLog where answer.isDone: try await memoryWasCleared(serial)
        default: break
        }
    }

    private func number(_ answer: PushAnswer, _ names: [String]) -> Int64? {
        var outcome = CommandOutcome(id: "")
        outcome.details = answer.details
        for name in names {
            if let text = outcome.detail(name), let number = Int64(text), number >= 0 {
                return number
            }
        }
        return nil
    }

    // MARK: Verdicts

    /// Takes a count that the terminal made after `asOf`, when the log already had `stored`.
    private func take(
        count: Int64, stored: UInt64, asOf: Timestamp, _ serial: String
    ) async throws(StoreError) {
        guard var proof = terminal(serial)?.proof else { return }
        let before = proof
        let verdict = proof.take(count: count, stored: stored)
        if proof != before { try await store.setPushCounters(proof.counters, of: serial) }
        let (taken, now) = (proof, surroundings.steady())
        update(serial) { terminal in
            terminal.proof = taken
            terminal.proofAskedAt = now
        }
        if let name = terminal(serial)?.name {
            board.update(name) { $0.recordsOnDevice = UInt32(clamping: count) }
        }
        switch verdict {
        case .proved: try await proved(serial, count, asOf)
        case .missing(let rows):
            try await mismatch(
                serial, "the terminal counts \(count) punches, \(rows) more than the log has of it")
        case .behind(let rows):
            let times = (terminal(serial)?.behind ?? 0) + 1
            update(serial) { $0.behind = times }
            guard times >= 3 else { return }
            try await memoryWasCleared(serial)
            try await unproved(
                serial, "the terminal counts \(count) punches, \(rows) fewer than the log has of it"
            )
        case .cleared(let from, let to):
            try await unproved(serial, "the terminal's count fell from \(from) to \(to)")
            if to > 0 { repair(serial) }
        case .unknown:
            try await unproved(
                serial, "the terminal counts \(count) punches, and its log was not read whole yet")
            repair(serial)
        }
    }

    /// Everything that the terminal had recorded by `asOf` is in the log.
    private func proved(
        _ serial: String, _ count: Int64, _ asOf: Timestamp
    ) async throws(StoreError) {
        guard let terminal = terminal(serial) else { return }
        try await store.advanceWatermark(
            of: serial, to: asOf, records: UInt32(clamping: count),
            isImportant: !terminal.isProved)
        if !terminal.isProved {
            log.info("pushed log is complete", ["serial": serial, "punches": count])
        }
        update(serial) { terminal in
            terminal.isProved = true
            terminal.unproved = ""
            terminal.behind = 0
            terminal.missingSince = nil
        }
        board.update(terminal.name) { status in
            status.completeThrough = [status.completeThrough, asOf].compactMap(\.self).max()
            status.recordsOnDevice = UInt32(clamping: count)
        }
        await refresh(serial)
    }

    /// The terminal has more than it has sent; what it has not sent by its next count is missed.
    private func mismatch(_ serial: String, _ cause: String) async throws(StoreError) {
        guard let terminal = terminal(serial) else { return }
        guard let since = terminal.missingSince, since == terminal.received else {
            return update(serial) { $0.missingSince = terminal.received }
        }
        try await unproved(serial, cause)
        repair(serial)
    }

    private func unproved(_ serial: String, _ cause: String) async throws(StoreError) {
        guard let terminal = terminal(serial) else { return }
        if terminal.unproved != cause {
            log.error("pushed log is not proved complete", ["serial": serial, "cause": cause])
        }
        update(serial) { terminal in
            terminal.isProved = false
            terminal.unproved = cause
        }
        show(serial)
    }

    /// Has the terminal send its whole log again.
    private func repair(_ serial: String) {
        let now = surroundings.steady()
        guard let terminal = terminal(serial) else { return }
        if let last = terminal.repairAskedAt, last.duration(to: now) < Self.repairInterval {
            return
        }
        update(serial) { terminal in
            terminal.repairAskedAt = now
            terminal.reading = nil
            terminal.gathered = nil
        }
        commands.post(
            serial: serial, .queryLog(from: Self.always, to: Self.ever), .repair,
            timeout: .seconds(3600))
    }

    /// The terminal's memory holds less than before; it must be read whole once.
    func memoryWasCleared(_ serial: String) async throws(StoreError) {
        guard var proof = terminal(serial)?.proof else { return }
        proof.wasCleared()
        try await store.setPushCounters(proof.counters, of: serial)
        let taken = proof
        update(serial) { terminal in
            terminal.proof = taken
            terminal.isProved = false
            terminal.behind = 0
            terminal.unproved = "its memory was cleared, and is not read whole yet"
            terminal.repairAskedAt = nil
        }
        show(serial)
        repair(serial)
    }

    /// Where the terminal has sent as many different rows as it says that it has, all are here.
    func finishReading(_ serial: String) async {
        guard let terminal = terminal(serial), let reading = terminal.reading,
            let gathered = terminal.gathered
        else { return }
        let rows = Int64(gathered.count)
        guard rows >= reading.rows else { return }
        update(serial) { terminal in
            terminal.reading = nil
            terminal.gathered = nil
        }
        // More than it said: others came between, and nobody knows which.
        guard rows == reading.rows, rows > 0 else { return }
        let stored = await store.record(of: serial)?.punches ?? 0
        var proof = terminal.proof
        proof.wasRead(rows: rows, stored: stored)
        let taken = proof
        update(serial) { $0.proof = taken }
        do throws(StoreError) {
            try await store.setPushCounters(taken.counters, of: serial)
            try await proved(serial, rows, reading.at)
        } catch {
            log.error("proof is not stored", ["serial": serial, "cause": "\(error)"])
        }
    }
}
