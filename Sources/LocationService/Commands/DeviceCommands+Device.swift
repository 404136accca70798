import MeshAPI
import RPCRuntime
import ZKProtocol

extension DeviceCommands {
    func info(_ request: InfoRequest, _ call: ServerCall) async throws(RPCError) -> DeviceInfo {
        let member = try find(request.target)
        return try await run(on: member, call) { client, contact, run in
            let identity = try await client.identity()
            let sizes = try await client.freeSizes()
            let clock = try await contact.clock(client)
            let algorithm = try await client.option("~ZKFPVersion") ?? ""
            return DeviceInfo(
                serial: identity.serial.clipped(toBytes: 64), name: member.settings.name,
                model: identity.name.clipped(toBytes: 128),
                platform: identity.platform.clipped(toBytes: 128),
                firmware: identity.firmware.clipped(toBytes: 128),
                mac: identity.mac.clipped(toBytes: 64),
                fingerprintAlgorithm: algorithm.clipped(toBytes: 32),
                localTime: clock.shown.description, clockOffsetMilliseconds: clock.offset,
                users: sizes.users.map { UInt32(clamping: $0) },
                userCapacity: UInt32(clamping: sizes.userCapacity),
                records: sizes.records.map { UInt32(clamping: $0) },
                recordCapacity: UInt32(clamping: sizes.recordCapacity),
                fingerprints: UInt32(clamping: sizes.fingerprints),
                fingerprintCapacity: UInt32(clamping: sizes.fingerprintCapacity),
                faces: UInt32(clamping: sizes.faces),
                faceCapacity: UInt32(clamping: sizes.faceCapacity),
                administrators: UInt32(clamping: sizes.admins))
        }
    }

    func setTime(
        _ request: SetTimeRequest, _ call: ServerCall
    ) async throws(RPCError) -> SetTimeResult {
        let member = try find(request.target)
        let (result, receipt) = try await change(
            member, Order(command: "set-time"), call
        ) { client, contact, run in
            try await contact.setClock(client) { () throws in try run.willSend() }
        }
        return SetTimeResult(
            receipt: receipt, offsetBeforeMilliseconds: result.before,
            offsetAfterMilliseconds: result.after)
    }

    func restart(
        _ request: RestartRequest, _ call: ServerCall
    ) async throws(RPCError) -> CommandReceipt {
        let order = Order(command: "restart")
        try check(location: request.target.location)
        if push.owns(request.target.device) {
            return try await pushed(.restart, request.target, order, call)
        }
        let member = try find(request.target)
        return try await change(member, order, call) { client, contact, run in
            try run.willSend()
            try await client.restart()
            contact.endsAfterCommand = "the terminal was restarted by command"
        }.1
    }

    func unlock(
        _ request: UnlockRequest, _ call: ServerCall
    ) async throws(RPCError) -> CommandReceipt {
        let seconds = request.seconds == 0 ? 3 : request.seconds
        let order = Order(command: "unlock", arguments: "seconds=\(seconds)")
        try check(location: request.target.location)
        if push.owns(request.target.device) {
            return try await pushed(.unlock, request.target, order, call)
        }
        let member = try find(request.target)
        return try await change(member, order, call) { client, contact, run in
            try run.willSend()
            try await client.unlock(seconds: UInt16(clamping: seconds))
        }.1
    }

    /// Puts the command into the queue of a terminal that pushes.
    func pushed(
        _ command: PushOrder, _ target: DeviceTarget, _ order: Order, _ call: ServerCall
    ) async throws(RPCError) -> CommandReceipt {
        let timeout = timeout(of: call) ?? .seconds(120)
        return try await changeLocation(target.device, order, call) { () throws(RPCError) in
            try await push.perform(command, on: target.device, timeout: timeout)
        }.1
    }

    func checkDevice(
        _ request: CheckDeviceRequest, _ call: ServerCall
    ) async throws(RPCError) -> CheckReport {
        let member = try find(request.target)
        let name = member.settings.name
        let hasKey = (member.settings.commKey ?? 0) != 0
        var findings = try await run(on: member, call) { client, contact, run in
            let identity = try await client.identity()
            let sizes = try await client.freeSizes()
            let clock = try await contact.clock(client)
            return Self.findings(name, identity, sizes, clock.offset)
        }
        if !hasKey {
            findings.append(
                Finding(
                    area: "device", subject: name, level: .warning,
                    message: "no comm key: anyone on its network can open it",
                    hint: "set one at the terminal, and give it to the location"))
        }
        if let status = board.status(of: name) {
            let through = status.completeThrough.map { "complete through \($0)" }
            findings.append(
                Finding(
                    area: "device", subject: name, level: status.cause.isEmpty ? .ok : .warning,
                    message: status.cause.isEmpty ? through ?? "not yet read" : status.cause))
        }
        return CheckReport(findings: findings)
    }

    private static func findings(
        _ name: String, _ identity: DeviceIdentity, _ sizes: FreeSizes, _ offset: Int64?
    ) -> [Finding] {
        func finding(_ level: CheckLevel, _ message: String, _ hint: String = "") -> Finding {
            Finding(
                area: "device", subject: name, level: level,
                message: message.clipped(toBytes: 1024), hint: hint)
        }
        var findings = [
            finding(
                .ok, "answers as \(identity.serial), \(identity.platform), \(identity.firmware)")
        ]
        switch offset {
        case nil:
            findings.append(
                finding(.failure, "its clock shows no real date", "ctl device set-time \(name)"))
        case let offset?:
            let message = "clock \(abs(offset) / 1000) s \(offset < 0 ? "behind" : "ahead")"
            let level: CheckLevel =
                abs(offset) <= 60_000 ? .ok : abs(offset) <= 600_000 ? .warning : .failure
            findings.append(
                finding(level, message, level == .ok ? "" : "ctl device set-time \(name)"))
        }
        if let records = sizes.records, sizes.recordCapacity > 0 {
            let percent = records * 100 / sizes.recordCapacity
            findings.append(
                finding(
                    percent >= 90 ? .warning : .ok,
                    "memory \(percent) % full (\(records) of \(sizes.recordCapacity) records)",
                    percent >= 90 ? "ctl device clear-log \(name)" : ""))
        }
        if sizes.admins == 0, (sizes.users ?? 0) > 0 {
            findings.append(
                finding(
                    .warning, "no administrator: anyone can open its menu",
                    "make one at the terminal, or with --role administrator"))
        }
        return findings
    }
}
