/// A message with a field of every kind that has a length.
struct Lengths: Message {
    static let typeName = "fuzz.Lengths"

    var one: [UInt8] = []
    var many: [[UInt8]] = []
    var text = ""
    var detail = ErrorDetail()
    var number: UInt64 = 0
    var unknownFields: [UInt8] = []

    func encode(into writer: inout WireWriter) {
        writer.bytes(1, one)
        writer.bytes(2, many)
        writer.string(3, text)
        writer.message(4, detail)
        writer.uint64(5, number)
        writer.raw(unknownFields)
    }

    mutating func decode(from bytes: Span<UInt8>, _ reader: inout WireReader)
        throws(DecodingFailure)
    {
        while let tag = try reader.next(bytes) {
            switch tag {
            case 1 << 3 | 2: one = try reader.bytes(bytes, max: 200)
            case 2 << 3 | 2: try reader.bytes(bytes, max: 1000, appendingTo: &many, count: 20)
            case 3 << 3 | 2: text = try reader.string(bytes, max: 500)
            case 4 << 3 | 2: try reader.message(bytes, into: &detail)
            case 5 << 3: number = try reader.uint64(bytes)
            default: try reader.unknown(bytes, tag, &unknownFields)
            }
        }
    }
}

/// A message that comes in parts must read as it does in one, and fail as it does in one.
///
/// The first two bytes choose how long the parts are, and from where on a field is long.
@Sendable func fuzzParted(_ bytes: [UInt8]) {
    guard bytes.count > 2 else { return }
    let (size, longBytesMin) = (Int(bytes[0]) + 1, Int(bytes[1]))
    let whole = Array(bytes[2...])
    let pieces = stride(from: 0, to: whole.count, by: size).map {
        Array(whole[$0..<min($0 + size, whole.count)])
    }
    var parted = PartedMessage(Assembly(pieces), longBytesMin: longBytesMin)
    while parted.step({ _ in }) {}
    report(parted.whole() == whole, "parts do not make up what they were taken from")
    do throws(DecodingFailure) {
        let message = try Lengths(decoding: whole)
        report((try? Lengths(parted)) == message, "parts read otherwise")
    } catch {
        do throws(DecodingFailure) {
            _ = try Lengths(parted)
            report(false, "parts read what cannot be read in one")
        } catch let other { report(other == error, "parts fail otherwise: \(other), not \(error)") }
    }
}
