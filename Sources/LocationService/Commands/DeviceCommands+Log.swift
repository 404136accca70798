import MeshAPI
import RPCRuntime
import Transport
import ZKProtocol

extension DeviceCommands {
    func pull(
        _ request: PullRequest, to responses: MessageWriter<PullProgress>, _ call: ServerCall
    ) async throws(RPCError) {
        let member = try find(request.target)
        let news = ProgressLine<PullProgress>()
        let last = try await news.relay(to: responses) { () async throws(RPCError) in
            try await run(on: member, call) { client, contact, run in
                try run.check()
                news.tell(PullProgress(stage: "reading the terminal's log"))
                let before = await store.record(of: contact.serial)?.punches ?? 0
                var tenths = 0
                client.progress = { received, announced in
                    // A word at each tenth: the reader's lines are few.
                    let now = announced > 0 ? received * 10 / announced : 10
                    guard now != tenths, now < 10 else { return }
                    tenths = now
                    let stage = "\(received) of \(announced) bytes have come"
                    news.tell(PullProgress(stage: stage))
                }
                defer { client.progress = nil }
                try await contact.readWholeLog(client)
                if let status = board.status(of: member.settings.name), status.proof != .proved {
                    throw RPCError(
                        .dataLoss, "the log is not proved complete: \(status.cause)",
                        command: .done)
                }
                let record = await store.record(of: contact.serial)
                let sizes = try await client.freeSizes()
                return PullProgress(
                    stage: "read", finished: true, records: UInt32(clamping: sizes.records ?? 0),
                    fresh: (record?.punches ?? 0) - before,
                    completeThrough: board.status(of: member.settings.name)?.completeThrough)
            }
        }
        try await responses.write(last)
    }

    func clearLog(
        _ request: ClearLogRequest, _ call: ServerCall
    ) async throws(RPCError) -> ClearLogResult {
        let member = try find(request.target)
        let registry = Registry.Client(call.connection)
        let gateway = call.peer.description
        let (result, receipt) = try await change(
            member, Order(command: "clear-log", arguments: "serial=\(request.confirmSerial)"), call
        ) { client, contact, run in
            guard request.confirmSerial == contact.serial else {
                throw RPCError(
                    .failedPrecondition,
                    "the confirmation says `\(request.confirmSerial)`, and the terminal is "
                        + contact.serial, command: .notSent)
            }
            // The long read first, while people punch.
            try await contact.readWholeLog(client)
            try run.check()
            let result = try await contact.withPunchingHeld(client) {
                try await clear(client, contact, run, registry, gateway)
            }
            contact.noteCleared()
            return result
        }
        var whole = result
        whole.receipt = receipt
        return whole
    }

    /// Reads once more what nobody can add to, proves the copies, and clears.
    private func clear(
        _ client: ZKClient, _ contact: DeviceContact, _ run: CommandRun,
        _ registry: Registry.Client, _ gateway: String
    ) async throws -> ClearLogResult {
        let read = try await client.attendance()
        guard read.completeness == .proved, read.after.records == read.log.count else {
            throw RPCError(
                .failedPrecondition, "nothing proves that all was read: \(read.account)",
                command: .notSent)
        }
        let missing = try await contact.storeWhole(read.log)
        guard missing == 0 else {
            throw RPCError(
                .internal, "the store lacks \(missing) of \(read.log.count) punches",
                command: .notSent)
        }
        let (logID, sequence) = await store.position
        try await Self.holdsCopy(registry, location, logID, sequence, gateway, loop: loop, run)
        // The hold may be over by now; it lasts from before the count until behind the clearing.
        try await client.disable(forSeconds: DeviceContact.holdSeconds)
        guard try await client.freeSizes().records == read.log.count else {
            throw RPCError(
                .aborted, "someone punched meanwhile: the log was left alone", command: .notSent)
        }
        try run.willSend()
        let left = try await client.clearAttendance().records
        guard left == 0 else {
            throw RPCError(
                .internal, "the terminal still counts \(left.map { "\($0)" } ?? "no") records",
                command: .maybeDone)
        }
        return ClearLogResult(
            cleared: UInt32(clamping: read.log.count), sequence: sequence,
            gateway: gateway.clipped(toBytes: 256))
    }

    /// Waits until the gateway has stored the log up to `sequence`.
    private static func holdsCopy(
        _ registry: Registry.Client, _ location: String, _ logID: [UInt8], _ sequence: UInt64,
        _ gateway: String, loop: EventLoop, _ run: CommandRun
    ) async throws {
        var last: UInt64 = 0
        // Batches take a moment; a gateway that is far behind takes longer than anyone waits.
        for _ in 0..<50 {
            try run.check()
            let copy = try await registry.copyState(
                CopyRequest(location: location), CallOptions(timeout: .seconds(5)))
            if copy.logID == logID, copy.lastSequence >= sequence { return }
            last = copy.logID == logID ? copy.lastSequence : 0
            try await loop.sleep(for: .milliseconds(200))
        }
        throw RPCError(
            .failedPrecondition,
            "\(gateway) holds the log up to entry \(last) of \(sequence): wait until it has all",
            command: .notSent)
    }
}
