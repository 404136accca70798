import Foundation
import MeshAPI
import RPCRuntime
import ServiceKit
import Synchronization
import TestSupport
import Testing
import Transport

@testable import GatewayService

/// A whole gateway with certificates of its own, and what dials it.
final class GatewayFixture: Sendable {
    let folder: TemporaryDirectory
    let certificates: Certificates
    let gateway: Gateway
    let loop = EventLoop(name: "peer")

    init(locations: [String] = [], webTLS: Bool = false) async throws {
        let folder = try TemporaryDirectory()
        certificates = try Certificates([
            "gateway/main", "location/cairo", "location/riyadh", "ctl/ops",
        ])
        self.folder = folder
        let names = locations.map { "\"\($0)\"" }.joined(separator: ",")
        let web =
            webTLS
            ? """
            tls: {
                certificate: "\(certificates.certificate("gateway/main"))",
                key: "\(certificates.key("gateway/main"))",
            },
            """ : ""
        try """
        {
            // A gateway on free ports.
            mesh: { listen: "127.0.0.1:0" },
            tls: {
                certificate: "\(certificates.certificate("gateway/main"))",
                key: "\(certificates.key("gateway/main"))",
                ca: "\(certificates.ca)",
            },
            http: { listen: "127.0.0.1:0", \(web) },
            locations: [\(names)],
        }
        """.write(toFile: folder.file("gateway.json5"), atomically: true, encoding: .utf8)
        let clock = ContinuousClock()
        let start = clock.now
        gateway = try await Gateway(
            GatewayConfiguration(file: folder.file("gateway.json5"), environment: [:]),
            GatewaySurroundings(
                now: { at(100) }, uptime: { start.duration(to: clock.now) },
                random: { Crypto.randomBytes($0) }),
            log: .silent)
    }

    /// Runs `body` beside the gateway.
    static func with(
        locations: [String] = [], webTLS: Bool = false,
        _ body: (GatewayFixture) async throws -> Void
    ) async throws {
        let fixture = try await GatewayFixture(locations: locations, webTLS: webTLS)
        async let running: Void = fixture.gateway.run()
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(fixture)) } catch { outcome = .failure(error) }
        await fixture.gateway.shutdown()
        await running
        fixture.gateway.close()
        fixture.loop.shutdown()
        try outcome.get()
    }

    func dial(_ identity: String, services: [ServiceHandlers] = []) async throws -> RPCConnection {
        let tls = try TLSContext.mutual(
            certificate: certificates.certificate(identity), key: certificates.key(identity),
            ca: certificates.ca, trustDomain: "biometricflow", peerRoles: ["gateway"],
            isServer: false)
        return try await RPCDialler(
            address: gateway.meshAddress.description, tls: tls, loop: loop, services: services
        ).connect()
    }
}

/// A location's services over a log that grows when it is told to.
final class FakeLocation: Log.Service, Location.Service {
    private let name: String
    private let log = Lock(TestLog())
    private let growth = CommitSignal(latest: 0)

    init(_ name: String) { self.name = name }

    var handlers: [ServiceHandlers] { [Log.handlers(self), Location.handlers(self)] }

    func add(_ change: @Sendable (inout TestLog) -> Void) {
        let count = log.withLock { log in
            change(&log)
            return log.entries.count
        }
        growth.advance(to: Int64(count))
    }

    func follow(
        _ request: FollowLog, to responses: MessageWriter<LogBatch>, _ call: ServerCall
    ) async throws(RPCError) {
        var after = request.logID == log.withLock({ $0.id }) ? request.after : 0
        while !Task.isCancelled, !call.isDraining {
            let batch = log.withLock { $0.batch(after: after, count: 100) }
            try await responses.write(batch)
            after += UInt64(batch.entries.count)
            if after == batch.lastSequence { await growth.wait(after: Int64(after)) }
        }
    }

    func status(_ request: StatusRequest, _ call: ServerCall) async throws(RPCError)
        -> LocationStatus
    { LocationStatus(location: name) }

    func listPunches(_ request: ListLocationPunches, _ call: ServerCall)
        async throws(RPCError) -> LocationPunchPage
    { LocationPunchPage() }

    func listClock(_ request: ListClock, _ call: ServerCall) async throws(RPCError) -> ClockPage {
        ClockPage()
    }

    func listExceptions(_ request: ListExceptions, _ call: ServerCall)
        async throws(RPCError) -> ExceptionPage
    { ExceptionPage() }

    func check(_ request: CheckRequest, _ call: ServerCall) async throws(RPCError) -> CheckReport {
        CheckReport(findings: [
            Finding(area: "device", subject: "CK1", level: .warning, message: "clock is off")
        ])
    }
}

@Suite(.ownThread, .timeLimit(.minutes(10))) struct GatewayTests {
    @Test func `punches of a location reach an operator over the mesh as they come`()
        async throws
    {
        try await GatewayFixture.with { fixture in
            let cairo = FakeLocation("cairo")
            let link = try await fixture.dial("location/cairo", services: cairo.handlers)
            let ops = try await fixture.dial("ctl/ops")
            let fleet = Fleet.Client(ops)
            let users = try await fleet.tailPunches(PunchQuery()) {
                (pages: MessageStream<PunchPage>) async throws(RPCError) -> [String] in
                var iterator = pages.makeAsyncIterator()
                _ = try await iterator.next()
                cairo.add { log in
                    log.device("CK1")
                    for index in 0..<250 { log.punch("CK1", "\(index)", Int64(index)) }
                }
                var users: [String] = []
                while users.count < 250, let page = try await iterator.next() {
                    users += page.data.map(\.user)
                }
                return users
            }
            #expect(users == (0..<250).map(String.init))

            let locations = try await fleet.listLocations(ListLocations())
            #expect(locations.data.map(\.name) == ["cairo"])
            #expect(locations.data.first?.state == .linked)
            #expect(locations.data.first?.punches == 250)
            let report = try await fleet.check(CheckRequest())
            #expect(
                report.findings.map(\.area)
                    == ["configuration", "certificates", "store", "link", "device"])
            #expect(report.findings.last?.subject == "cairo/CK1")

            let copy = try await Registry.Client(link).copyState(CopyRequest(location: "cairo"))
            #expect(copy.lastSequence == 251)
            let error = await #expect(throws: RPCError.self) {
                _ = try await Registry.Client(link).copyState(CopyRequest(location: "riyadh"))
            }
            #expect(error?.code == .permissionDenied)
            #expect(error?.message.contains("cairo") == true)
            #expect(error?.message.contains("riyadh") == true)
        }
    }

    @Test func `a location's certificate opens no operator's method`() async throws {
        try await GatewayFixture.with { fixture in
            let link = try await fixture.dial(
                "location/cairo", services: FakeLocation("cairo").handlers)
            let fleet = Fleet.Client(link)
            let listing = await #expect(throws: RPCError.self) {
                _ = try await fleet.listLocations(ListLocations())
            }
            let reading = await #expect(throws: RPCError.self) {
                _ = try await fleet.listPunches(PunchQuery())
            }
            let making = await #expect(throws: RPCError.self) {
                _ = try await fleet.createKey(CreateKey(name: "mine"))
            }
            for error in [listing, reading, making] { #expect(error?.code == .permissionDenied) }
        }
    }

    @Test func `keys are made, listed and revoked over the mesh and obeyed by the edge`()
        async throws
    {
        try await GatewayFixture.with(locations: ["cairo"]) { fixture in
            let fleet = Fleet.Client(try await fixture.dial("ctl/ops"))
            let created = try await fleet.createKey(CreateKey(name: "payroll"))
            #expect(created.key.createdBy == "spiffe://biometricflow/ctl/ops")
            func status() async throws -> String {
                let stream = try await ByteStream.connect(
                    to: fixture.gateway.httpAddress, on: fixture.loop, timeout: .seconds(60))
                defer { stream.close() }
                try await stream.write(
                    Array(
                        ("GET /v1/locations HTTP/1.0\r\nAuthorization: Bearer "
                            + "\(created.token)\r\n\r\n").utf8))
                let answer = try await stream.read(timeout: .seconds(20))
                return String(decoding: answer.dropFirst(9).prefix(3), as: UTF8.self)
            }
            #expect(try await status() == "200")
            #expect(try await fleet.listKeys(ListKeys()).keys.map(\.name) == ["payroll"])
            _ = try await fleet.revokeKey(RevokeKey(id: created.key.id))
            #expect(try await status() == "401")
            // A location that is configured is named before it was ever seen.
            let list = try await fleet.listLocations(ListLocations())
            #expect(list.data.map(\.state) == [.unreachable])
            #expect(!list.complete)
        }
    }

    @Test func `curl reads the edge over TLS, and plain HTTP gets nothing there`() async throws {
        try await GatewayFixture.with(webTLS: true) { fixture in
            let address = fixture.gateway.httpAddress.description
            let secure = try await run(
                "/usr/bin/curl", ["-sk", "--max-time", "20", "https://\(address)/healthz"])
            #expect(secure.standardOutput == #"{"status":"ok"}"#)
            let plain = try await run(
                "/usr/bin/curl", ["-s", "--max-time", "20", "http://\(address)/healthz"])
            #expect(plain.status != 0)
            #expect(plain.standardOutput == "")
            let old = try await run(
                "/usr/bin/curl",
                ["-sk", "--max-time", "20", "--tls-max", "1.1", "https://\(address)/healthz"])
            #expect(old.status != 0)
        }
    }

    @Test func `a location that the configuration does not name is let go`() async throws {
        try await GatewayFixture.with(locations: ["riyadh"]) { fixture in
            let link = try await fixture.dial(
                "location/cairo", services: FakeLocation("cairo").handlers)
            #expect(await link.closed().code == .unavailable)
            #expect(try await fixture.gateway.store.copyState(of: "cairo") == nil)
        }
    }
}
