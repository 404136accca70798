/// Finds out how the rows of a log are laid out: from its length, the device's count, and what
/// the rows would say.
struct AttendanceRows {
    private let blob: [UInt8]
    private let counts: ClosedRange<Int>?
    private let total: Int

    /// Takes a bulk read whose length was checked.
    init(_ blob: [UInt8], _ counts: ClosedRange<Int>?) {
        self.blob = blob
        self.counts = counts
        total = blob.count - 4
    }

    /// The strides that are known, the usual first.
    private static let known = [40, 49, 36, 22, 16, 8]

    private func rows(_ stride: Int) -> Int? { total % stride == 0 ? total / stride : nil }

    /// The row length that divides the bytes into a number of rows that the device may have.
    var stride: Int? {
        guard let counts else {
            let possible = AttendanceRows.known.filter { rows($0) != nil }
            return mostPlausible(possible)
        }
        if counts.lowerBound == counts.upperBound {
            guard counts.lowerBound > 0, total % counts.lowerBound == 0 else { return nil }
            let stride = total / counts.lowerBound
            // A length that no known firmware has must be borne out by the rows.
            return AttendanceRows.known.contains(stride) || isBelieved(stride) ? stride : nil
        }
        // Someone punched during the read: the number of rows is not certain.
        let possible = AttendanceRows.known.filter { rows($0).map(counts.contains) ?? false }
        if possible.isEmpty {
            return AttendanceLayout.textStrides.first { stride in
                guard let rows = rows(stride), counts.contains(rows) else { return false }
                return isBelieved(stride)
            }
        }
        return mostPlausible(possible)
    }

    private func mostPlausible(_ strides: [Int]) -> Int? {
        var best: (stride: Int, score: Int)?
        for stride in strides {
            let score = plausibility(stride)
            if score > best?.score ?? -1 { best = (stride, score) }
        }
        return best?.stride
    }

    /// Whether the rows bear the stride out.
    func isBelieved(_ stride: Int) -> Bool { plausibility(stride) >= 800 }

    /// How many of the first rows have an id and a believable date, in thousandths.
    private func plausibility(_ stride: Int) -> Int {
        guard let layout = AttendanceLayout(stride: stride) else { return 0 }
        let rows = min(64, total / stride)
        guard rows > 0 else { return 0 }
        let good = (0..<rows).count { isPlausible(at: 4 + $0 * stride, layout) }
        guard stride == 8 else { return good * 1000 / rows }
        let other = (0..<rows).count { isPlausible(at: 4 + $0 * stride, .bytes8Flags) }
        return max(good, other) * 1000 / rows
    }

    private func isPlausible(at start: Int, _ layout: AttendanceLayout) -> Bool {
        switch layout {
        case .text, .bytes22: if blob[start + 2] < 0x20 { return false }
        case .bytes8, .bytes8Flags, .bytes16: break
        }
        let time = AttendanceRecord(blob.span, at: start, layout).time
        // A field of zeros is a date too, and the most usual of wrong ones.
        return time.isRealDate && time.year <= 2100 && time.packed != 0
    }

    // MARK: - The two layouts of 8 bytes

    /// Reads the rows both ways and takes the one whose times make sense.
    func eightByteLayout(notAfter: LocalTime?) -> AttendanceLayout {
        let bytes = blob.span
        func score(_ layout: AttendanceLayout) -> Int {
            var score = 0
            var last: LocalTime?
            for row in 0..<total / 8 {
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

    // MARK: - Stray marks

    /// What some firmware sends between rows: FF, `255`, and zeros.
    static let mark: [UInt8] = [0xFF, 0x32, 0x35, 0x35, 0, 0, 0, 0, 0]

    /// Whether a mark is anywhere; looked for only where the rows make no sense.
    var mayHaveMarks: Bool {
        guard total > AttendanceRows.mark.count else { return false }
        return (4...blob.count - AttendanceRows.mark.count).contains { isMark(at: $0) }
    }

    private func isMark(at start: Int) -> Bool {
        guard blob.count - start >= AttendanceRows.mark.count, blob[start] == 0xFF
        else { return false }
        return blob[start..<start + AttendanceRows.mark.count].elementsEqual(AttendanceRows.mark)
    }

    /// The bulk read without marks, where rows of a known length and marks make up all of it.
    func withoutMarks() -> (blob: [UInt8], stride: Int, marks: Int)? {
        for stride in AttendanceRows.known where stride >= AttendanceLayout.textStrides.lowerBound {
            guard let (starts, marks) = walk(stride), marks > 0,
                counts?.contains(starts.count) ?? true
            else { continue }
            var clean: [UInt8] = []
            clean.reserveCapacity(4 + starts.count * stride)
            clean.append(u32: UInt32(clamping: starts.count * stride))
            for start in starts { clean += blob[start..<start + stride] }
            return (clean, stride, marks)
        }
        return nil
    }

    /// Where the rows are; nil where something is neither a row nor a mark.
    private func walk(_ stride: Int) -> (starts: [Int], marks: Int)? {
        let layout = AttendanceLayout.text(stride: stride)
        var starts: [Int] = []
        var marks = 0
        var start = 4
        while start < blob.count {
            let hasRow = blob.count - start >= stride
            if isMark(at: start), !hasRow || !isPlausible(at: start, layout) {
                marks += 1
                start += AttendanceRows.mark.count
            } else {
                guard hasRow, blob[start + 2] >= 0x20 else { return nil }
                starts.append(start)
                start += stride
            }
        }
        return (starts, marks)
    }
}
