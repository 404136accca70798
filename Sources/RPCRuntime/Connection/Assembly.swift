/// The parts of a message that have come, in pieces of bounded size: none is copied again as the
/// message grows, and no memory is taken before as much has come.
@usableFromInline struct Assembly: Sendable {
    private(set) var pieces: [[UInt8]] = []
    private(set) var count = 0

    /// The most bytes of one piece.
    ///
    /// A message with more of them is large: to read it takes longer than other calls of its loop
    /// should wait.
    static var pieceBytesMax: Int { 1 << 20 }

    init(_ pieces: [[UInt8]] = []) {
        self.pieces = pieces.filter { !$0.isEmpty }
        count = pieces.reduce(0) { $0 + $1.count }
    }

    mutating func append(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        var rest = range
        while !rest.isEmpty {
            let last = pieces.count - 1
            let room = last < 0 ? 0 : Self.pieceBytesMax - pieces[last].count
            if room == 0 {
                pieces.append([])
                // Another one follows as much that has come already.
                if last >= 0 { pieces[last + 1].reserveCapacity(Self.pieceBytesMax) }
                continue
            }
            let part = rest.prefix(room)
            pieces[last].append(bytes, part)
            rest = part.upperBound..<rest.upperBound
        }
        count += range.count
    }

    /// Lets go of a piece that has been read.
    mutating func drop(_ index: Int) { pieces[index] = [] }

    /// All of it; nothing is copied while there is one piece.
    consuming func joined() -> [UInt8] {
        if pieces.count == 1 { return pieces[0] }
        var whole: [UInt8] = []
        whole.reserveCapacity(count)
        for index in pieces.indices {
            whole.append(contentsOf: pieces[index])
            pieces[index] = []
        }
        return whole
    }
}
