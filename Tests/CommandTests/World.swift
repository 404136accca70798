import Attendance
import Foundation
import MeshAPI
import RPCRuntime
import ServiceKit
import Synchronization
import TestSupport
import Testing
import Transport
import ZKProtocol

@testable import GatewayService
@testable import LocationService
@testable import ctl
@testable import zk_simulator

/// A simulated terminal with a clock that runs.
final class SimulatedTerminal: Sendable {
    let loop = EventLoop(name: "terminal")
    let simulator: Simulator
    private let serving: Task<Void, Never>

    init(
        serial: String, users: Int = 10, records: Int = 40, host: String = "127.0.0.1",
        clock: DeviceClock = DeviceClock(), also: [DeviceUser] = [],
        port: UInt16 = 0, _ change: (inout DeviceModel) -> Void = { _ in },
        prepare: (inout zk_simulator.Device) -> Void = { _ in }
    ) throws {
        var model = DeviceModel()
        model.serial = serial
        change(&model)
        let population = Population(seed: 7, users: users)
        let log = try #require(population.log(records: records, lastDay: 20_453))
        var device = zk_simulator.Device(
            model: model, users: population.users + also, log: log, clock: clock)
        prepare(&device)
        let simulator = try Simulator(
            device, at: SocketAddress(host: host, port: port), on: loop, now: { Self.now() })
        self.simulator = simulator
        serving = Task(executorPreference: loop) { await simulator.run() }
    }

    static func now() -> Now {
        let milliseconds = Int64(Date().timeIntervalSince1970 * 1000)
        return Now(trueTime: milliseconds, placeTime: milliseconds)
    }

    var address: String { simulator.address.description }
    var device: zk_simulator.Device { simulator.device }
    func user(_ id: String) -> DeviceUser? { device.users.first { $0.userID == id } }

    func stop() async {
        serving.cancel()
        await serving.value
        loop.shutdown()
    }
}

/// Named here, where nothing else is called `ctl`.
private typealias OperatorSurroundings = ctl.Surroundings

/// What a run of `ctl` printed, and how it ended.
struct Run: Sendable {
    var exitCode: Terminal.ExitCode
    var output: String
    var errors: String
}

/// What several threads write.
final class Lines: Sendable {
    private let all = Lock("")
    var text: String { all.withLock { $0 } }
    func add(_ piece: String) { all.withLock { $0 += piece } }
}

/// A gateway, a location that is linked to it, and terminals: all through real sockets.
final class World: Sendable {
    let folder: TemporaryDirectory
    let certificates: Certificates
    let terminals: [SimulatedTerminal]
    let gateway: Gateway
    let loop = EventLoop(name: "operator")
    private let location = Lock<Task<Void, any Error>?>(nil)
    private let serving: Task<Void, Never>
    private let lines = Lines()
    private let configuration: LocationConfiguration

    /// What location and gateway wrote to their logs.
    var logged: String { lines.text }

    var store: String { folder.file("location.db") }

    init(
        _ terminals: [SimulatedTerminal], named names: [String]? = nil,
        _ change: (inout LocationConfiguration) -> Void = { _ in }
    ) async throws {
        self.terminals = terminals
        let folder = try TemporaryDirectory()
        self.folder = folder
        certificates = try Certificates(["gateway/main", "location/cairo", "ctl/alice"])
        try """
        {
            mesh: { listen: "127.0.0.1:0" }, http: { listen: "127.0.0.1:0" },
            tls: {
                certificate: "\(certificates.certificate("gateway/main"))",
                key: "\(certificates.key("gateway/main"))", ca: "\(certificates.ca)",
            },
        }
        """.write(toFile: folder.file("gateway.json5"), atomically: true, encoding: .utf8)
        let clock = ContinuousClock()
        let start = clock.now
        let gateway = try await Gateway(
            GatewayConfiguration(file: folder.file("gateway.json5"), environment: [:]),
            GatewaySurroundings(
                now: { World.now() }, uptime: { start.duration(to: clock.now) },
                random: { Crypto.randomBytes($0) }),
            log: Self.logger(lines))
        self.gateway = gateway
        serving = Task { await gateway.run() }
        var configuration = LocationConfiguration(
            origin: "test", name: "cairo", zone: try #require(ZoneRules("UTC")),
            store: folder.file("location.db"),
            tls: TLSConfiguration(
                certificate: certificates.certificate("location/cairo"),
                key: certificates.key("location/cairo"), ca: certificates.ca),
            gateways: [gateway.meshAddress.description],
            devices: zip(names ?? ["door", "gate"], terminals).map { name, terminal in
                DeviceSettings(
                    name: name, address: terminal.address, pollInterval: .milliseconds(300))
            }, clock: ClockPolicy(), templates: .forbidden, logLevel: .error, logFormat: .text)
        change(&configuration)
        self.configuration = configuration
        try startLocation()
    }

    private static func logger(_ lines: Lines) -> Logger {
        Logger(level: .debug, now: { (0, 0) }, write: { lines.add($0) })
    }

    static func now() -> Timestamp {
        Timestamp(millisecondsSince1970: Int64(Date().timeIntervalSince1970 * 1000)) ?? Timestamp()
    }

    func startLocation() throws {
        let node = try LocationNode(
            configuration,
            surroundings: LocationService.Surroundings(
                now: { World.now() }, steady: { ContinuousClock.now },
                randomBytes: { Crypto.randomBytes($0) }), log: Self.logger(lines))
        location.withLock { $0 = Task { try await node.run() } }
    }

    func stopLocation() async throws {
        let task = location.withLock { $0.take() }
        task?.cancel()
        try await task?.value
    }

    func stop() async {
        try? await stopLocation()
        await gateway.shutdown()
        await serving.value
        gateway.close()
        for terminal in terminals { await terminal.stop() }
        loop.shutdown()
    }

    /// Runs `body` when every terminal is read.
    static func with(
        _ terminals: [SimulatedTerminal], named names: [String]? = nil,
        _ change: (inout LocationConfiguration) -> Void = { _ in },
        _ body: (World) async throws -> Void
    ) async throws {
        let world = try await World(terminals, named: names, change)
        do {
            try await world.untilRead(names ?? Array(["door", "gate"].prefix(terminals.count)))
            try await body(world)
        } catch {
            await world.stop()
            throw error
        }
        await world.stop()
    }

    // MARK: Asking

    func dial(_ identity: String = "ctl/alice") async throws -> RPCConnection {
        let tls = try TLSContext.mutual(
            certificate: certificates.certificate(identity), key: certificates.key(identity),
            ca: certificates.ca, trustDomain: "biometricflow", peerRoles: ["gateway"],
            isServer: false)
        return try await RPCDialler(
            address: gateway.meshAddress.description, tls: tls, loop: loop
        ).connect()
    }

    /// Asks as an operator.
    func asOperator<Result>(
        _ body: (Devices.Client) async throws -> Result
    ) async throws -> Result {
        let connection = try await dial()
        defer { connection.close() }
        return try await body(Devices.Client(connection))
    }

    func target(_ device: String) -> DeviceTarget {
        DeviceTarget(location: "cairo", device: device)
    }

    func view(_ device: String) async throws -> DeviceView? {
        let connection = try await dial()
        defer { connection.close() }
        return try await Fleet.Client(connection).listDevices(ListDevices()).data
            .first { $0.name == device && $0.active }
    }

    /// Returns when `condition` holds.
    func until(_ condition: () async throws -> Bool) async throws {
        while try await !condition() { try await loop.sleep(for: .milliseconds(20)) }
    }

    func untilRead(_ names: [String]) async throws {
        for name in names {
            try await until {
                let view = try await self.view(name)
                return view?.state == .online && view?.completeThrough != nil
            }
        }
    }

    /// Runs `ctl` against the gateway.
    func ctl(_ arguments: [String], input: String = "", answer: String? = nil) async -> Run {
        let (output, errors) = (Lines(), Lines())
        let surroundings = OperatorSurroundings(
            environment: [
                "CTL_GATEWAY": gateway.meshAddress.description, "CTL_CA": certificates.ca,
                "CTL_CERT": certificates.certificate("ctl/alice"),
                "CTL_KEY": certificates.key("ctl/alice"),
            ], isTerminal: false, now: { World.now() }, random: { 0 }, read: { input },
            write: { piece, stream in
                switch stream {
                case .standardOutput: output.add(piece)
                case .standardError: errors.add(piece)
                }
                return true
            }, isInteractive: answer != nil, readLine: { answer })
        let code = await Ctl.run(arguments, surroundings)
        return Run(exitCode: code, output: output.text, errors: errors.text)
    }
}

extension RPCError {
    /// What it says of its command.
    var failure: CommandFailure { (try? detail(CommandFailure.self)) ?? CommandFailure() }
}
