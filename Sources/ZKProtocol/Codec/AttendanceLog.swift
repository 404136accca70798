/// The attendance log of a device as it was read: rows are decoded where they are looked at.
///
/// It exists only where the bytes add up: the length announced is the length received, and a
/// whole number of rows.
public struct AttendanceLog: Sendable {
    public let layout: AttendanceLayout
    public let count: Int
    /// The bulk read: four bytes of length, then the rows.
    private let blob: [UInt8]

    /// Takes a bulk read's bytes.
    ///
    /// `counts` is how many records the device said it had before and after the read; nil where
    /// it does not tell. `notAfter` is a time that no record can be later than; it helps to tell
    /// the two 8-byte layouts apart.
    public init(
        decoding blob: [UInt8], counts: ClosedRange<Int>?, notAfter: LocalTime? = nil
    ) throws(FormatError) {
        let total = try Bulk.total(of: blob, what: "the attendance log")
        self.blob = blob
        guard total > 0 else {
            layout = .text(stride: 40)
            count = 0
            return
        }
        guard let stride = AttendanceLog.stride(total: total, counts: counts, in: blob.span) else {
            let told =
                counts.map {
                    $0.lowerBound == $0.upperBound
                        ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)"
                } ?? "any number of"
            throw .length(
                what: "the attendance log", bytes: total,
                expected: "\(told) rows of 8, 16 or \(AttendanceLayout.textStrides)")
        }
        count = total / stride
        if stride == 8 {
            layout = AttendanceLog.eightByteLayout(blob.span, rows: count, notAfter: notAfter)
        } else {
            layout = stride == 16 ? .bytes16 : .text(stride: stride)
        }
    }

    /// The log as a device sends it.
    public static func encode(
        _ records: some Sequence<AttendanceRecord>, _ layout: AttendanceLayout
    )
        -> [UInt8]
    {
        var blob: [UInt8] = [0, 0, 0, 0]
        blob.reserveCapacity(4 + records.underestimatedCount * layout.stride)
        for record in records { append(record, to: &blob, layout) }
        return blob
    }

    /// Adds a row to a log as a device sends it.
    public static func append(
        _ record: AttendanceRecord, to blob: inout [UInt8], _ layout: AttendanceLayout
    ) {
        if !record.append(to: &blob, layout) {
            // An id that does not fit: the row keeps its place, so that the count stays true.
            var other = record
            other.userID = "0"
            _ = other.append(to: &blob, layout)
        }
        blob.put(u32: UInt32(clamping: blob.count - 4), at: 0)
    }
}

extension AttendanceLog: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    public subscript(position: Int) -> AttendanceRecord {
        precondition(indices.contains(position), "row \(position) of \(count)")
        return AttendanceRecord(blob.span, at: 4 + position * layout.stride, layout)
    }
}

extension AttendanceLog {
    /// The strides that are known, the usual first.
    private static let strides = [40, 49, 36, 16, 8]

    /// The row length that divides `total` into a number of rows that the device may have.
    private static func stride(total: Int, counts: ClosedRange<Int>?, in bytes: Span<UInt8>)
        -> Int?
    {
        func rows(_ stride: Int) -> Int? { total % stride == 0 ? total / stride : nil }
        guard let counts else {
            return strides.filter { rows($0) != nil }
                .max { plausibility($0, in: bytes) < plausibility($1, in: bytes) }
        }
        if counts.lowerBound == counts.upperBound {
            guard counts.lowerBound > 0, total % counts.lowerBound == 0 else { return nil }
            let stride = total / counts.lowerBound
            if strides.contains(stride) { return stride }
            // A length that no known firmware has must be borne out by the rows.
            return plausibility(stride, in: bytes) >= 800 ? stride : nil
        }
        // Someone punched during the read: the number of rows is not certain.
        let possible = strides.filter { stride in rows(stride).map(counts.contains) ?? false }
        if possible.isEmpty {
            return AttendanceLayout.textStrides.first { stride in
                guard let rows = rows(stride), counts.contains(rows) else { return false }
                return plausibility(stride, in: bytes) >= 800
            }
        }
        return possible.max { plausibility($0, in: bytes) < plausibility($1, in: bytes) }
    }

    /// How many of the first rows have an id and a believable date, in thousandths.
    private static func plausibility(_ stride: Int, in bytes: Span<UInt8>) -> Int {
        guard let layout = AttendanceLayout(stride: stride) else { return 0 }
        let rows = Swift.min(64, (bytes.count - 4) / stride)
        var good = 0
        for row in 0..<rows {
            let start = 4 + row * stride
            if case .text = layout, bytes[start + 2] < 0x20 { continue }
            let record = AttendanceRecord(bytes, at: start, layout)
            if record.time.isRealDate, record.time.year <= 2100 { good += 1 }
        }
        return rows == 0 ? 0 : good * 1000 / rows
    }

    /// Reads the rows both ways and takes the one whose times make sense.
    private static func eightByteLayout(_ bytes: Span<UInt8>, rows: Int, notAfter: LocalTime?)
        -> AttendanceLayout
    {
        func score(_ layout: AttendanceLayout) -> Int {
            var score = 0
            var last: LocalTime?
            for row in 0..<rows {
                let time = AttendanceRecord(bytes, at: 4 + row * 8, layout).time
                guard time.isRealDate, time.year > 2000 else { continue }
                if let notAfter, time > notAfter { continue }
                score += 2
                if let last, time < last { score -= 1 }
                last = time
            }
            return score
        }
        return score(.bytes8Flags) > score(.bytes8) ? .bytes8Flags : .bytes8
    }
}
