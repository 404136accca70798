import MeshAPI
import RPCRuntime
import SQLite

extension LocationStore {
    /// How far a logged watermark may lie behind the last complete read while nothing new comes.
    ///
    /// An entry for each poll would soon outnumber the punches.
    static let watermarkInterval: Duration = .seconds(60)

    /// Puts the location's zone into the log when it is not the one there.
    func declareZone(_ name: String) throws(StoreError) {
        try commit { (appender) throws(SQLiteError) in
            let last = try database.rows(
                "SELECT body FROM log WHERE kind = ? ORDER BY sequence DESC LIMIT 1",
                .integer(StoreSchema.Kind.zone.rawValue)
            ) { $0.blob(0) }.first
            if let last, try LocationStore.decode(last).zone?.name == name { return }
            try appender.append(.zone, LogEntry(zone: Zone(name: name)))
        }
    }

    /// Puts the device into the log when it is new or has changed.
    ///
    /// A name belongs to one device: another one that had it is no longer active.
    func declareDevice(_ device: Device) throws(StoreError) {
        try commit { (appender) throws(SQLiteError) in
            for other in devices.values
            where other.device.name == device.name && other.device.serial != device.serial {
                try setActive(false, other, &appender)
            }
            var record = devices[device.serial] ?? DeviceRecord(device: Device())
            guard record.device != device else { return }
            record.device = device
            try append(record, &appender)
        }
    }

    /// Notes that devices under other names are no longer in the configuration.
    func retainDevices(named names: Set<String>) throws(StoreError) {
        try commit { (appender) throws(SQLiteError) in
            for record in devices.values where !names.contains(record.device.name) {
                try setActive(false, record, &appender)
            }
        }
    }

    private func setActive(
        _ isActive: Bool, _ record: DeviceRecord, _ appender: inout Appender
    ) throws(SQLiteError) {
        guard record.device.active != isActive else { return }
        var record = record
        record.device.active = isActive
        try append(record, &appender)
    }

    private func append(
        _ record: DeviceRecord, _ appender: inout Appender
    ) throws(SQLiteError) {
        try appender.append(.device, LogEntry(device: record.device))
        try record.write(database)
        devices[record.device.serial] = record
    }

    /// Notes that every punch the device had recorded by `instant` is in the log.
    ///
    /// Called after those punches were stored.
    /// The entry is left out while it would say little: see ``watermarkInterval``. `isImportant`
    /// asks for it at once.
    func advanceWatermark(
        of serial: String, to instant: Timestamp, records: UInt32, isImportant: Bool
    ) throws(StoreError) {
        guard var record = devices[serial] else { return }
        if let last = record.completeThrough {
            // The clock of this machine may have been set back.
            if instant <= last { return }
            let isDue = instant.since(last) >= Self.watermarkInterval
            guard isImportant || isDue || record.records != records else { return }
        }
        record.completeThrough = instant
        record.records = records
        try commit { (appender) throws(SQLiteError) in
            try appender.append(
                .watermark,
                LogEntry(
                    watermark: Watermark(
                        device: serial, completeThrough: instant, records: records)))
            try record.write(database)
            devices[serial] = record
        }
    }

    /// What the store knows of the device; nil for one it has never seen.
    func record(of serial: String) -> DeviceRecord? {
        guard var record = devices[serial] else { return nil }
        record.rate = recent.rate(of: serial, today: today)
        return record
    }

    /// The devices of the log, active or not, by name.
    func allDevices() -> [DeviceRecord] {
        devices.keys.compactMap { record(of: $0) }.sorted {
            ($0.device.name, $0.device.serial) < ($1.device.name, $1.device.serial)
        }
    }
}
