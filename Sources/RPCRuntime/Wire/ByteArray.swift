import Spans

extension [UInt8] {
    /// Appends a part of a span in one step.
    mutating func append(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        // Appending nothing to an empty array writes to the one that all empty arrays share.
        if range.isEmpty { return }
        append(addingCapacity: range.count) { output in
            output.append(copying: bytes.extracting(range))
        }
    }
}
