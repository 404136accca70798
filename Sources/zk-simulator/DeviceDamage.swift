import ZKProtocol

/// What is wrong with the log that a device sends.
struct LogDamage: Sendable, Hashable {
    /// Rows that are missing at its end.
    var missing = 0
    /// Rows at its end that come twice.
    var repeated = 0
}

extension Device {
    /// Sends the log as it is again, takes its old comm key, and has room again.
    mutating func recover() {
        damage = LogDamage()
        model.commKey = keyAtStart
        model.recordCapacity = capacityAtStart
    }

    /// The bulk read of a log as this device sends it.
    func tampered(_ blob: [UInt8]) -> [UInt8] {
        if damage == LogDamage() { return blob }
        let stride = model.recordLayout.stride
        var rows = Array(blob.dropFirst(4))
        rows.removeLast(min(rows.count, damage.missing * stride))
        rows += rows.suffix(min(rows.count, damage.repeated * stride))
        return UInt32(clamping: rows.count).littleEndianBytes + rows
    }
}
