import Attendance
import MeshAPI
import RPCRuntime
import RPCServices
import ServiceKit
import Transport

/// A running location: its store, a session with each device, and a link to each gateway.
struct LocationNode: Sendable {
    let configuration: LocationConfiguration
    let surroundings: Surroundings
    let log: Logger
    let tls: TLSContext
    /// The name in the certificate.
    let name: String
    let certificates: CertificateWatch

    /// Reads the certificates; nothing is opened or dialled.
    init(
        _ configuration: LocationConfiguration, surroundings: Surroundings, log: Logger
    ) throws(ConfigurationError) {
        tls = try configuration.tls.context(peerRoles: ["gateway"], isServer: false)
        let file = configuration.tls.certificate
        guard let identity = tls.identity else {
            throw ConfigurationError(
                "\(file) has no SPIFFE URI such as spiffe://biometricflow/location/cairo")
        }
        let trustDomain = configuration.tls.trustDomain
        guard identity.role == "location", identity.trustDomain == trustDomain else {
            throw ConfigurationError(
                """
                \(file) is for \(identity); wanted is spiffe://\(trustDomain)/location/NAME
                """)
        }
        if let wanted = configuration.name, wanted != identity.name {
            throw ConfigurationError(
                "\(file) is for the location `\(identity.name)`, and `name` is `\(wanted)`")
        }
        name = identity.name
        self.configuration = configuration
        self.surroundings = surroundings
        self.log = log
        certificates = CertificateWatch(
            [(purpose: "mesh", tls: tls)], log: log, now: { surroundings.now().seconds })
    }

    /// Runs until the task is cancelled; then leaves the devices enabled, ends the links and
    /// closes the store.
    func run() async throws(StoreError) {
        let storeThread = WorkerThread(name: "store")
        defer { storeThread.shutdown() }
        let wakeUps = WakeUps()
        let devices = EventLoop(name: "devices")
        let mesh = EventLoop(name: "mesh")
        defer {
            devices.shutdown()
            mesh.shutdown()
        }
        guard let store = try await openStore(storeThread, wakeUps, devices) else { return }
        if store.opening == .replaced {
            log.warning(
                "the store was replaced by a copy; its log has a new id", ["store": store.path])
        }
        let board = DeviceBoard(wakeUps: wakeUps)
        let managed = try await managedDevices(store)
        let all = configuration.devices + managed
        await fill(board, store, all)
        try await store.retainPlaces(
            Dictionary(all.filter { !$0.isPush }.map { ($0.name, $0.address) }) { first, _ in first
            })
        let position = await store.position
        log.info(
            "location started",
            [
                "location": name, "zone": configuration.zone.name, "store": store.path,
                "entries": position.lastSequence, "devices": all.count,
                "gateways": configuration.gateways.count,
            ])
        let limiter = ReadLimiter(8)
        let finder = DeviceFinder(board: board, loop: devices, surroundings: surroundings, log: log)
        await withTaskGroup { group in
            let push = addPush(store, board, devices, to: &group)
            let roster = DeviceRoster { [self] member in
                DeviceSession(
                    settings: member.settings, zone: configuration.zone, store: store,
                    board: board, loop: devices, surroundings: surroundings,
                    log: log.with(["device": member.settings.name]), mailbox: member.mailbox,
                    limiter: limiter, finder: finder)
            }
            for settings in configuration.devices where !settings.isPush {
                _ = roster.add(settings, .configuration)
            }
            for settings in managed { _ = roster.add(settings, .command) }
            group.addTask { await roster.run() }
            let commands = DeviceCommands(
                location: name, store: store, roster: roster, board: board,
                push: push.map { ReceivedPush(receiver: $0) } ?? NoPushTerminals(),
                templates: configuration.templates,
                clock: configuration.clock, loop: devices, surroundings: surroundings, log: log)
            addLinks(store, board, mesh, commands, to: &group)
            group.addTask { await certificates.run(on: mesh) }
            group.addTask { await StoreWatch(store: store, loop: devices).run() }
            // Outside of the group, because followers must still be woken when it is cancelled:
            // each ends when it sees that its link is draining.
            let beating = Task { await beat(board, devices) }
            await group.waitForAll()
            beating.cancel()
            await beating.value
        }
        await store.close()
        log.info("location stopped")
    }

    /// Opens the store, and waits while its disk takes nothing; nil when the task is cancelled.
    private func openStore(
        _ thread: WorkerThread, _ wakeUps: WakeUps, _ loop: EventLoop
    ) async throws(StoreError) -> LocationStore? {
        let alarm = StoreAlarm(log: log, surroundings: surroundings)
        while true {
            do throws(StoreError) {
                let store = try LocationStore(
                    path: configuration.store, thread: thread, wakeUps: wakeUps,
                    surroundings: surroundings, alarm: alarm)
                try await store.declareZone(configuration.zone.name)
                var names = Set(configuration.devices.map(\.name))
                names.formUnion(try await store.managedDevices().map(\.name))
                if configuration.push != nil {
                    names.formUnion(try await store.approvedPush().map(\.name))
                }
                try await store.retainDevices(named: names)
                alarm.stored(alarm.entriesWanted)
                return store
            } catch {
                guard error.code == .unwritable else { throw error }
                alarm.failed(error)
            }
            guard (try? await loop.sleep(for: StoreWatch.interval)) != nil else { return nil }
        }
    }

    /// Lets followers hear from the location at least every two seconds.
    private func beat(_ board: DeviceBoard, _ loop: EventLoop) async {
        while (try? await loop.sleep(for: .milliseconds(1500))) != nil { board.beat() }
    }

    private func addLinks(
        _ store: LocationStore, _ board: DeviceBoard, _ loop: EventLoop,
        _ commands: DeviceCommands, to group: inout TaskGroup<Void>
    ) {
        let links = LinkBoard(configuration.gateways)
        let check = LocationCheck(
            configuration: configuration, name: name, tls: tls, store: store, board: board,
            links: links, surroundings: surroundings)
        let served = [
            Log.descriptor, Location.descriptor, Devices.descriptor, Health.descriptor,
        ]
        let services = [
            Health.handlers(HealthService(services: served.map(\.name))),
            Reflection.handlers(ReflectionService(served)),
            Log.handlers(LogService(store: store, board: board)),
            Location.handlers(
                LocationStatusService(
                    name: name, zone: configuration.zone.name, store: store, board: board,
                    check: check)),
            Devices.handlers(commands),
        ]
        for address in configuration.gateways {
            let log = log.with(["gateway": address])
            let random = surroundings.random
            let dialler = RPCDialler(
                address: address, tls: tls, loop: loop, services: services
            ) { event in
                if event.level == .warning || event.level == .error {
                    links.set(address, isUp: false, event.message)
                }
                log.link(event)
            }
            group.addTask {
                await dialler.run(random: { Double(random() >> 11) / Double(1 << 53) }) { link in
                    links.set(address, isUp: true, "\(link.peer)")
                }
            }
        }
    }

    /// The terminals that were added at run time; those of the configuration go before them.
    private func managedDevices(
        _ store: LocationStore
    ) async throws(StoreError) -> [DeviceSettings] {
        let configured = Set(configuration.devices.map(\.name))
        var found: [DeviceSettings] = []
        for device in try await store.managedDevices() {
            guard !configured.contains(device.name) else {
                log.warning(
                    "an added terminal has the name of one of the configuration, which counts",
                    ["device": device.name])
                continue
            }
            do {
                var settings = try DeviceSettings(device, commKey: "")
                settings.commKey = try CommKeyFolder(store: store.path).read(device.name)
                settings.clockPolicy = configuration.clock
                found.append(settings)
            } catch {
                log.error(
                    "an added terminal cannot be read",
                    ["device": device.name, "cause": "\(error)"])
            }
        }
        return found
    }

    /// Shows each device as it was last known, until its session says more.
    private func fill(
        _ board: DeviceBoard, _ store: LocationStore, _ devices: [DeviceSettings]
    ) async {
        let known = await store.allDevices()
        for settings in devices {
            var status = DeviceStatus(settings)
            if let record = known.first(where: {
                $0.device.name == settings.name && $0.device.active
            }) {
                status.take(record)
            }
            board.add(settings.name, status)
        }
    }
}

extension Logger {
    /// Writes what the RPC runtime says of a link.
    func link(_ event: RPCEvent) {
        switch event.level {
        case .debug: debug("link", ["event": event.message])
        case .info: info("link", ["event": event.message])
        case .warning: warning("link", ["event": event.message])
        case .error: error("link", ["event": event.message])
        }
    }
}
