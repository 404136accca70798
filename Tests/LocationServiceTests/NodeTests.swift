import Attendance
import Foundation
import MeshAPI
import RPCRuntime
import ServiceKit
import TestSupport
import Testing
import Transport
import ZKProtocol

@testable import LocationService
@testable import zk_simulator

/// A whole location with a gateway's end of its link.
private final class Mesh: Sendable {
    let fixture: StoreFixture
    let certificates: Certificates
    let loop = EventLoop(name: "gateway")
    let server: RPCServer
    let address: SocketAddress
    let links: AsyncStream<RPCConnection>

    init() throws {
        fixture = try StoreFixture()
        certificates = try Certificates(["location/cairo", "gateway/main", "ctl/alice"])
        let (links, continuation) = AsyncStream.makeStream(of: RPCConnection.self)
        self.links = links
        server = RPCServer(
            tls: try TLSContext.mutual(
                certificate: certificates.certificate("gateway/main"),
                key: certificates.key("gateway/main"), ca: certificates.ca,
                trustDomain: "biometricflow", peerRoles: ["location"], isServer: true),
            loop: loop, services: [], onConnection: { continuation.yield($0) })
        address = try server.listen(on: SocketAddress(host: "127.0.0.1", port: 0))
    }

    func configuration(_ devices: [(name: String, address: String)]) throws
        -> LocationConfiguration
    {
        LocationConfiguration(
            origin: "test", name: "cairo",
            zone: try #require(ZoneRules("UTC")), store: fixture.path,
            tls: TLSConfiguration(
                certificate: certificates.certificate("location/cairo"),
                key: certificates.key("location/cairo"), ca: certificates.ca),
            gateways: [address.description],
            devices: devices.map { name, address in
                DeviceSettings(name: name, address: address, pollInterval: .milliseconds(200))
            }, logLevel: .error, logFormat: .text)
    }

    /// Runs the location; `body` gets its first link.
    func run(
        _ devices: [(name: String, address: String)],
        _ body: (RPCConnection) async throws -> Void
    ) async throws {
        let node = try LocationNode(
            configuration(devices), surroundings: fixture.surroundings, log: .silent)
        let running = Task { try await node.run() }
        do {
            var links = links.makeAsyncIterator()
            let link = try #require(await links.next())
            #expect(link.peer.description == "spiffe://biometricflow/location/cairo")
            try await body(link)
        } catch {
            running.cancel()
            _ = await running.result
            throw error
        }
        running.cancel()
        try await running.value
    }

    func close() async {
        await server.shutdown(grace: .milliseconds(200))
        loop.shutdown()
    }
}

/// Follows until `isEnough` says so of everything received so far.
private func follow(
    _ link: RPCConnection, logID: [UInt8] = [], after: UInt64 = 0,
    until isEnough: @Sendable ([LogBatch]) -> Bool
) async throws -> [LogBatch] {
    try await Log.Client(link).follow(FollowLog(logID: logID, after: after)) {
        (responses: MessageStream<LogBatch>) async throws(RPCError) -> [LogBatch] in
        var batches: [LogBatch] = []
        var iterator = responses.makeAsyncIterator()
        while !isEnough(batches), let batch = try await iterator.next() { batches.append(batch) }
        return batches
    }
}

@Suite(.ownThread, .timeLimit(.minutes(10))) struct NodeTests {
    private func with(
        records: Int, _ body: (Mesh, Terminals, RPCConnection) async throws -> Void
    ) async throws {
        let mesh = try Mesh()
        let terminals = try Terminals(records: records)
        do {
            try await mesh.run([("door", terminals.address)]) { link in
                try await body(mesh, terminals, link)
            }
        } catch {
            await terminals.stop()
            await mesh.close()
            throw error
        }
        await terminals.stop()
        await mesh.close()
    }

    @Test func `a follower gets every entry in order, and then heartbeats`() async throws {
        try await with(records: 1700) { _, terminals, link in
            let batches = try await follow(link) { batches in
                batches.contains { batch in
                    batch.devices.contains { $0.completeThrough != nil }
                }
            }
            let entries = batches.flatMap(\.entries)
            #expect(entries.map(\.sequence) == Array(1...UInt64(entries.count)))
            let punches = entries.compactMap(\.punch)
            #expect(
                Set(punches.map { [$0.user, $0.localTime, "\($0.state)"] }) == terminals.truth)
            #expect(Set(batches.map(\.logID)).count == 1)
            // What a heartbeat says is covered by the entries before it.
            let covered = try #require(
                batches.firstIndex { $0.devices.contains { $0.completeThrough != nil } })
            let before = batches[...covered].flatMap(\.entries).compactMap(\.punch)
            #expect(before.count == 1700)
            let more = try await follow(
                link, logID: batches[0].logID, after: UInt64(entries.count)
            ) { $0.count { $0.entries.isEmpty } >= 2 }
            #expect(more.last?.devices.first?.device.serial == "CEXA000000001")
        }
    }

    @Test func `a new punch reaches a follower`() async throws {
        try await with(records: 20) { _, terminals, link in
            let user = try #require(terminals.simulator.userIDs.first)
            let first = try await follow(link) { batches in
                batches.flatMap(\.entries).contains { $0.watermark != nil }
            }
            let record = try #require(terminals.simulator.punch(user, state: 5, verify: 1))
            let last = try #require(first.last?.entries.last?.sequence)
            let second = try await follow(link, logID: first[0].logID, after: last) { batches in
                batches.flatMap(\.entries).contains {
                    $0.punch?.user == user && $0.punch?.state == 5
                }
            }
            let punch = second.flatMap(\.entries).compactMap(\.punch).first { $0.state == 5 }
            #expect(punch?.localTime == record.time.description)
        }
    }

    @Test func `another log's follower begins at the first entry`() async throws {
        try await with(records: 20) { _, _, link in
            _ = try await follow(link) { $0.flatMap(\.entries).count >= 20 }
            let batches = try await follow(
                link, logID: [UInt8](repeating: 9, count: 16), after: 15
            ) { !$0.flatMap(\.entries).isEmpty }
            #expect(batches.flatMap(\.entries).first?.sequence == 1)
        }
    }

    @Test func `a log id of the wrong length is refused`() async throws {
        try await with(records: 5) { _, _, link in
            let error = await #expect(throws: RPCError.self) {
                _ = try await follow(link, logID: [1, 2, 3]) { !$0.isEmpty }
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func `status, punches and check tell what the location has`() async throws {
        try await with(records: 300) { _, terminals, link in
            _ = try await follow(link) { batches in
                batches.contains { $0.devices.contains { $0.completeThrough != nil } }
            }
            let client = Location.Client(link)
            let status = try await client.status(StatusRequest())
            #expect(status.location == "cairo" && status.zone == "UTC")
            #expect(status.devices.map(\.state) == [.online])
            #expect(status.devices.first?.punches == 300)
            var punches: [LocatedPunch] = []
            while true {
                let page = try await client.listPunches(
                    ListLocationPunches(after: punches.last?.sequence ?? 0, limit: 128))
                punches += page.punches
                if page.punches.count < 128 { break }
            }
            #expect(
                Set(punches.map { [$0.punch.user, $0.punch.localTime, "\($0.punch.state)"] })
                    == terminals.truth)
            let none = try await client.listPunches(ListLocationPunches(device: "other"))
            #expect(none.punches.isEmpty)
            let error = await #expect(throws: RPCError.self) {
                _ = try await client.listPunches(ListLocationPunches(limit: 1001))
            }
            #expect(error?.code == .invalidArgument)
            #expect(status.alarms.isEmpty)
            let device = try #require(status.devices.first)
            #expect(device.memory?.percentFull == 0 && device.recordsOnDevice == 300)
            let looks = try await client.listClock(ListClock(device: device.device.serial))
            // The terminal's clock stands still, so that each look finds it further behind.
            #expect(looks.data.map(\.offsetMilliseconds).contains(device.clockOffsetMilliseconds))
            #expect(try await client.listClock(ListClock(before: looks.next)).data.isEmpty)
            #expect(try await client.listExceptions(ListExceptions()).data.isEmpty)
            for limit in [1001, .max] as [UInt32] {
                await #expect(throws: RPCError.self) {
                    _ = try await client.listClock(ListClock(limit: limit))
                }
                await #expect(throws: RPCError.self) {
                    _ = try await client.listExceptions(ListExceptions(limit: limit))
                }
            }
            let findings = try await client.check(CheckRequest()).findings
            let areas = Set(findings.map(\.area))
            #expect(areas == ["configuration", "certificates", "store", "link", "device"])
            // The simulated clock stands still, years from the fixture's.
            #expect(findings.contains { $0.level == .failure && $0.message.contains("clock") })
            #expect(findings.contains { $0.area == "store" && $0.level == .ok })
            #expect(findings.contains { $0.message.contains("no comm key") })
        }
    }

    @Test func `certificates of another role or name are refused before anything is dialled`()
        throws
    {
        let mesh = try Mesh()
        var configuration = try mesh.configuration([])
        configuration.name = "riyadh"
        let wrongName = try #require(throws: ConfigurationError.self) {
            _ = try LocationNode(
                configuration, surroundings: mesh.fixture.surroundings, log: .silent)
        }
        #expect(wrongName.message.contains("`cairo`") && wrongName.message.contains("`riyadh`"))
        configuration.name = nil
        configuration.tls.certificate = mesh.certificates.certificate("ctl/alice")
        configuration.tls.key = mesh.certificates.key("ctl/alice")
        let wrongRole = try #require(throws: ConfigurationError.self) {
            _ = try LocationNode(
                configuration, surroundings: mesh.fixture.surroundings, log: .silent)
        }
        #expect(wrongRole.message.contains("ctl/alice"))
    }
}
