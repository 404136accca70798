/// One row of the operation log: who did what at the device.
public struct OperationRecord: Sendable, Hashable {
    /// The internal index of the administrator; 0 for nobody.
    public var admin: UInt16
    public var code: OperationCode
    /// Not known what it says; kept.
    public var reserved: UInt8
    public var time: LocalTime
    /// Four numbers whose meaning depends on the code: a user's index, a finger.
    public var values: [UInt16]

    public static let stride = 16

    public init(
        admin: UInt16 = 0, code: OperationCode, time: LocalTime, values: [UInt16] = [],
        reserved: UInt8 = 0
    ) {
        self.admin = admin
        self.code = code
        self.reserved = reserved
        self.time = time
        self.values = values
    }

    /// Takes a bulk read's bytes.
    public static func decodeAll(_ blob: [UInt8]) throws(FormatError) -> [OperationRecord] {
        let total = try Bulk.total(of: blob, what: "the operation log")
        guard total % stride == 0 else {
            throw .length(what: "the operation log", bytes: total, expected: "rows of \(stride)")
        }
        var records: [OperationRecord] = []
        records.reserveCapacity(total / stride)
        let bytes = blob.span
        for start in Swift.stride(from: 4, to: blob.count, by: stride) {
            records.append(
                OperationRecord(
                    admin: bytes.u16(at: start), code: OperationCode(rawValue: bytes[start + 2]),
                    time: LocalTime(packed: bytes.u32(at: start + 4)),
                    values: (0..<4).map { bytes.u16(at: start + 8 + $0 * 2) },
                    reserved: bytes[start + 3]))
        }
        return records
    }

    /// The log as a device sends it.
    public static func encode(_ records: [OperationRecord]) -> [UInt8] {
        var blob: [UInt8] = []
        blob.reserveCapacity(4 + records.count * stride)
        blob.append(u32: UInt32(clamping: records.count * stride))
        for record in records {
            blob.append(u16: record.admin)
            blob.append(record.code.rawValue)
            blob.append(record.reserved)
            blob.append(u32: record.time.packed)
            for index in 0..<4 {
                blob.append(u16: index < record.values.count ? record.values[index] : 0)
            }
        }
        return blob
    }
}
