/// An event of an access terminal, live (`rtlog`) or from its memory (`transaction`).
struct AccessRow: Hashable, Sendable {
    /// `0` or empty where nobody was recognised.
    var pin: String
    var time: PushTime
    /// 0 in, 1 out; 255 where the row does not say.
    var state: UInt32
    var verify: UInt32
    var event: Int64

    /// Events of a person whom the door let pass.
    ///
    /// All others are about doors, or of people who
    /// were refused, and are no punches.
    private static let passing: Set<Int64> = [0, 1, 2, 3, 14, 208, 222]

    /// Whether somebody passed.
    var isPunch: Bool { Self.passing.contains(event) && pin != "0" && !pin.isEmpty }

    /// Takes `name=value` fields between tabs, perhaps behind the name of the table.
    init(_ line: ArraySlice<UInt8>) throws(PushLineError) {
        guard !line.contains(0) else { throw PushLineError("a NUL inside") }
        let pairs = PushPairs(try PushText.fields(Self.withoutTable(line)))
        guard let event = pairs.number("event") ?? pairs.number("eventtype") else {
            throw PushLineError("no event")
        }
        self.event = event
        let pin = PushText.trimmed(pairs["pin"] ?? [])
        self.pin = pin.isEmpty ? "" : try PushText.identifier(pin)
        if let packed = pairs["time_second"] {
            guard let number = PushText.number(packed) else {
                throw PushLineError("time_second is no number")
            }
            time = try PushTime(packed: number)
        } else {
            time = try PushTime(pairs["time"] ?? [])
        }
        let state = pairs.number("inoutstatus") ?? pairs.number("inoutstate") ?? 255
        self.state = 0...1 ~= state ? UInt32(state) : 255
        let verify = pairs.number("verifytype") ?? pairs.number("verified") ?? 0
        guard 0...65_535 ~= verify else { throw PushLineError("verify is \(verify)") }
        self.verify = UInt32(verify)
    }

    /// `transaction pin=1⇥…` without the first word.
    static func withoutTable(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard let space = line.prefix(64).firstIndex(of: 0x20),
            !line[..<space].contains(0x3D)
        else { return line }
        return line[(space + 1)...]
    }
}
