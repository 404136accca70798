/// A punch as a line of `ATTLOG` tells it:
/// `PIN⇥time⇥state⇥verify⇥workcode⇥…`, where fields at the end may be missing.
struct AttendanceLine: Hashable, Sendable {
    var pin: String
    var time: PushTime
    /// 255 where the line does not say.
    var state: UInt32
    var verify: UInt32
    var workCode: UInt32
}

extension AttendanceLine {
    init(_ line: ArraySlice<UInt8>) throws(PushLineError) {
        guard !line.contains(0) else { throw PushLineError("a NUL inside") }
        let fields = try PushText.fields(line)
        guard fields.count >= 2 else { throw PushLineError("one field; a punch has a time too") }
        pin = try PushText.identifier(fields[0])
        time = try PushTime(fields[1])
        state = try Self.number(fields, 2, "state", max: 255, missing: 255)
        verify = try Self.number(fields, 3, "verify", max: 65_535, missing: 0)
        workCode = try Self.number(
            fields, 4, "work code", max: Int64(UInt32.max), missing: 0)
    }

    private static func number(
        _ fields: [ArraySlice<UInt8>], _ index: Int, _ name: String, max: Int64, missing: UInt32
    ) throws(PushLineError) -> UInt32 {
        guard index < fields.count, !PushText.trimmed(fields[index]).isEmpty else {
            return missing
        }
        guard let value = PushText.number(fields[index]), 0...max ~= value else {
            throw PushLineError(
                "\(name) is `\(PushText.shown(fields[index], max: 40))`, no number to \(max)")
        }
        return UInt32(value)
    }
}
