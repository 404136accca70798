import Attendance
import MeshAPI
import RPCRuntime
import ServiceKit
import Transport
import ZKProtocol

/// Keeps one device's log in the store: connects, polls, listens, and connects again.
///
/// The poll is the truth and a live event its accelerator: what was announced is stored at once,
/// and the next poll proves that nothing is missing. Runs until its task is cancelled, and leaves
/// the device enabled whatever happens.
struct DeviceSession: Sendable {
    let settings: DeviceSettings
    let zone: ZoneRules
    let store: LocationStore
    let board: DeviceBoard
    let loop: EventLoop
    let surroundings: Surroundings
    let log: Logger
    /// Commands that wait for it.
    var mailbox = DeviceMailbox()
    /// Whole logs that are read at a time, of all devices together.
    var limiter = ReadLimiter(8)
    /// Looks for it where it is no longer at its address; nil never does.
    var finder: DeviceFinder?

    /// Returns when the task is cancelled.
    func run() async {
        let again = settings.patience.again
        var backoff = Backoff(initial: again.lowerBound, limit: again.upperBound)
        var place = await whereabouts()
        while !Task.isCancelled {
            update { status in
                if status.state != .failing { status.state = .connecting }
                status.nextAttempt = nil
            }
            let error: SessionError
            do throws(SessionError) {
                try await connectAndServe(&place) { backoff.reset() }
                break
            } catch let failure {
                error = failure
            }
            board.release(settings.name)
            if case .cancelled = error { break }
            let delay = backoff.delay(random: surroundings.random())
            let next = surroundings.now().advanced(by: delay)
            let due = surroundings.steady() + delay
            log.warning(
                "session with device failed", ["cause": "\(error)", "nextAttempt": "\(next)"])
            update { status in
                status.state = .failing
                status.cause = error.description.clipped(toBytes: 1024)
                status.nextAttempt = next
            }
            if await findAgain(after: error, &place) { continue }
            // The search has taken its time, too.
            let rest = max(surroundings.steady().duration(to: due), .zero)
            guard (try? await loop.sleep(for: rest)) != nil else { break }
        }
        board.release(settings.name)
        update { status in
            status.state = .stopped
            status.nextAttempt = nil
        }
    }

    func update(_ change: (inout DeviceStatus) -> Void) { board.update(settings.name, change) }

    private func connectAndServe(
        _ place: inout DeviceWhereabouts, _ onSuccess: () -> Void
    ) async throws(SessionError) {
        do {
            let text = place.next
            let address = try await resolve(text)
            place.dialled = DeviceWhereabouts.Dialled(text: text, address: address)
            let transport = try await transport(to: address, place.transport)
            place.transport = transport
            try await withZKClient(
                to: address, over: transport, commKey: settings.commKey, on: loop,
                options: options
            ) { client in
                var contact = try await identify(client, at: text, &place)
                try await contact.serve(client, onSuccess)
            }
        } catch {
            let failure = SessionError(error)
            // The terminal may have been exchanged for one of another kind.
            if case .device(let error) = failure, error.code == .unreachable {
                place.transport = settings.transport
            }
            throw failure
        }
    }

    private var options: ZKClient.Options {
        var options = ZKClient.Options(now: surroundings.steady)
        options.connectTimeout = settings.patience.connect
        options.requestTimeout = settings.patience.request
        options.bulkTimeout = settings.patience.bulk
        options.retryInterval = settings.patience.retry
        options.encoding = settings.encoding ?? .utf8
        options.guessesEncoding = settings.encoding == nil
        return options
    }

    private func transport(
        to address: SocketAddress, _ known: ZKTransport?
    ) async throws(ZKError) -> ZKTransport {
        if let known { return known }
        let found = try await ZKClient.probe(
            address, on: loop, options: options, patience: settings.patience.probe)
        if found == .udp {
            log.info("device answers over UDP and not over TCP", ["address": address])
        }
        return found
    }

    private func resolve(_ text: String) async throws(TransportError) -> SocketAddress {
        let (host, port) = try SocketAddress.split(text)
        let found = try await SocketAddress.resolve(
            host, port: port, on: loop, timeout: .seconds(5))
        guard let first = found.first else {
            throw TransportError(.invalidAddress, "\(text) has no address")
        }
        return first
    }

    /// Learns which device it is, and puts it into the log.
    private func identify(
        _ client: ZKClient, at address: String, _ place: inout DeviceWhereabouts
    ) async throws -> DeviceContact {
        try await enable(client)
        let identity = try await client.identity()
        let serial = identity.serial
        guard serial.utf8.count <= 64 else {
            throw SessionError.wrongDevice("the serial number has more than 64 bytes")
        }
        let sighting = DeviceFinder.Sighting(address: client.address, transport: client.transport)
        if let wanted = place.serial, wanted != serial {
            finder?.note(serial, sighting)
            try await alarm(wanted, serial, at: address)
            throw SessionError.foreign(
                """
                the device at \(address) has serial \(serial), and `\(settings.name)` is \
                \(wanted); where it was exchanged for good, tell its location with `serial`
                """)
        }
        if let other = board.claim(serial, for: settings.name) {
            throw SessionError.wrongDevice(
                """
                the device at \(address) with serial \(serial) is already read as `\(other)`
                """)
        }
        if settings.serial == nil,
            let other = try await store.otherName(of: serial, than: settings.name)
        {
            finder?.note(serial, sighting)
            throw SessionError.wrongDevice(
                "the device at \(address) with serial \(serial) is `\(other)`, which has moved")
        }
        let device = Device(
            serial: serial, name: settings.name, platform: identity.platform.clipped(toBytes: 128),
            firmware: identity.firmware.clipped(toBytes: 128), address: address,
            active: true,
            clockMode: settings.clockMode.description, pollIntervalSeconds: settings.pollSeconds,
            transport: client.transport.rawValue)
        try await store.declareDevice(device)
        let record = await store.record(of: serial)
        update { status in
            status.device = device
            status.state = .online
            status.cause = ""
            status.nextAttempt = nil
            status.lastContact = surroundings.now()
            if let record { status.take(record) }
        }
        try await settle(device, &place)
        log.info(
            "device online",
            [
                "serial": serial, "firmware": identity.firmware,
                "transport": client.transport.rawValue,
            ])
        return DeviceContact(
            session: self, log: log.with(["serial": serial]),
            reader: LogReader(
                serial: serial,
                resolver: InstantResolver(zone: zone, mode: settings.clockMode)))
    }
}

extension DeviceSession {
    /// A client that crashed may have left it disabled; one that does not know the command was not.
    private func enable(_ client: ZKClient) async throws(ZKError) {
        do throws(ZKError) {
            try await client.enable()
        } catch {
            guard error.code == .refused else { throw error }
        }
    }

    /// Another terminal answers at the address: somebody looks for this one.
    private func alarm(_ wanted: String, _ found: String, at address: String)
        async throws(StoreError)
    {
        let exception = DeviceException(
            device: wanted, at: surroundings.now(), kind: .wrongDevice,
            text: "\(address) answers with the serial number \(found)"
                .clipped(toBytes: 1024))
        let noted = try await store.recordException(exception)
        update { $0.lastException = noted }
    }
}

extension DeviceStatus {
    /// Takes over what the store knows.
    mutating func take(_ record: DeviceRecord) {
        device = record.device
        punches = record.punches
        recordsOnDevice = record.records
        // Never back to what was logged before: the log has not every watermark.
        completeThrough = [completeThrough, record.completeThrough].compactMap(\.self).max()
        if clockMeasuredAt == nil {
            clockOffsetMilliseconds = record.clockOffsetMilliseconds ?? 0
            clockMeasuredAt = record.clockMeasuredAt
        }
        takeOutlook(record)
    }
}
