/// What a device can announce as it happens; a mask when asking, one flag in each event.
public struct EventKind: OptionSet, Sendable, Hashable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let attendance = EventKind(rawValue: 1)
    public static let finger = EventKind(rawValue: 2)
    public static let userEnrolled = EventKind(rawValue: 4)
    public static let fingerEnrolled = EventKind(rawValue: 8)
    public static let button = EventKind(rawValue: 16)
    public static let unlock = EventKind(rawValue: 32)
    public static let verify = EventKind(rawValue: 128)
    public static let fingerQuality = EventKind(rawValue: 256)
    public static let alarm = EventKind(rawValue: 512)
    public static let all = EventKind(rawValue: 0xFFFF)

    /// The request's data.
    public func encoded() -> [UInt8] {
        var data: [UInt8] = []
        data.append(u32: UInt32(rawValue))
        return data
    }
}

/// Something that a device announced.
public enum LiveEvent: Sendable, Hashable {
    /// Someone punched.
    case punch(AttendanceRecord)
    /// Anything else, and punches of a form that is not known.
    case other(kind: EventKind, data: [UInt8])

    /// Takes a packet whose command is ``Command/event``; never refuses one.
    public init(_ packet: Packet) {
        let kind = EventKind(rawValue: packet.session)
        if kind == .attendance, let record = AttendanceRecord(event: packet.data) {
            self = .punch(record)
        } else {
            self = .other(kind: kind, data: packet.data)
        }
    }
}

/// The forms that a punch has as an event.
public enum EventLayout: Int, Sendable, CaseIterable {
    case bytes10 = 10
    case bytes12 = 12
    case bytes14 = 14
    case bytes32 = 32
    case bytes36 = 36
    case bytes37 = 37
    case bytes52 = 52
}

extension AttendanceRecord {
    /// Nil for a length or a time that no known form has.
    init?(event data: [UInt8]) {
        let bytes = data.span
        switch data.count {
        case 10, 14:
            guard let time = LocalTime(event: bytes, at: 4) else { return nil }
            // The high half says whether the punch was valid.
            self.init(
                index: bytes.u16(at: 0), userID: "", time: time, state: bytes[3] & 0x0F,
                verify: bytes[2])
        case 12:
            guard let time = LocalTime(event: bytes, at: 6) else { return nil }
            self.init(
                userID: String(bytes.u32(at: 0)), time: time, state: bytes[5], verify: bytes[4])
        case 32...:
            guard let time = LocalTime(event: bytes, at: 26) else { return nil }
            let id = DeviceText.decode(bytes, 0..<24)
            guard !id.isEmpty else { return nil }
            self.init(userID: id, time: time, state: bytes[25], verify: bytes[24])
        default:
            return nil
        }
    }

    /// The event's data; nil where the id does not fit the form.
    public func event(_ layout: EventLayout) -> [UInt8]? {
        var data: [UInt8] = []
        switch layout {
        case .bytes10, .bytes14:
            data.append(u16: index)
            data.append(verify)
            data.append(state & 0x0F)
        case .bytes12:
            guard let number = UInt32(userID) else { return nil }
            data.append(u32: number)
            data.append(verify)
            data.append(state)
        case .bytes32, .bytes36, .bytes37, .bytes52:
            let id = DeviceText.encode(userID, limit: .max)
            guard id.count <= 24 else { return nil }
            data += id
            data.append(zeros: 24 - id.count)
            data.append(verify)
            data.append(state)
        }
        time.appendEvent(to: &data)
        data.append(zeros: layout.rawValue - data.count)
        return data
    }
}
