import MeshAPI
import RPCRuntime

/// A location as answers show it: what is stored and what its link says, at one moment.
struct LocationView: Sendable {
    var stored: StoredLocation
    var link: LinkView
    var now: Timestamp

    /// Every punch that any active device had recorded by this instant is stored; nil when there
    /// is no active device or one has never been read whole.
    var completeThrough: Timestamp? {
        // What the link says now goes before what was stored when its log was last caught up with.
        let isUnread = link.devices.contains { $0.device.active && $0.completeThrough == nil }
        guard stored.unread == 0, !isUnread else { return nil }
        var earliest: Timestamp?
        for device in stored.devices where device.device.active {
            guard let watermark = device.watermark else { return nil }
            earliest = min(earliest ?? watermark, watermark)
        }
        return earliest
    }

    /// Whether all that happened before `to`, or up to now, is stored.
    ///
    /// A location that is down does not make a past range incomplete.
    func isComplete(to: Timestamp?) -> Bool {
        guard let through = completeThrough else { return false }
        if let to { return through >= to }
        // Before the first heartbeat of a link nobody knows which devices there are by now.
        guard link.state == .linked, !link.devices.isEmpty, link.logID == stored.logID,
            stored.lastSequence >= link.announcedSequence
        else { return false }
        return stored.devices.allSatisfy { device in
            guard device.device.active else { return true }
            guard let watermark = device.watermark else { return false }
            let interval = Int64(max(device.device.pollIntervalSeconds, 1))
            return now.since(watermark) <= .seconds(2 * interval)
        }
    }

    var source: Source {
        Source(
            location: stored.name, state: link.state, completeThrough: completeThrough,
            lastSequence: stored.lastSequence)
    }

    var state: LocationState {
        LocationState(
            name: stored.name, state: link.state, zone: stored.zone, logID: stored.logID,
            lastSequence: stored.lastSequence, announcedSequence: link.announcedSequence,
            completeThrough: completeThrough,
            lastContact: [stored.lastContact, link.lastContact].compactMap(\.self).max(),
            address: link.address,
            devices: UInt32(clamping: stored.devices.count { $0.device.active }),
            punches: stored.punches, cause: link.cause, alarms: link.alarms)
    }

    /// The devices by serial: what the location says now, or else what is stored.
    var devices: [DeviceView] {
        var statuses = link.devices
        var devices = stored.devices.map { stored -> DeviceView in
            var status: DeviceStatus
            if let index = statuses.firstIndex(where: {
                $0.device.serial == stored.device.serial
            }) {
                status = statuses.remove(at: index)
            } else {
                status = DeviceStatus(device: stored.device)
                status.recordsOnDevice = stored.records
                status.clockOffsetMilliseconds = stored.clockOffsetMilliseconds
                status.clockMeasuredAt = stored.clockMeasuredAt
                status.cause = link.state == .linked ? "" : "the location is not linked"
            }
            status.completeThrough = stored.watermark
            status.punches = stored.punches
            return DeviceView(status, of: self.stored.name)
        }
        // Devices that were never reached have no serial and no row.
        devices += statuses.map { DeviceView($0, of: stored.name) }
        return devices
    }
}

extension [LocationView] {
    /// False also when nothing is known: an empty answer of a new store is no statement.
    func areComplete(to: Timestamp?) -> Bool {
        !isEmpty && allSatisfy { $0.isComplete(to: to) }
    }
}

extension DeviceView {
    fileprivate init(_ status: DeviceStatus, of location: String) {
        let device = status.device
        self.init(
            location: location, serial: device.serial, name: device.name,
            platform: device.platform, firmware: device.firmware, address: device.address,
            active: device.active, clockMode: device.clockMode,
            pollIntervalSeconds: device.pollIntervalSeconds, state: status.state,
            cause: status.cause, lastContact: status.lastContact, nextAttempt: status.nextAttempt,
            completeThrough: status.completeThrough, punches: status.punches,
            recordsOnDevice: status.recordsOnDevice, recordsCapacity: status.recordsCapacity,
            users: status.users, clockOffsetMilliseconds: status.clockOffsetMilliseconds,
            clockMeasuredAt: status.clockMeasuredAt, memory: status.memory, proof: status.proof,
            lastException: status.lastException, clockSource: status.clockSource,
            transport: device.push ? "push" : device.transport)
    }
}
