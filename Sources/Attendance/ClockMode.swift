/// What a device's clock follows.
public enum ClockMode: Sendable, Hashable {
    /// The zone of its location, with the changes of that zone.
    case zone
    /// Always this many seconds ahead of UTC.
    case fixed(seconds: Int64)

    /// Reads `zone`, `+hh:mm` or `-hh:mm`, up to 18 hours.
    public init?(_ text: String) {
        if text == "zone" {
            self = .zone
            return
        }
        let bytes = Array(text.utf8)
        guard bytes.count == 6, bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-"),
            bytes[3] == UInt8(ascii: ":")
        else { return nil }
        var numbers: [Int64] = []
        for start in [1, 4] {
            guard 0x30...0x39 ~= bytes[start], 0x30...0x39 ~= bytes[start + 1] else { return nil }
            numbers.append(Int64(bytes[start] - 0x30) * 10 + Int64(bytes[start + 1] - 0x30))
        }
        guard numbers[1] < 60, numbers[0] * 60 + numbers[1] <= 18 * 60 else { return nil }
        let seconds = numbers[0] * 3600 + numbers[1] * 60
        self = .fixed(seconds: bytes[0] == UInt8(ascii: "-") ? -seconds : seconds)
    }
}

extension ClockMode: CustomStringConvertible {
    public var description: String {
        switch self {
        case .zone: return "zone"
        case .fixed(let seconds):
            let minutes = seconds.magnitude / 60
            let parts = [minutes / 60, minutes % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
            return (seconds < 0 ? "-" : "+") + parts.joined(separator: ":")
        }
    }
}
