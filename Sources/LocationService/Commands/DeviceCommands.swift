import MeshAPI
import RPCRuntime
import ServiceKit
import Transport
import ZKProtocol

/// Commands to the location's terminals, served to its gateways.
///
/// What asks a terminal runs inside of the session that reads it, one command after the other;
/// see ``DeviceMailbox``.
struct DeviceCommands: Devices.Service {
    /// The location's name.
    let location: String
    let store: LocationStore
    let roster: DeviceRoster
    let board: DeviceBoard
    let push: any PushTerminals
    let templates: TemplatePolicy
    /// What added terminals obey.
    let clock: ClockPolicy
    let loop: EventLoop
    let surroundings: Surroundings
    let log: Logger

    /// What is kept of a call's time to say how it ended.
    private static let answerTime: Duration = .milliseconds(250)

    // MARK: Finding the terminal

    /// Refuses what is meant for another location.
    func check(location name: String) throws(RPCError) {
        guard name == location || name.isEmpty else {
            throw RPCError(
                .invalidArgument, "this is the location \(location), not \(name)",
                command: .notSent)
        }
    }

    /// The terminal of this name or serial number.
    func find(_ target: DeviceTarget) throws(RPCError) -> DeviceRoster.Member {
        try check(location: target.location)
        return try find(target.device)
    }

    func find(_ device: String) throws(RPCError) -> DeviceRoster.Member {
        let statuses = board.statuses
        let status =
            statuses.first { $0.device.name == device }
            ?? statuses.first { !$0.device.serial.isEmpty && $0.device.serial == device }
        guard let status, let member = roster.member(status.device.name) else {
            if push.owns(device) {
                throw RPCError(
                    .failedPrecondition,
                    "`\(device)` pushes by itself and has no session: it takes restart, unlock, "
                        + "enrol, and users to add, change and remove", command: .notSent)
            }
            throw RPCError(
                .notFound, "the location \(location) reads no terminal `\(device)`",
                command: .notSent)
        }
        return member
    }

    /// Why no session is open.
    private func absence(_ name: String) -> Absence {
        let status = board.status(of: name)
        let cause =
            switch status?.state {
            case .connecting?: "it is being connected"
            case .online?: "its session has just ended"
            case .stopped?: "its session is stopped"
            default: status?.cause ?? "it is not read any more"
            }
        return Absence(device: name, cause: cause, nextAttempt: status?.nextAttempt)
    }

    // MARK: Running commands

    /// What is left of the call's time, but for the time to say how it ended.
    func timeout(of call: ServerCall) -> Duration? {
        call.remainingTime.map { max($0 - min(Self.answerTime, $0 / 4), .zero) }
    }

    /// Runs `body` in the terminal's session.
    func run<Result: Sendable>(
        on member: DeviceRoster.Member, _ call: ServerCall,
        _ body: @escaping DeviceMailbox.Body<Result>
    ) async throws(RPCError) -> Result {
        let timeout = timeout(of: call)
        let name = member.settings.name
        return try await member.mailbox.execute(
            timeout: timeout, on: loop, absence: { absence(name) }, body)
    }

    /// A command that changes something, as it is written down.
    struct Order: Sendable {
        var command: String
        /// Without secrets.
        var arguments = ""
    }

    /// Runs `body`, which changes something, in the terminal's session: it is written down before
    /// and behind it.
    ///
    /// `body` calls ``CommandRun/willSend()`` before the terminal hears of it.
    func change<Result: Sendable>(
        _ member: DeviceRoster.Member, _ order: Order, _ call: ServerCall,
        _ body: @escaping DeviceMailbox.Body<Result>
    ) async throws(RPCError) -> (Result, CommandReceipt) {
        let requester = Requester(call)
        let trail = AuditTrail(store: store, log: log)
        return try await run(on: member, call) { client, contact, run in
            var record = AuditRecord(
                principal: requester.principal, gateway: requester.gateway,
                device: contact.session.settings.name, serial: contact.serial,
                command: order.command, arguments: order.arguments.clipped(toBytes: 1024))
            record.id = try await trail.begin(record)
            run.audit = record.id
            do {
                let result = try await body(client, &contact, run)
                await trail.complete(record, .done, "done")
                return (result, CommandReceipt(certainty: .done, audit: record.id))
            } catch {
                let certainty = run.certainty(after: error)
                await trail.complete(record, certainty, "\(error)")
                throw error
            }
        }
    }

    /// Does what changes the location itself, written down like a command.
    func changeLocation<Result: Sendable>(
        _ device: String, _ order: Order, _ call: ServerCall,
        _ body: () async throws(RPCError) -> Result
    ) async throws(RPCError) -> (Result, CommandReceipt) {
        let requester = Requester(call)
        let trail = AuditTrail(store: store, log: log)
        var record = AuditRecord(
            principal: requester.principal, gateway: requester.gateway, device: device,
            serial: board.status(of: device)?.device.serial ?? "", command: order.command,
            arguments: order.arguments.clipped(toBytes: 1024))
        do throws(StoreError) { record.id = try await trail.begin(record) } catch {
            throw RPCError(error, .notSent, audit: 0)
        }
        do throws(RPCError) {
            let result = try await body()
            await trail.complete(record, .done, "done")
            return (result, CommandReceipt(certainty: .done, audit: record.id))
        } catch {
            let known = error.command.certainty
            let certainty = known == .unspecified ? .maybeDone : known
            await trail.complete(record, certainty, error.message)
            throw RPCError(error, certainty, audit: record.id)
        }
    }

    func listAudit(
        _ request: ListAuditRequest, _ call: ServerCall
    ) async throws(RPCError) -> AuditPage {
        try check(location: request.location)
        let limit = request.limit == 0 ? 100 : Int(request.limit)
        do throws(StoreError) {
            // One more, to know whether there are any behind the page.
            var records = try await store.audit(
                before: request.before, device: request.device, limit: limit + 1)
            let hasMore = records.count > limit
            if hasMore { records.removeLast() }
            for index in records.indices { records[index].location = location }
            return AuditPage(data: records, next: hasMore ? records.last?.id ?? 0 : 0)
        } catch {
            throw RPCError(error)
        }
    }
}

/// Writes down what commands did, in the store and in the service's log.
struct AuditTrail: Sendable {
    let store: LocationStore
    let log: Logger

    /// The record's number; on disk when it returns.
    func begin(_ record: AuditRecord) async throws(StoreError) -> UInt64 {
        try await store.beginAudit(record)
    }

    func complete(
        _ record: AuditRecord, _ certainty: CommandCertainty, _ outcome: String
    ) async {
        log.info(
            "command",
            [
                "audit": record.id, "command": record.command, "device": record.device,
                "arguments": record.arguments, "by": record.principal,
                "certainty": "\(certainty)", "outcome": outcome,
            ])
        do throws(StoreError) {
            try await store.completeAudit(record.id, certainty, outcome)
        } catch {
            // It stays as maybe done, which is true.
            log.error("cannot complete an audit record", ["audit": record.id, "cause": "\(error)"])
        }
    }
}
