/// The bytes of a message that waits to leave.
///
/// Its long fields are not copied: the arrays are those of the message itself.
struct BacklogBytes {
    private struct Piece {
        let bytes: [UInt8]
        var range: Range<Int>
    }

    private var pieces: [Piece] = []
    private var index = 0
    private(set) var count = 0

    /// - Parameters:
    ///   - bytes: What was written, from `start` on.
    ///   - apart: What belongs between.
    ///   - origin: The place that `bytes` begin at, as the places of `apart` count.
    init(_ bytes: [UInt8], from start: Int, apart: [WireWriter.Apart] = [], _ origin: Int = 0) {
        var place = start
        for field in apart {
            add(bytes, place..<field.place - origin)
            add(field.bytes, 0..<field.bytes.count)
            place = field.place - origin
        }
        add(bytes, place..<bytes.count)
    }

    private mutating func add(_ bytes: [UInt8], _ range: Range<Int>) {
        if range.isEmpty { return }
        pieces.append(Piece(bytes: bytes, range: range))
        count += range.count
    }

    /// Appends the next bytes to `output`; not more than ``count``.
    mutating func move(_ wanted: Int, to output: inout [UInt8]) {
        var left = wanted
        while left > 0 {
            let part = pieces[index].range.prefix(left)
            output.append(contentsOf: pieces[index].bytes[part])
            pieces[index].range = part.upperBound..<pieces[index].range.upperBound
            left -= part.count
            if !pieces[index].range.isEmpty { break }
            // Not kept for the sake of what follows it.
            pieces[index] = Piece(bytes: [], range: 0..<0)
            index += 1
        }
        count -= wanted - left
    }
}
