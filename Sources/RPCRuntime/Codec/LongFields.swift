/// The bytes of a message's long fields, which do not stand among the message's other bytes.
@usableFromInline final class LongFields: Sendable {
    /// By the place behind their length, in ascending order.
    let fields: [(place: Int, bytes: [UInt8])]

    init(_ fields: [(place: Int, bytes: [UInt8])]) { self.fields = fields }

    /// The field whose bytes belong at a place; nil when it is none of these.
    func field(at place: Int) -> [UInt8]? {
        var (low, high) = (0, fields.count)
        while low < high {
            let middle = (low + high) / 2
            if fields[middle].place == place { return fields[middle].bytes }
            if fields[middle].place < place { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}

/// Takes a message that came in parts out of them, step by step: its long fields each into an array
/// of their own, which becomes the field's value, and the rest into one.
///
/// Only where the fields of the outermost message begin and end is looked at; what is wrong with the
/// bytes is the reader's to say.
struct PartedMessage {
    private enum Mode {
        case field
        case copy(Int)
        case long(Int)
    }

    private var parts: Assembly
    private var piece = 0
    private var offset = 0
    /// Where in the piece what has been looked at and not copied begins.
    private var run = 0
    /// What has not been looked at yet.
    private var left: Int
    private var mode = Mode.field
    private var long: [UInt8] = []
    private(set) var bytes: [UInt8] = []
    private(set) var fields: [(place: Int, bytes: [UInt8])] = []

    /// A shorter field is copied twice.
    private let longBytesMin: Int

    init(_ parts: consuming Assembly, longBytesMin: Int = 256 << 10) {
        left = parts.count
        self.parts = parts
        self.longBytesMin = longBytesMin
    }

    /// Takes about as much as one piece; whether there is more.
    ///
    /// - Parameter prepare: Called with the empty array of a long field, which has its capacity.
    mutating func step(_ prepare: (inout [UInt8]) -> Void) -> Bool {
        let end = max(0, left - Assembly.pieceBytesMax)
        while left > end {
            switch mode {
            case .field: beginField(prepare)
            case .copy(let rest):
                let count = pass(min(rest, left - end))
                mode = count == rest ? .field : .copy(rest - count)
            case .long(let rest):
                let start = offset
                let count = pass(min(rest, left - end), copies: false)
                long.append(contentsOf: parts.pieces[piece][start..<start + count])
                run = offset
                leavePiece()
                if count == rest { endLong() } else { mode = .long(rest - count) }
            }
        }
        copyRun()
        return left > 0
    }

    private mutating func endLong() {
        fields.append((bytes.count, long))
        long = []
        mode = .field
    }

    private mutating func beginField(_ prepare: (inout [UInt8]) -> Void) {
        guard let tag = varint() else { return mode = .copy(left) }
        switch tag & 7 {
        case 0: if varint() == nil { mode = .copy(left) }
        case 1: mode = .copy(min(8, left))
        case 2:
            guard let length = varint() else { return mode = .copy(left) }
            let count = Int(clamping: min(length, UInt64(left)))
            guard count >= longBytesMin, UInt64(count) == length else {
                return mode = .copy(count)
            }
            copyRun()
            if count == 0 { return endLong() }
            mode = .long(count)
            long.reserveCapacity(count)
            prepare(&long)
        case 5: mode = .copy(min(4, left))
        // Groups and what does not exist: the reader steps over the rest, or says what is wrong.
        default: mode = .copy(left)
        }
    }

    /// A number, which is passed too; nil when it is none.
    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard left > 0 else { return nil }
            let byte = parts.pieces[piece][offset]
            pass(1)
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    /// Goes on over bytes of one piece, which are copied later; how many.
    @discardableResult
    private mutating func pass(_ wanted: Int, copies: Bool = true) -> Int {
        let count = min(wanted, parts.pieces[piece].count - offset)
        offset += count
        left -= count
        if copies { leavePiece() }
        return count
    }

    /// Goes to the next piece, when this one is at its end.
    private mutating func leavePiece() {
        guard offset == parts.pieces[piece].count else { return }
        copyRun()
        parts.drop(piece)
        (piece, offset, run) = (piece + 1, 0, 0)
    }

    private mutating func copyRun() {
        if run == offset { return }
        bytes.append(contentsOf: parts.pieces[piece][run..<offset])
        run = offset
    }

    /// All of it in one, once everything has been taken.
    func whole() -> [UInt8] {
        var whole: [UInt8] = []
        whole.reserveCapacity(bytes.count + fields.reduce(0) { $0 + $1.bytes.count })
        var place = 0
        for field in fields {
            whole.append(contentsOf: bytes[place..<field.place])
            whole.append(contentsOf: field.bytes)
            place = field.place
        }
        whole.append(contentsOf: bytes[place...])
        return whole
    }
}

extension Message {
    /// Reads a message that has been taken out of its parts.
    init(_ parted: PartedMessage) throws(DecodingFailure) {
        if parted.fields.isEmpty {
            try self.init(decoding: parted.bytes.span)
            return
        }
        self.init()
        var reader = WireReader(parted.bytes.span)
        reader.long = LongFields(parted.fields)
        if (try? decode(from: parted.bytes.span, &reader)) != nil { return }
        // A long field of another type than bytes, or something is wrong: as in one, to the byte.
        try self.init(decoding: parted.whole().span)
    }
}
