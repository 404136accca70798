import HTTP
import MeshAPI
import RPCRuntime
import RPCServices
import ServiceKit
import Transport

/// The clocks and the randomness of a gateway, given by the program.
struct GatewaySurroundings: Sendable {
    var now: @Sendable () -> Timestamp
    /// A clock that never goes back.
    var uptime: @Sendable () -> Duration
    var random: @Sendable (Int) -> [UInt8]
}

/// A running gateway: the mesh's server, the followers of its links, and the edge.
final class Gateway: Sendable {
    let meshAddress: SocketAddress
    let httpAddress: SocketAddress
    let store: GatewayStore
    let links = LinkTable()
    private let meshLoop: EventLoop
    private let httpLoop: EventLoop
    private let storeThread: WorkerThread
    private let meshServer: RPCServer
    private let health: HealthService
    private let httpServer: HTTPServer
    /// From the edge to the mesh's server.
    private let edgeLink: RPCLink
    private let arrivals: AsyncStream<RPCConnection>
    private let endArrivals: @Sendable () -> Void
    private let certificates: CertificateWatch
    private let allowed: Set<String>
    private let surroundings: GatewaySurroundings
    private let log: Logger

    /// What calls and requests in progress get at shutdown.
    private static let grace = Duration.seconds(5)

    /// Opens the store and both listening sockets.
    init(
        _ configuration: GatewayConfiguration, _ surroundings: GatewaySurroundings, log: Logger
    ) async throws {
        try configuration.checkSecrets()
        let tls = try configuration.tls.context(peerRoles: ["location", "ctl"], isServer: true)
        let webTLS = try configuration.httpTLS.map {
            try TLSContext.webServer(certificate: $0.certificate, key: $0.key)
        }
        let pepper = try configuration.pepper(random: surroundings.random)
        storeThread = WorkerThread(name: "store")
        store = try GatewayStore(
            path: configuration.store, pepper: Array(pepper.revealText().utf8), thread: storeThread)
        try await store.register(configuration.locations)
        if store.wasReplaced {
            log.warning(
                "the store was put back from a copy: cursors given before are void",
                ["store": configuration.store])
        }
        meshLoop = EventLoop(name: "mesh")
        httpLoop = EventLoop(name: "http")
        allowed = Set(configuration.locations)
        self.surroundings = surroundings
        self.log = log

        let watched =
            [(purpose: "mesh", tls: tls)] + (webTLS.map { [(purpose: "edge", tls: $0)] } ?? [])
        certificates = CertificateWatch(
            watched, log: log, now: { surroundings.now().seconds })
        let query = FleetQuery(store: store, links: links, now: surroundings.now)
        let (arrivals, arrive) = AsyncStream.makeStream(of: RPCConnection.self)
        self.arrivals = arrivals
        endArrivals = { arrive.finish() }
        let checks = GatewayCheck(
            query: query, configuration: configuration.origin,
            certificates: certificates)
        let served = [
            Fleet.descriptor, Devices.descriptor, Registry.descriptor, Health.descriptor,
            Introspection.descriptor,
        ]
        let introspection = IntrospectionService(
            services: served + [Log.descriptor, Location.descriptor])
        health = HealthService(services: served.map(\.name))
        meshServer = RPCServer(
            tls: tls, loop: meshLoop,
            services: [
                Fleet.handlers(FleetService(query: query, checks: checks, log: log)),
                Devices.handlers(
                    DeviceCommandsService(links: links, now: surroundings.now, log: log)),
                Registry.handlers(RegistryService(store: store, log: log)),
                Health.handlers(health),
                Reflection.handlers(ReflectionService(served)),
                Introspection.handlers(introspection),
            ],
            log: { Self.write($0, to: log) }, onConnection: { arrive.yield($0) })
        introspection.observe(meshServer)
        let now = surroundings.now
        edgeLink = try Self.edgeLink(to: meshServer, on: meshLoop, configuration.tls)
        let (store, links) = (store, links)
        let edge = Edge(
            to: edgeLink, on: httpLoop, keys: APIKeys(store: store, now: now, log: log),
            isInTrouble: { store.isRefusing || links.haveAlarms },
            random: surroundings.random, log: log)
        httpServer = try HTTPServer(
            address: configuration.httpListen, loop: httpLoop, tls: webTLS,
            clock: HTTPClock(unixSeconds: { now().seconds }, uptime: surroundings.uptime),
            report: { Self.write($0, to: log) }
        ) { await edge.respond(to: $0) }
        httpAddress = httpServer.localAddress
        meshAddress = try meshServer.listen(on: configuration.meshListen)
    }

    /// The edge calls like any other peer, with a role of its own that no certificate can have here.
    static func edgeLink(
        to server: RPCServer, on loop: EventLoop, _ tls: TLSConfiguration
    ) throws -> RPCLink {
        guard let edge = PeerIdentity(uri: "spiffe://\(tls.trustDomain)/edge/gateway"),
            let own = PeerIdentity(uri: "spiffe://\(tls.trustDomain)/gateway/gateway")
        else {
            throw ConfigurationError("mesh.trustDomain is `\(tls.trustDomain)`, which is no name")
        }
        return RPCLink(RPCDialler(to: server.local(as: edge, to: own), loop: loop))
    }

    /// Serves until ``shutdown()``.
    func run() async {
        log.info(
            "serving", ["mesh": meshAddress.description, "http": httpAddress.description])
        async let edge: Void = httpServer.run()
        await withDiscardingTaskGroup { group in
            group.addTask { await self.certificates.run(on: self.meshLoop) }
            group.addTask {
                let random = self.surroundings.random
                await self.edgeLink.run(
                    random: { Double(random(1).first ?? 0) / 256 }, grace: Self.grace)
            }
            for await connection in arrivals where connection.peer.role == "location" {
                group.addTask(executorPreference: meshLoop) { await self.follow(connection) }
            }
            // At shutdown the calls that follow logs are the gateway's own to end.
            group.cancelAll()
        }
        await edge
        await store.close()
        log.info("stopped")
    }

    private func follow(_ connection: RPCConnection) async {
        let link = MeshLink(connection: connection)
        guard allowed.isEmpty || allowed.contains(link.location) else {
            log.warning(
                "refused a location that the configuration does not name",
                ["location": link.location, "from": link.address])
            await link.retire()
            return
        }
        log.info("following", ["location": link.location, "from": link.address])
        async let comparison: Void = compareSchemas(connection, link.location)
        let follower = LocationFollower(
            link: link, id: links.newLink(), store: store, links: links, now: surroundings.now,
            log: log)
        await follower.run()
        await comparison
    }

    /// Says what it means when a location was built from another age of the schemas.
    private func compareSchemas(_ connection: RPCConnection, _ location: String) async {
        do throws(RPCError) {
            let verdicts = try await RPCServices.compareSchemas(
                of: [Log.descriptor, Location.descriptor], with: connection)
            for verdict in verdicts {
                log.warning(
                    "the schemas differ", ["location": location, "verdict": verdict.description])
            }
        } catch {
            log.debug(
                "the schemas cannot be compared",
                ["location": location, "cause": error.description])
        }
    }

    /// Reads the certificates again, whether their files look changed or not.
    func reloadCertificates() { certificates.check(evenIfUnchanged: true) }

    /// Stops accepting, lets what is in progress finish, and ends; ``run()`` then returns.
    func shutdown() async {
        health.shutDown()
        httpServer.drain()
        endArrivals()
        await meshServer.shutdown(grace: Self.grace)
    }

    /// Ends the threads; after ``run()`` has returned, and not from one of them.
    func close() {
        meshLoop.shutdown()
        httpLoop.shutdown()
        storeThread.shutdown()
    }

    private static func write(_ event: RPCEvent, to log: Logger) {
        switch event.level {
        case .debug: log.debug("mesh", ["event": event.message])
        case .info: log.info("mesh", ["event": event.message])
        case .warning: log.warning("mesh", ["event": event.message])
        case .error: log.error("mesh", ["event": event.message])
        }
    }

    private static func write(_ event: HTTPServerEvent, to log: Logger) {
        switch event {
        case .handshakeFailed(let remote, let error):
            log.info(
                "edge refused a TLS handshake",
                ["from": remote.description, "cause": error.message])
        case .refused(let remote, let error):
            log.info(
                "edge refused a request",
                ["from": remote.description, "cause": error.description])
        case .crowded(let remote):
            log.warning("edge has too many connections", ["from": remote.description])
        case .acceptFailed(let error):
            log.error("edge cannot accept connections", ["cause": error.message])
        case .bodyFailed(let remote, let message):
            log.warning("edge cut an answer off", ["from": remote.description, "cause": message])
        }
    }
}
