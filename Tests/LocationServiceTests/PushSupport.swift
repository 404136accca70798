import Attendance
import Foundation
import HTTP
import MeshAPI
import RPCRuntime
import SQLite
import ServiceKit
import Synchronization
import TestSupport
import Testing
import Transport
import ZKProtocol

@testable import LocationService
@testable import zk_simulator

/// A location's receiver on a port of its own, which can be killed and started again.
final class PushBench: Sendable {
    let fixture: StoreFixture
    let loop = EventLoop(name: "push")
    let settings: PushConfiguration
    let devices: [DeviceSettings]
    private struct Running: Sendable {
        var store: LocationStore
        var board: DeviceBoard
        var receiver: PushReceiver
        var server: HTTPServer
        var task: Task<Void, Never>
    }
    private let running = Lock<Running?>(nil)
    private let port = Lock<UInt16>(0)

    init(
        serials: [String] = ["CEXA000000001"],
        _ change: (inout PushConfiguration) -> Void = { _ in }
    ) throws {
        fixture = try StoreFixture()
        var settings = PushConfiguration(listen: "127.0.0.1:0")
        settings.requestsPerMinute = 1_000_000
        settings.proofSeconds = 1
        settings.errorSeconds = 1
        change(&settings)
        self.settings = settings
        devices = serials.enumerated().map { index, serial in
            var device = DeviceSettings(name: "door \(index)", address: "push")
            device.serial = serial
            device.isPush = true
            return device
        }
        try start()
    }

    func start() throws {
        let store = try fixture.open()
        let board = DeviceBoard(wakeUps: store.wakeUps)
        let receiver = PushReceiver(
            settings: settings, devices: devices, zone: try #require(ZoneRules("UTC")),
            store: store, board: board, loop: loop, surroundings: fixture.surroundings,
            log: .silent)
        let server = try receiver.server(
            at: SocketAddress(host: "127.0.0.1", port: port.withLock { $0 }))
        port.withLock { $0 = server.localAddress.port }
        let task = Task { await receiver.run(server) }
        running.withLock {
            $0 = Running(
                store: store, board: board, receiver: receiver, server: server, task: task)
        }
    }

    /// Ends it as a kill does: whatever is under way is cut off.
    func kill() async {
        guard let running = running.withLock({ $0 }) else { return }
        running.task.cancel()
        await running.task.value
        await running.store.close()
        self.running.withLock { $0 = nil }
    }

    private func current() throws -> Running { try #require(running.withLock { $0 }) }

    var store: LocationStore { get throws { try current().store } }
    var board: DeviceBoard { get throws { try current().board } }
    var receiver: PushReceiver { get throws { try current().receiver } }
    var address: SocketAddress { get throws { try current().server.localAddress } }

    func close() async {
        await kill()
        loop.shutdown()
    }

    // MARK: Looking

    /// Returns when `condition` is true.
    func wait(for condition: () async throws -> Bool) async throws {
        while try await !condition() { try await loop.sleep(for: .milliseconds(10)) }
    }

    /// The punches in the store: user, local time, state.
    func punches(of serial: String? = nil) async throws -> [[String]] {
        var found: [[String]] = []
        var after: UInt64 = 0
        while true {
            let page = try await store.punches(ofDevice: serial, after: after, limit: 1000)
            guard let last = page.last else { return found }
            found += page.map { [$0.punch.user, $0.punch.localTime, "\($0.punch.state)"] }
            after = last.sequence
        }
    }

    func watermarks() async throws -> [Watermark] {
        try await store.entries(after: 0, limit: 100_000).compactMap(\.watermark)
    }

    func status(_ name: String = "door 0") throws -> DeviceStatus? { try board.status(of: name) }

    // MARK: Talking

    func connect() async throws -> ByteStream {
        try await ByteStream.connect(to: address, on: loop, timeout: .seconds(60))
    }

    /// Sends bytes, and returns all that comes until the server closes.
    func exchange(_ bytes: [UInt8]) async throws -> String {
        let stream = try await connect()
        defer { stream.close() }
        try await stream.write(bytes)
        var answer: [UInt8] = []
        while true {
            let piece = try await stream.read(timeout: .seconds(60))
            if piece.isEmpty { return String(decoding: answer, as: UTF8.self) }
            answer += piece
        }
    }

    /// One request; the status and the body of its answer.
    func request(
        _ target: String, _ body: [UInt8]? = nil, headers: [String] = []
    ) async throws -> (status: Int, body: String) {
        var head = "\(body == nil ? "GET" : "POST") \(target) HTTP/1.1\r\nHost: l\r\n"
        head += "Connection: close\r\n" + headers.map { $0 + "\r\n" }.joined()
        if let body { head += "Content-Length: \(body.count)\r\n" }
        let answer = try await exchange(Array((head + "\r\n").utf8) + (body ?? []))
        let status = try #require(
            answer.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        let end = try #require(answer.range(of: "\r\n\r\n"))
        return (status, String(answer[end.upperBound...]))
    }

    /// An upload of punches.
    func attlog(
        _ body: String, serial: String = "CEXA000000001", stamp: String = "9999"
    ) async throws -> (status: Int, body: String) {
        try await request(
            "/iclock/cdata?SN=\(serial)&table=ATTLOG&Stamp=\(stamp)", Array(body.utf8))
    }
}

/// A simulated terminal that pushes.
final class PushTerminals: Sendable {
    let loop = EventLoop(name: "terminal")
    let simulator: Simulator
    let client: PushClient
    private let task: Task<Void, Never>

    init(
        to server: SocketAddress, records: Int, users: Int = 20,
        serial: String = "CEXA000000001", _ change: (inout PushSetup) -> Void = { _ in }
    ) throws {
        var model = DeviceModel()
        model.serial = serial
        let population = Population(seed: 7, users: users)
        let log = try #require(population.log(records: records, lastDay: 20_453))
        let loop = self.loop
        let now: @Sendable () -> Now = {
            Now(trueTime: 1_772_438_400_000, placeTime: 1_772_438_400_000)
        }
        let simulator = try Simulator(
            Device(model: model, users: population.users, log: log),
            at: SocketAddress(host: "127.0.0.1", port: 0), on: loop, now: now)
        var setup = PushSetup(server: server)
        setup.delay = .milliseconds(40)
        setup.errorDelay = .milliseconds(40)
        change(&setup)
        let client = PushClient(simulator, setup, on: loop, now: now)
        self.simulator = simulator
        self.client = client
        task = Task(executorPreference: loop) { await client.run() }
    }

    /// What the log says: user, local time, state; sorted.
    var truth: [[String]] {
        simulator.device.log.map { [$0.userID, $0.time.description, "\($0.state)"] }
            .sorted { $0.joined() < $1.joined() }
    }

    func stop() async {
        task.cancel()
        await task.value
        loop.shutdown()
    }
}

extension [[String]] {
    /// In an order of its own, with repetitions.
    var ordered: [[String]] { sorted { $0.joined() < $1.joined() } }
}

extension LocationStore {
    /// Leaves the file no room to grow; the limit that it had.
    func fill() throws -> Int64 {
        guard case .integer(let limit)? = try database.first("PRAGMA max_page_count"),
            case .integer(let pages)? = try database.first("PRAGMA page_count")
        else { return 0 }
        try database.execute("PRAGMA max_page_count = \(pages)")
        return limit
    }

    func makeRoom(_ limit: Int64) throws {
        try database.execute("PRAGMA max_page_count = \(limit)")
    }
}

extension PushTerminals {
    /// As ``truth``, where rows say in or out and nothing else.
    var accessTruth: [[String]] {
        let rows = Set(
            simulator.device.log.map { record in
                let state = record.state < 2 ? "\(record.state)" : "255"
                return [record.userID, record.time.description, state]
            })
        return Array(rows).ordered
    }
}

/// A server that answers uploads as it is told.
final class FakeServer: Sendable {
    private let answers: Lock<[String]>
    private let bodies = Lock<[String]>([])

    init(_ answers: [String]) { self.answers = Lock(answers) }

    /// The bodies of the uploads so far.
    var uploads: [String] { bodies.withLock { $0 } }

    func server(on loop: EventLoop) throws -> HTTPServer {
        try HTTPServer(
            address: SocketAddress(host: "127.0.0.1", port: 0), loop: loop, tls: nil,
            clock: .system
        ) { [self] request in
            let target = request.head.target.raw
            if target.contains("options=all") {
                return .text(.ok, "GET OPTION FROM: CEXA000000001\nATTLOGStamp=0\nDelay=1\n")
            }
            let body = String(decoding: request.body, as: UTF8.self)
            if target.contains("table=ATTLOG") {
                bodies.withLock { $0.append(body) }
                let answer = answers.withLock { $0.isEmpty ? "OK" : $0.removeFirst() }
                return .text(.ok, answer)
            }
            let lines = body.split(separator: "\n").count
            return .text(.ok, target.contains("table=OPERLOG") ? "OK: \(lines)" : "OK")
        }
    }
}
