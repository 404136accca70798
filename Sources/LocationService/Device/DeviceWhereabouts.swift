import MeshAPI
import ServiceKit
import Transport
import ZKProtocol

/// Where a terminal was read the last time, as the store keeps it.
struct DevicePlace: Sendable, Hashable {
    /// The terminal's name in the location.
    var name: String
    /// The address that the configuration had; with another one, this place counts no more.
    var configured: String
    var serial: String
    /// The address at which it answered.
    var address: String
}

/// What a session knows of where its terminal is, and of which one it is.
struct DeviceWhereabouts: Sendable {
    let configured: String
    /// The serial number that it must have; nil before any is known.
    var serial: String?
    /// Where it was the last time, or was found since.
    var address: String
    /// How it is reached; nil to find out.
    var transport: ZKTransport?
    /// What the store has; nil before it was read once.
    var stored: DevicePlace?
    /// How often in a row it was not there.
    var absences = 0
    /// What was dialled the last time.
    var dialled: Dialled?

    /// An address as it is written, and what it stands for.
    struct Dialled: Sendable {
        var text: String
        var address: SocketAddress
    }

    /// What is dialled next: a terminal that has moved may have moved back, so every other time
    /// it is where the configuration has it.
    var next: String { absences.isMultiple(of: 2) ? address : configured }

    /// A place that the store has of another address, or of another terminal than the
    /// configuration wants, is none: the configuration was changed, and counts.
    init(_ settings: DeviceSettings, stored: DevicePlace?) {
        configured = settings.address
        transport = settings.transport
        serial = settings.serial
        address = settings.address
        guard let stored, stored.configured == settings.address,
            settings.serial == nil || settings.serial == stored.serial
        else { return }
        self.stored = stored
        serial = stored.serial
        address = stored.address
    }
}

extension DeviceSession {
    /// What the configuration and the store say.
    func whereabouts() async -> DeviceWhereabouts {
        DeviceWhereabouts(settings, stored: try? await store.place(of: settings.name))
    }

    /// Looks for the terminal where the failure says that it has gone elsewhere; true where it was
    /// found, and is to be dialled there at once.
    func findAgain(
        after error: SessionError, _ place: inout DeviceWhereabouts
    ) async -> Bool {
        guard error.isAbsence else { return false }
        place.absences += 1
        guard settings.findsAgain, let finder, let serial = place.serial,
            let last = place.dialled
        else { return false }
        var isDue = place.absences >= finder.patience.absences
        if case .foreign = error { isDue = true }
        guard isDue else { return false }
        let wanted = DeviceFinder.Wanted(
            name: settings.name, serial: serial, address: last.address, commKey: settings.commKey)
        guard let found = await finder.find(wanted) else { return false }
        log.info("device was found", ["serial": serial, "address": "\(found.address)"])
        // A name that stands for the address is as good.
        place.address = found.address == last.address ? last.text : found.address.description
        place.transport = settings.transport ?? found.transport
        place.absences = 0
        return true
    }

    /// The terminal is the right one: its place is kept, and told where it is another one.
    func settle(_ device: Device, _ place: inout DeviceWhereabouts) async throws(StoreError) {
        let before = place.stored?.address ?? place.configured
        let now = DevicePlace(
            name: settings.name, configured: place.configured, serial: device.serial,
            address: device.address)
        place.absences = 0
        place.serial = now.serial
        place.address = now.address
        finder?.isBack(settings.name)
        guard place.stored != now else { return }
        try await store.keep(now)
        place.stored = now
        guard before != now.address else { return }
        let text = "the terminal has moved from \(before) to \(now.address)"
        let noted = try await store.recordException(
            DeviceException(
                device: device.serial, at: surroundings.now(), kind: .moved, text: text))
        log.warning("device has moved", ["from": before, "to": now.address])
        update { $0.lastException = noted }
    }
}

extension SessionError {
    /// Whether the terminal may be elsewhere.
    ///
    /// One that asks for another comm key may be another terminal.
    var isAbsence: Bool {
        switch self {
        case .device(let error):
            switch error.code {
            case .unreachable, .timedOut, .keyRequired, .keyWrong: true
            default: false
            }
        case .foreign, .address: true
        default: false
        }
    }
}
