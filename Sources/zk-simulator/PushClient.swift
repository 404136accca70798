import Synchronization
import Transport
import ZKProtocol

/// How a terminal pushes.
struct PushSetup: Sendable {
    enum Dialect: String, Sendable {
        case attendance = "att"
        case access = "acc"
    }

    var server: SocketAddress
    var dialect = Dialect.attendance
    /// Seconds between uploads; 0 uploads each punch at once.
    var interval = 0
    /// Whether the clock is set by the server's `Date` header.
    var takesClock = false
    /// In place of what the server says; for tests.
    var delay: Duration?
    var errorDelay: Duration?
    /// Rows in an upload.
    var batch = 200
    /// Whether polls carry `INFO`, and whether `VERIFY SUM` is known.
    var tellsInfo = true
    var knowsSum = true
    var commKey: String?
    /// What goes wrong on purpose, by the number of the upload, from 0.
    var cuts: [Int: PushHTTP.Cut] = [:]
}

/// A terminal that uploads its log to a server and fetches commands from it.
///
/// The simulator's device stays the truth: this only remembers how much of its log was taken.
final class PushClient: Sendable {
    struct Counters: Sendable {
        var uploads = 0
        var rowsTaken = 0
        var failures = 0
        var commands = 0
        var handshakes = 0
    }
    struct State: Sendable {
        var counters = Counters()
        /// How many rows of the log were taken.
        var position = 0
        var usersTaken = 0
        var hasHandshake = false
        var delay = Duration.seconds(10)
        var errorDelay = Duration.seconds(60)
        /// Seconds ahead of GMT, as the server says.
        var zone: Int64 = 0
        var toldInfo = ""
        var results: [String] = []
        var isListening = true
    }

    let simulator: Simulator
    let setup: PushSetup
    let loop: EventLoop
    let now: @Sendable () -> Now
    let state = Lock(State())

    init(
        _ simulator: Simulator, _ setup: PushSetup, on loop: EventLoop,
        now: @escaping @Sendable () -> Now
    ) {
        self.simulator = simulator
        self.setup = setup
        self.loop = loop
        self.now = now
    }

    var counters: Counters { state.withLock { $0.counters } }
    var model: DeviceModel { simulator.device.model }

    /// Whether the server has taken everything.
    var isIdle: Bool {
        let count = simulator.device.log.count
        return state.withLock { $0.hasHandshake && $0.position == count && $0.results.isEmpty }
    }

    /// Pushes until the task is cancelled.
    func run() async {
        let http = PushHTTP(to: setup.server, mac: model.mac, on: loop)
        defer { http.close() }
        while !Task.isCancelled {
            do throws(PushFailure) {
                if !state.withLock({ $0.hasHandshake }) { try await handshake(http) }
                try await serve(http)
            } catch {
                state.withLock { $0.counters.failures += 1 }
                let delay = setup.errorDelay ?? state.withLock { $0.errorDelay }
                guard (try? await loop.sleep(for: delay)) != nil else { return }
            }
        }
    }

    /// Uploads and polls until something fails or the server wants a new handshake.
    private func serve(_ http: PushHTTP) async throws(PushFailure) {
        let tick = Duration.milliseconds(20)
        var sincePoll: Duration?
        var sinceUpload = Duration.seconds(setup.interval)
        while !Task.isCancelled, state.withLock({ $0.hasHandshake }) {
            try await uploadUsers(http)
            if sinceUpload >= .seconds(setup.interval) {
                try await uploadLog(http)
                sinceUpload = .zero
            }
            let delay = setup.delay ?? state.withLock { $0.delay }
            if sincePoll.map({ $0 >= delay }) ?? true {
                try await poll(http)
                sincePoll = .zero
            }
            guard (try? await loop.sleep(for: tick)) != nil else { return }
            sincePoll = sincePoll.map { $0 + tick }
            sinceUpload += tick
        }
    }

    // MARK: Handshake

    private func handshake(_ http: PushHTTP) async throws(PushFailure) {
        if setup.dialect == .access { return try await register(http) }
        var query = "options=all&pushver=2.4.1&language=69&DeviceType=att&PushOptionsFlag=1"
        if let key = setup.commKey { query += "&pushcommkey=\(key)" }
        let reply = try await send(http, "cdata", query)
        guard reply.text.hasPrefix("GET OPTION FROM: \(model.serial)") else {
            throw PushFailure(description: "the handshake's answer is `\(reply.text)`")
        }
        take(options: reply)
        let options = "~DeviceName=\(model.name),MAC=\(model.mac),~Platform=\(model.platform)"
        _ = try await send(http, "cdata", "table=options", Array(options.utf8))
    }

    private func register(_ http: PushHTTP) async throws(PushFailure) {
        let first = try await send(
            http, "cdata", "options=all&pushver=3.1.2&DeviceType=acc")
        if !first.text.hasPrefix("registry=ok") {
            let parts = [
                "DeviceType=acc", "~DeviceName=\(model.name)", "FirmVer=\(model.firmware)",
                "MAC=\(model.mac)", "LockCount=1", "ReaderCount=2",
            ]
            let reply = try await send(
                http, "registry", "", Array(parts.joined(separator: ",").utf8))
            guard reply.text.hasPrefix("RegistryCode=") else {
                throw PushFailure(description: "the registration's answer is `\(reply.text)`")
            }
        }
        take(options: try await send(http, "push", "", []))
    }

    /// `name=value` lines.
    private func take(options reply: PushReply) {
        var options: [String: String] = [:]
        for line in reply.text.split(whereSeparator: \.isNewline) {
            guard let equals = line.firstIndex(of: "=") else { continue }
            options[line[..<equals].lowercased()] = String(line[line.index(after: equals)...])
        }
        let log = simulator.device.log
        state.withLock { state in
            state.hasHandshake = true
            state.counters.handshakes += 1
            let delay = options["delay"] ?? options["requestdelay"] ?? ""
            if let seconds = Int(delay) { state.delay = .seconds(seconds) }
            if let seconds = Int(options["errordelay"] ?? "") {
                state.errorDelay = .seconds(seconds)
            }
            if let zone = Int64(options["timezone"] ?? "") {
                // Whole hours, or minutes where it is none.
                state.zone = abs(zone) <= 14 ? zone * 3600 : zone * 60
            }
            switch options["attlogstamp"] {
            case "0"?: state.position = 0
            case "None"?, "9999"?: state.position = log.count
            case let stamp?:
                // The last second again: the server recognises what it has.
                let packed = UInt32(stamp) ?? 0
                state.position = log.firstIndex { $0.time.packed >= packed } ?? log.count
            case nil: break
            }
        }
        setClock(reply)
    }

    private func setClock(_ reply: PushReply) {
        guard setup.takesClock, let date = reply.date else { return }
        let zone = state.withLock { $0.zone }
        guard let time = LocalTime(secondsSince1970: date + zone) else { return }
        let now = now()
        simulator.edit { device in
            _ = device.clock.set(time, trueTime: now.trueTime, placeTime: now.placeTime)
        }
    }

    // MARK: Requests

    /// Sends a request; an answer that is not 200 is a failure, and one that says that the
    /// terminal is not known asks for a new handshake.
    func send(
        _ http: PushHTTP, _ endpoint: String, _ query: String, _ body: [UInt8]? = nil,
        cut: PushHTTP.Cut? = nil
    ) async throws(PushFailure) -> PushReply {
        let target =
            "/iclock/\(endpoint)?SN=\(model.serial)" + (query.isEmpty ? "" : "&" + query)
        let reply = try await http.send(target, body: body, cut: cut)
        guard reply.status == 200 else {
            if [401, 403, 406, 409].contains(reply.status) {
                state.withLock { $0.hasHandshake = false }
            }
            throw PushFailure(description: "\(endpoint) was answered with \(reply.status)")
        }
        return reply
    }

    // MARK: Polls

    private func poll(_ http: PushHTTP) async throws(PushFailure) {
        let device = simulator.device
        var query = ""
        if setup.tellsInfo, setup.dialect == .attendance {
            let firmware = model.firmware.split(separator: " ").joined(separator: "%20")
            query =
                "INFO=\(firmware),\(device.users.count),0,\(device.log.count)"
                + ",127.0.0.1,10,7,12,0,111"
        }
        let reply = try await send(http, "getrequest", query)
        setClock(reply)
        for line in reply.text.split(separator: "\n") where line.hasPrefix("C:") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            state.withLock { $0.counters.commands += 1 }
            let result = await execute(String(parts[2]), http)
            state.withLock { $0.results.append("ID=\(parts[1])&" + result) }
        }
        let results = state.withLock { $0.results }
        guard !results.isEmpty else { return }
        let body = results.joined(separator: "\n") + "\n"
        _ = try await send(http, "devicecmd", "", Array(body.utf8))
        state.withLock { $0.results.removeFirst(results.count) }
    }
}
