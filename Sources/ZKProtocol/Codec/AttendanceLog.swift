/// The attendance log of a device as it was read: rows are decoded where they are looked at.
///
/// It exists only where the bytes add up: the length announced is the length received, and a
/// whole number of rows.
public struct AttendanceLog: Sendable {
    public let layout: AttendanceLayout
    public let count: Int
    /// Marks between rows that some firmware sends, and that are no part of any row.
    public let strayMarks: Int
    private let encoding: TextEncoding
    /// The bulk read: four bytes of length, then the rows.
    private let blob: [UInt8]

    /// Takes a bulk read's bytes.
    ///
    /// `counts` is how many records the device said it had before and after the read; nil where
    /// it does not tell. `notAfter` is a time that no record can be later than; it helps to tell
    /// the two 8-byte layouts apart.
    public init(
        decoding blob: [UInt8], counts: ClosedRange<Int>?, notAfter: LocalTime? = nil,
        _ encoding: TextEncoding = .utf8
    ) throws(FormatError) {
        let total = try Bulk.total(of: blob, what: "the attendance log")
        self.encoding = encoding
        guard total > 0 else {
            self.blob = blob
            layout = .text(stride: 40)
            count = 0
            strayMarks = 0
            return
        }
        let rows = AttendanceRows(blob, counts)
        if let stride = rows.stride, rows.isBelieved(stride) || !rows.mayHaveMarks {
            self.blob = blob
            strayMarks = 0
            count = total / stride
            layout =
                stride == 8
                ? rows.eightByteLayout(notAfter: notAfter)
                : AttendanceLayout(stride: stride) ?? .text(stride: stride)
        } else if let (clean, stride, marks) = rows.withoutMarks() {
            self.blob = clean
            strayMarks = marks
            count = (clean.count - 4) / stride
            layout = .text(stride: stride)
        } else if let stride = rows.stride {
            self.blob = blob
            strayMarks = 0
            count = total / stride
            layout = AttendanceLayout(stride: stride) ?? .text(stride: stride)
        } else {
            let told =
                counts.map {
                    $0.lowerBound == $0.upperBound
                        ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)"
                } ?? "any number of"
            throw .length(
                what: "the attendance log", bytes: total,
                expected: "\(told) rows of 8, 16, 22 or \(AttendanceLayout.textStrides)")
        }
    }

    /// The log as a device sends it.
    public static func encode(
        _ records: some Sequence<AttendanceRecord>, _ layout: AttendanceLayout,
        _ encoding: TextEncoding = .utf8
    ) -> [UInt8] {
        var blob: [UInt8] = [0, 0, 0, 0]
        blob.reserveCapacity(4 + records.underestimatedCount * layout.stride)
        for record in records { append(record, to: &blob, layout, encoding) }
        return blob
    }

    /// Adds a row to a log as a device sends it.
    public static func append(
        _ record: AttendanceRecord, to blob: inout [UInt8], _ layout: AttendanceLayout,
        _ encoding: TextEncoding = .utf8
    ) {
        if !record.append(to: &blob, layout, encoding) {
            // An id that does not fit: the row keeps its place, so that the count stays true.
            var other = record
            other.userID = "0"
            _ = other.append(to: &blob, layout, encoding)
        }
        blob.put(u32: UInt32(clamping: blob.count - 4), at: 0)
    }
}

extension AttendanceLog: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    public subscript(position: Int) -> AttendanceRecord {
        precondition(indices.contains(position), "row \(position) of \(count)")
        return AttendanceRecord(blob.span, at: 4 + position * layout.stride, layout, encoding)
    }
}

extension AttendanceLog {
    /// Feeds the bytes of rows to a hasher, without decoding them.
    ///
    /// Rows hash the same in one piece and in several; equal bytes of another layout may too.
    public func hash(rows: Range<Int>, into hasher: inout Hasher) {
        precondition(0 <= rows.lowerBound && rows.upperBound <= count, "rows \(rows) of \(count)")
        let bytes = blob.span
        let stride = layout.stride
        let wide = stride & ~7
        for row in rows {
            let start = 4 + row * stride
            var offset = 0
            while offset < wide {
                hasher.combine(bytes.u64(at: start &+ offset))
                offset &+= 8
            }
            guard offset < stride else { continue }
            var rest: UInt64 = 0
            while offset < stride {
                rest = rest << 8 | UInt64(bytes[start &+ offset])
                offset &+= 1
            }
            hasher.combine(rest)
        }
    }
}
