import Attendance
import HTTP
import MeshAPI
import RPCRuntime
import ServiceKit
import Synchronization
import Transport
import ZKProtocol

/// Receives what terminals push over HTTP, in the dialects of attendance and access firmware.
///
/// A terminal is the client and decides when it sends what. So an upload is answered only when its
/// rows are on the disk, a resend is recognised, and whatever cannot be stored now is refused in a
/// way that makes the terminal keep it.
final class PushReceiver: Sendable {
    let settings: PushConfiguration
    /// The terminals that the configuration lets push, by serial.
    let configured: [String: DeviceSettings]
    /// The names of all devices of the configuration.
    let configuredNames: Set<String>
    let zone: ZoneRules
    let store: LocationStore
    let board: DeviceBoard
    let loop: EventLoop
    let surroundings: Surroundings
    let log: Logger
    let commands: PushCommands
    let terminals = Lock<[String: PushTerminal]>([:])
    private let waiting: PushWaiting
    private let limiter: PushLimiter

    /// How long a terminal holds its serial number against another address.
    static let leaseDuration: Duration = .seconds(120)

    init(
        settings: PushConfiguration, devices: [DeviceSettings], zone: ZoneRules,
        store: LocationStore, board: DeviceBoard, loop: EventLoop, surroundings: Surroundings,
        log: Logger
    ) {
        self.settings = settings
        self.zone = zone
        self.store = store
        self.board = board
        self.loop = loop
        self.surroundings = surroundings
        self.log = log
        var configured: [String: DeviceSettings] = [:]
        for device in devices where device.isPush {
            if let serial = device.serial { configured[serial] = device }
        }
        self.configured = configured
        configuredNames = Set(devices.map(\.name))
        commands = PushCommands(surroundings: surroundings, loop: loop)
        waiting = PushWaiting(board: board, surroundings: surroundings)
        limiter = PushLimiter(
            perMinute: settings.requestsPerMinute, steady: surroundings.steady)
    }

    /// A server on `address`, which listens at once and serves when it is run.
    func server(at address: SocketAddress) throws(TransportError) -> HTTPServer {
        var options = HTTPServerOptions()
        options.limits.body = settings.bodyMax
        options.bodyBudget = settings.memoryMax
        // Terminals know no TLS as a rule; what may push is decided by serial and approval.
        options.allowsPlainAnywhere = true
        options.maxConnections = 2000
        let (start, steady, now) = (surroundings.steady(), surroundings.steady, surroundings.now)
        return try HTTPServer(
            address: address, loop: loop, tls: nil,
            clock: HTTPClock(
                unixSeconds: { now().seconds }, uptime: { start.duration(to: steady()) }),
            options: options, report: { [log] event in log.push(event) },
            handler: { [self] request in await handle(request) })
    }

    /// Serves until the task is cancelled.
    func run(_ server: HTTPServer) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            group.addTask { [self] in
                while (try? await loop.sleep(for: .seconds(5))) != nil { watch() }
            }
            await group.next()
            group.cancelAll()
        }
        stop()
    }

    // MARK: Requests

    /// Answers one request.
    func handle(_ request: HTTPRequest) async -> HTTPResponse {
        let call: PushCall
        do throws(PushCall.Refusal) {
            call = try PushCall(request)
        } catch {
            switch error {
            case .unknownPath: return .push("no such path\n", .notFound)
            case .wrongMethod: return .push("GET or POST\n", .methodNotAllowed)
            case .serial: return .push("no serial number that can be one\n", .badRequest)
            }
        }
        guard limiter.allows(call.serial + "@" + call.host) else {
            return .pushLater(.tooManyRequests, "too many requests\n", after: 30)
        }
        // Encryption cannot be spoken: see docs/PUSH.md.
        if call.endpoint == .exchange { return .push("no encryption here\n", .notFound) }
        do throws(StoreError) {
            if let refusal = try await admit(call) { return refusal }
            let response = try await answer(call)
            answered(call.serial)
            return response
        } catch {
            log.error("push upload is not stored", ["serial": call.serial, "cause": "\(error)"])
            update(call.serial) { $0.hasBacklog = true }
            return .pushLater(.unavailable, "cannot store now\n", after: settings.errorSeconds)
        }
    }

    private func answer(_ call: PushCall) async throws(StoreError) -> HTTPResponse {
        switch call.endpoint {
        case .cdata where call.isPost: return try await upload(call)
        case .cdata: return try await handshake(call)
        case .getrequest: return try await poll(call)
        case .devicecmd: return try await results(call)
        case .ping: return .push("OK")
        case .registry: return try await register(call)
        case .push: return accessOptions(call)
        case .querydata: return try await tableData(call)
        case .rtdata: return accessTime()
        case .exchange, .file: return .push("no such path\n", .notFound)
        }
    }

    // MARK: Who may push

    /// Nil where the terminal may; else what it is told.
    private func admit(_ call: PushCall) async throws(StoreError) -> HTTPResponse? {
        let now = surroundings.steady()
        guard let identity = try await identity(of: call.serial) else {
            // Together, since serial numbers are easily made up.
            guard limiter.allows("@" + call.host) else {
                return .pushLater(.tooManyRequests, "too many requests\n", after: 30)
            }
            waiting.note(call.serial, from: call.host, log)
            if terminals.withLock({ $0.removeValue(forKey: call.serial) }) != nil {
                commands.forget(call.serial)
            }
            return refuseUnapproved(call)
        }
        waiting.remove(call.serial)
        if let key = settings.commKey, let refusal = check(key, call) { return refusal }
        let known = terminals.withLock { $0[call.serial] }
        guard let known, known.name == identity.name else {
            if let known { board.remove(known.name) }
            return try await welcome(call, identity)
        }
        if let refusal = rival(of: known, call, now) { return refusal }
        update(call.serial) { terminal in
            terminal.lastSeen = now
            terminal.host = call.host
            if let mac = call.mac { terminal.mac = mac }
        }
        show(call.serial)
        return nil
    }

    private func identity(
        of serial: String
    ) async throws(StoreError) -> (name: String, clockMode: ClockMode)? {
        if let device = configured[serial] { return (device.name, device.clockMode) }
        if let name = try await store.pushName(of: serial), !configuredNames.contains(name) {
            return (name, .zone)
        }
        if settings.approval == .everyone {
            let name = serial
            guard try await store.approvePush(serial: serial, name: name) == .approved else {
                return nil
            }
            return (name, .zone)
        }
        return nil
    }

    private func refuseUnapproved(_ call: PushCall) -> HTTPResponse {
        // Access firmware asks whether it is known before it registers.
        if call.endpoint == .registry { return .push("waits for approval\n", .notAcceptable) }
        if call.endpoint == .cdata, !call.isPost, call["devicetype"]?.lowercased() == "acc" {
            return .push("OK")
        }
        return .pushLater(.forbidden, "waits for approval\n", after: settings.errorSeconds)
    }

    /// The key comes with the handshake only, and counts until the service stops.
    private func check(_ key: Secret, _ call: PushCall) -> HTTPResponse? {
        if call.endpoint == .cdata, !call.isPost, call["options"] != nil {
            let given = Array((call["pushcommkey"] ?? "").utf8)
            let isRight = Crypto.constantTimeEqual(
                Crypto.sha256(given), Crypto.sha256(Array(key.revealText().utf8)))
            keys.withLock { keys in
                if isRight { keys.insert(call.serial) } else { keys.remove(call.serial) }
            }
            if !isRight {
                log.warning(
                    "terminal has the wrong push key",
                    ["serial": call.serial, "address": call.host])
            }
        }
        guard keys.withLock({ $0.contains(call.serial) }) else {
            return .pushLater(.unauthorized, "wrong key\n", after: settings.errorSeconds)
        }
        return nil
    }
    private let keys = Lock<Set<String>>([])

    /// A second terminal with this serial number is refused while the first is heard of.
    private func rival(
        of known: PushTerminal, _ call: PushCall, _ now: ContinuousClock.Instant
    ) -> HTTPResponse? {
        let isOther: Bool
        if let mine = known.mac, let other = call.mac {
            isOther = mine != other
        } else {
            isOther = known.host != call.host
        }
        guard isOther, known.lastSeen.duration(to: now) < Self.leaseDuration else { return nil }
        if known.rival == nil {
            log.error(
                "two terminals have the same serial number; the second is refused",
                ["serial": call.serial, "first": known.host, "second": call.host])
        }
        update(call.serial) { $0.rival = (call.host, now) }
        show(call.serial)
        return .pushLater(
            .conflict, "another terminal has this serial number\n", after: settings.errorSeconds)
    }

    /// Takes a terminal in at its first request since the start.
    private func welcome(
        _ call: PushCall, _ identity: (name: String, clockMode: ClockMode)
    ) async throws(StoreError) -> HTTPResponse? {
        if let other = board.claim(call.serial, for: identity.name) {
            log.error(
                "terminal pushes and is also read as another device",
                ["serial": call.serial, "device": identity.name, "other": other])
            return .pushLater(
                .conflict, "already read as another device\n", after: settings.errorSeconds)
        }
        let record = await store.record(of: call.serial)
        let counters = try await store.pushCounters(of: call.serial)
        var terminal = PushTerminal(
            serial: call.serial, name: identity.name, clockMode: identity.clockMode,
            host: call.host, mac: call.mac, lastSeen: surroundings.steady(),
            resolver: InstantResolver(zone: zone, mode: identity.clockMode),
            proof: PushProof(counters ?? PushCounters()))
        if let device = record?.device {
            (terminal.platform, terminal.firmware) = (device.platform, device.firmware)
        }
        let made = terminal
        // Another of its requests may have come first.
        let isFirst = terminals.withLock { terminals in
            guard terminals[call.serial]?.name != made.name else { return false }
            terminals[call.serial] = made
            return true
        }
        guard isFirst else { return nil }
        commands.know(call.serial, .attendance)
        board.add(identity.name, DeviceStatus(device: Device(name: identity.name)))
        try await declare(call.serial)
        log.info(
            "terminal pushes",
            ["device": identity.name, "serial": call.serial, "address": call.host])
        return nil
    }

    // MARK: What is known of terminals

    func update(_ serial: String, _ change: (inout PushTerminal) -> Void) {
        terminals.withLock { terminals in
            guard var terminal = terminals[serial] else { return }
            change(&terminal)
            terminals[serial] = terminal
        }
    }

    func terminal(_ serial: String) -> PushTerminal? { terminals.withLock { $0[serial] } }

    private func answered(_ serial: String) {
        let now = surroundings.now()
        update(serial) { $0.lastAnswer = now }
    }

    /// Puts the device into the log when it is new or has changed.
    func declare(_ serial: String) async throws(StoreError) {
        guard let terminal = terminal(serial) else { return }
        try await store.declareDevice(
            Device(
                serial: serial, name: terminal.name,
                platform: terminal.platform.clipped(toBytes: 128),
                firmware: terminal.firmware.clipped(toBytes: 128), address: "push", active: true,
                clockMode: terminal.clockMode.description,
                pollIntervalSeconds: UInt32(clamping: settings.pollSeconds), push: true))
        await refresh(serial)
    }

    /// Shows what the store knows.
    func refresh(_ serial: String) async {
        guard let name = terminal(serial)?.name, let record = await store.record(of: serial)
        else { return }
        board.update(name) { status in
            let onDevice = status.recordsOnDevice
            status.take(record)
            if onDevice > 0 { status.recordsOnDevice = onDevice }
        }
        show(serial)
    }

    /// Shows how the terminal is doing.
    func show(_ serial: String) {
        guard let terminal = terminal(serial) else { return }
        let now = surroundings.now()
        board.update(terminal.name) { status in
            status.device.address = terminal.host
            status.state = .online
            status.lastContact = now
            status.clockSource = "date header"
            status.proof = terminal.isProved ? .proved : .unproven
            status.cause =
                if let rival = terminal.rival {
                    "a second terminal at \(rival.host) has the same serial number; it is refused"
                } else if terminal.isProved {
                    ""
                } else {
                    "unproven: "
                        + (terminal.unproved.isEmpty ? "not yet counted" : terminal.unproved)
                        .clipped(toBytes: 900)
                }
        }
    }

    /// Looks for terminals that have fallen silent.
    private func watch() {
        let now = surroundings.steady()
        let limit = Duration.seconds(
            max(60, 3 * settings.pollSeconds, 2 * settings.errorSeconds))
        for terminal in terminals.withLock({ Array($0.values) }) {
            if let rival = terminal.rival, rival.at.duration(to: now) > Self.leaseDuration * 5 {
                update(terminal.serial) { $0.rival = nil }
            }
            let silence = terminal.lastSeen.duration(to: now)
            guard silence > limit else { continue }
            board.update(terminal.name) { status in
                status.state = .failing
                status.cause = "has not been heard of for \(limit.components.seconds) s or more"
            }
        }
        waiting.sweep()
    }

    private func stop() {
        for terminal in terminals.withLock({ Array($0.values) }) {
            commands.forget(terminal.serial)
            board.release(terminal.name)
            board.update(terminal.name) { $0.state = .stopped }
        }
    }

    /// How far the place's clocks are ahead of GMT at this moment, in seconds.
    func offset(of mode: ClockMode) -> Int64 { offset(of: mode, at: surroundings.now().seconds) }

    private func offset(of mode: ClockMode, at instant: Int64) -> Int64 {
        switch mode {
        case .zone: zone.offset(at: instant)
        case .fixed(let seconds): seconds
        }
    }

    /// The wall time that the place's clocks show at an instant, `YYYY-MM-DDThh:mm:ss`; nil outside
    /// 2000 to 2133.
    func wallTime(at instant: Int64, _ mode: ClockMode) -> String? {
        LocalTime(secondsSince1970: instant + offset(of: mode, at: instant))?.description
    }
}

extension Logger {
    /// Writes what the HTTP server says.
    fileprivate func push(_ event: HTTPServerEvent) {
        switch event {
        case .refused(let remote, let error):
            debug("push request refused", ["address": "\(remote)", "cause": "\(error)"])
        case .crowded(let remote):
            warning("too many push connections", ["address": "\(remote)"])
        case .acceptFailed(let cause):
            error("cannot accept push connections", ["cause": "\(cause)"])
        case .handshakeFailed, .bodyFailed: break
        }
    }
}
