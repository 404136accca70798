import Attendance
import HTTP
import MeshAPI
import RPCRuntime
import ServiceKit
import Synchronization
import Transport

extension PushReceiver {
    /// How many punches a transaction holds at most.
    private static let batchCount = 2000
    /// Bad lines of one body that are put aside; the rest is told in the service's log.
    private static let quarantinedMax = 200
    /// As much of a bad line is kept.
    private static let quarantinedBytes = 256
    /// Operations after which the terminal's memory is another one: clear, factory reset, clear log.
    private static let clearing: Set<UInt32> = [13, 22, 23]

    /// `POST cdata`.
    func upload(_ call: PushCall) async throws(StoreError) -> HTTPResponse {
        switch call.table {
        case "OPTIONS":
            try await takeOptions(call)
            return .push("OK")
        case "ATTLOG":
            let rows = try await takePunches(call, "ATTLOG") {
                (line) throws(PushLineError) in try AttendanceLine(line)
            }
            return .push("OK: \(rows)")
        case "RTLOG", "TRANSACTION":
            note(call.serial, .access)
            _ = try await takeAccessRows(call, call.table)
            return .push("OK")
        case "RTSTATE":
            note(call.serial, .access)
            return .push("OK")
        case "TABLEDATA": return try await tableData(call)
        case "OPERLOG" where call["contenttype"]?.lowercased() != "tgz":
            return .push("OK: \(try await takeOperations(call))")
        case "ATTPHOTO", "":
            return .push("OK")
        default:
            // Templates, cards, errors: counted, so that they are not sent again, and not kept.
            var count = 0
            for _ in PushLines(call.body) { count += 1 }
            return .push("OK: \(count)")
        }
    }

    /// Rows of an access terminal's tables, uploaded or asked for.
    func tableData(_ call: PushCall) async throws(StoreError) -> HTTPResponse {
        note(call.serial, .access)
        let table = (call["tablename"] ?? "").clipped(toBytes: 32)
        var count = 0
        switch table.lowercased() {
        case "transaction": count = try await takeAccessRows(call, "TRANSACTION")
        case "user":
            count = try await takeLines(call, "USER") {
                (line) throws(PushLineError) in
                let fields = try PushText.fields(AccessRow.withoutTable(line))
                return .user(try PushUser(PushPairs(fields)))
            }
        default: for _ in PushLines(call.body) { count += 1 }
        }
        return .push("\(PushText.shown(Array(table.utf8)[...], max: 32))=\(count)")
    }

    private func takeAccessRows(
        _ call: PushCall, _ table: String
    ) async throws(StoreError) -> Int {
        try await takePunches(call, table) { (line) throws(PushLineError) in
            let row = try AccessRow(line)
            guard row.isPunch else { return nil }
            return AttendanceLine(
                pin: row.pin, time: row.time, state: row.state, verify: row.verify, workCode: 0)
        }
    }

    private func takeOperations(_ call: PushCall) async throws(StoreError) -> Int {
        try await takeLines(call, "OPERLOG") { (line) throws(PushLineError) in
            try OperationLine(line)
        }
    }

    // MARK: Punches

    /// Stores the punches in the body's lines; returns the number of lines, which is what the
    /// terminal wants to hear.
    ///
    /// `read` makes nil of a line that is no punch.
    private func takePunches(
        _ call: PushCall, _ table: String,
        _ read: (ArraySlice<UInt8>) throws(PushLineError) -> AttendanceLine?
    ) async throws(StoreError) -> Int {
        guard let terminal = terminal(call.serial) else { return 0 }
        update(call.serial) { $0.uploads += 1 }
        defer { update(call.serial) { $0.uploads -= 1 } }
        let hash = Crypto.sha256(call.body)
        // Each row must be looked at while a whole log comes.
        if terminal.gathered == nil,
            let rows = try await store.takenRows(of: table, from: call.serial, hash: hash)
        {
            log.debug("upload came again", ["serial": call.serial, "rows": rows])
            update(call.serial) { $0.received += UInt64(rows) }
            await refresh(call.serial)
            return rows
        }
        var batch = Batch(receivedAt: surroundings.now(), resolver: terminal.resolver)
        batch.gathers = terminal.gathered != nil
        var result = IngestResult()
        for line in PushLines(call.body) {
            batch.lines += 1
            do throws(PushLineError) {
                if let row = try read(line) { batch.add(try punch(row, terminal, &batch)) }
            } catch {
                batch.putAside(line, error)
            }
            if batch.punches.count == Self.batchCount {
                result += try await storePart(of: &batch, call.serial, table)
            }
        }
        // A body without rows says nothing of where the terminal is.
        let whole = PushUpload(
            serial: call.serial, table: table, stamp: batch.lines > 0 ? stamp(call) : nil,
            hash: hash, rows: batch.lines)
        result += try await store.takePush(
            batch.punches, quarantined: batch.bad, from: call.serial, table: table, whole: whole)
        report(batch, result, call.serial, table)
        let (resolver, last) = (batch.resolver, batch.punches.last)
        update(call.serial) { $0.resolver = resolver }
        if batch.lines == 1, result.new == 1, let last {
            try await measureClock(last, terminal, batch.receivedAt)
        }
        let (lines, rows) = (batch.lines, batch.rows)
        update(call.serial) { terminal in
            terminal.received += UInt64(lines)
            terminal.gathered?.formUnion(rows)
        }
        await refresh(call.serial)
        await finishReading(call.serial)
        return lines
    }

    /// What is gathered of a body before it is stored.
    private struct Batch {
        let receivedAt: Timestamp
        var resolver: InstantResolver
        var lines = 0
        var badLines = 0
        var gathers = false
        var rows: Set<Int> = []
        var punches: [Punch] = []
        var bad: [QuarantinedLine] = []

        mutating func add(_ punch: Punch) {
            punches.append(punch)
            if gathers {
                var hasher = Hasher()
                hasher.combine(punch.user)
                hasher.combine(punch.localTime)
                hasher.combine(punch.state)
                rows.insert(hasher.finalize())
            }
        }

        mutating func putAside(_ line: ArraySlice<UInt8>, _ error: PushLineError) {
            badLines += 1
            guard bad.count < PushReceiver.quarantinedMax else { return }
            bad.append(
                QuarantinedLine(
                    line: Array(line.prefix(PushReceiver.quarantinedBytes)),
                    cause: error.description.clipped(toBytes: 256)))
        }
    }

    private func storePart(
        of batch: inout Batch, _ serial: String, _ table: String
    ) async throws(StoreError) -> IngestResult {
        let punches = batch.punches
        batch.punches = []
        return try await store.takePush(punches, from: serial, table: table, whole: nil)
    }

    private func punch(
        _ row: AttendanceLine, _ terminal: PushTerminal, _ batch: inout Batch
    ) throws(PushLineError) -> Punch {
        let localTime: String
        let instant: Int64?
        switch row.time {
        case .wall(let text):
            localTime = text
            instant = batch.resolver.resolve(text)?.instant
        case .instant(let seconds):
            guard let wall = wallTime(at: seconds, terminal.clockMode) else {
                throw PushLineError("\(seconds) is no time that a terminal's calendar has")
            }
            localTime = wall
            instant = seconds
        }
        return Punch(
            device: terminal.serial, user: row.pin, resolvedUser: row.pin, localTime: localTime,
            state: row.state, verify: row.verify, workCode: row.workCode, source: .push,
            receivedAt: batch.receivedAt, instant: instant.flatMap { Timestamp(seconds: $0) })
    }

    private func stamp(_ call: PushCall) -> String? {
        guard let stamp = call["stamp"], 1...32 ~= stamp.utf8.count,
            stamp.utf8.allSatisfy({ 0x30...0x39 ~= $0 })
        else { return nil }
        return stamp
    }

    private func report(
        _ batch: Batch, _ result: IngestResult, _ serial: String, _ table: String
    ) {
        if result.new + result.amended > 0 {
            log.debug(
                "pushed punches",
                ["serial": serial, "new": result.new, "known": result.known])
        }
        guard batch.badLines > 0 else { return }
        log.error(
            "lines of an upload make no sense and are put aside",
            [
                "serial": serial, "table": table, "lines": batch.lines, "bad": batch.badLines,
                "kept": batch.bad.count, "first": batch.bad.first?.cause ?? "",
            ])
    }

    // MARK: Users and what was done

    /// Stores the users in the body's lines; returns the number of lines.
    private func takeLines(
        _ call: PushCall, _ table: String,
        _ read: (ArraySlice<UInt8>) throws(PushLineError) -> OperationLine
    ) async throws(StoreError) -> Int {
        let hash = Crypto.sha256(call.body)
        // Users are written again: they may have changed since, and back to this.
        let isNew = try await store.takenRows(of: table, from: call.serial, hash: hash) == nil
        var batch = Batch(
            receivedAt: surroundings.now(), resolver: InstantResolver(zone: zone, mode: .zone))
        var users: [PushUser] = []
        var templates = 0
        var wasCleared = false
        for line in PushLines(call.body) {
            batch.lines += 1
            do throws(PushLineError) {
                switch try read(line) {
                case .user(let user): users.append(user)
                case .operation(let code):
                    if Self.clearing.contains(code) { wasCleared = true }
                case .biometric: templates += 1
                case .other(let word):
                    throw PushLineError("`\(word)` is no kind of line that is known")
                }
            } catch {
                // Without its text: it may be the rest of a template.
                batch.putAside([], error)
            }
        }
        let whole = PushUpload(
            serial: call.serial, table: table, stamp: stamp(call), hash: hash, rows: batch.lines)
        _ = try await store.takePush(
            [], users: users, quarantined: batch.bad, from: call.serial, table: table,
            whole: whole)
        report(batch, IngestResult(), call.serial, table)
        if templates > 0 {
            log.debug("templates are not kept", ["serial": call.serial, "count": templates])
        }
        if wasCleared, isNew { try await memoryWasCleared(call.serial) }
        return batch.lines
    }

    // MARK: The clock

    /// Measures the clock by a punch that was made a moment ago.
    ///
    /// Only where the terminal had nothing else to send and has just been here: a punch from its
    /// backlog would look like a clock that is behind.
    private func measureClock(
        _ punch: Punch, _ terminal: PushTerminal, _ now: Timestamp
    ) async throws(StoreError) {
        guard !terminal.hasBacklog, let instant = punch.instant, let last = terminal.lastAnswer,
            now.since(last) <= .seconds(settings.pollSeconds + 5)
        else { return }
        let offset = instant.millisecondsSince1970 + 500 - now.millisecondsSince1970
        try await store.recordClock(
            of: terminal.serial, offsetMilliseconds: offset, measuredAt: now)
        board.update(terminal.name) { status in
            status.clockOffsetMilliseconds = offset
            status.clockMeasuredAt = now
        }
    }
}
