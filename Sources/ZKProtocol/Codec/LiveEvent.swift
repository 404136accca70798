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
///
/// What has a form that is not known is ``other(kind:data:)``: no event is refused.
public enum LiveEvent: Sendable, Hashable {
    /// Someone punched.
    case punch(AttendanceRecord)
    /// A finger was put on the sensor.
    case fingerPlaced
    /// A user was enrolled at the device, by its internal index.
    case userEnrolled(uid: UInt16)
    /// An enrolment of a finger ended, well or not.
    case fingerEnrolled(FingerEnrolled)
    case button(UInt8)
    case unlocked
    /// Someone was recognised, by the internal index; nil for a stranger.
    case verified(uid: UInt32?)
    /// How good the image of a finger is during an enrolment: 100 is good, 0 is not.
    case fingerQuality(UInt16)
    case alarm(DeviceAlarm)
    /// Anything else, and known kinds in a form that is not known.
    case other(kind: EventKind, data: [UInt8])

    /// Takes a packet whose command is ``Command/event``; never refuses one.
    public init(_ packet: Packet, _ encoding: TextEncoding = .utf8) {
        let kind = EventKind(rawValue: packet.session)
        self =
            LiveEvent.known(kind, packet.data, encoding) ?? .other(kind: kind, data: packet.data)
    }

    private static func known(_ kind: EventKind, _ data: [UInt8], _ encoding: TextEncoding)
        -> LiveEvent?
    {
        let bytes = data.span
        switch kind {
        case .attendance:
            return AttendanceRecord(event: data, encoding).map { .punch($0) }
        case .finger: return data.isEmpty ? .fingerPlaced : nil
        case .userEnrolled: return data.count == 2 ? .userEnrolled(uid: bytes.u16(at: 0)) : nil
        case .fingerEnrolled:
            return FingerEnrolled(decoding: data, encoding).map { .fingerEnrolled($0) }
        case .button: return data.count == 1 ? .button(data[0]) : nil
        case .unlock: return data.isEmpty ? .unlocked : nil
        case .verify:
            guard data.count == 4 || data.count == 5 else { return nil }
            let uid = bytes.u32(at: 0)
            return .verified(uid: uid == .max ? nil : uid)
        case .fingerQuality: return data.count == 2 ? .fingerQuality(bytes.u16(at: 0)) : nil
        case .alarm: return DeviceAlarm(decoding: data).map { .alarm($0) }
        default: return nil
        }
    }
}

/// How the enrolment of a finger ended.
public struct FingerEnrolled: Sendable, Hashable {
    /// 0 is done, 4 a bad image or too late, 5 a finger that is known already, 6 cancelled.
    public var result: UInt16
    public var templateBytes: UInt16
    /// Empty where the device does not tell, as after a failure.
    public var userID: String
    public var finger: UInt8

    public init(
        result: UInt16, templateBytes: UInt16 = 0, userID: String = "", finger: UInt8 = 0
    ) {
        self.result = result
        self.templateBytes = templateBytes
        self.userID = userID
        self.finger = finger
    }

    /// Nil for a form that is not known.
    init?(decoding data: [UInt8], _ encoding: TextEncoding) {
        guard data.count >= 2 else { return nil }
        let bytes = data.span
        self.init(result: bytes.u16(at: 0))
        guard data.count >= 4 else { return }
        templateBytes = bytes.u16(at: 2)
        switch data.count {
        case 14, 29:
            userID = DeviceText.decode(bytes, 4..<data.count - 1, encoding)
            finger = bytes[data.count - 1]
        case 30:
            // Some firmware has the finger before the id.
            finger = bytes[4]
            userID = DeviceText.decode(bytes, 6..<30, encoding)
        default: break
        }
    }

    /// The event's data, with an id of 24 bytes; a failure has the result alone.
    public func encoded(_ encoding: TextEncoding = .utf8) -> [UInt8] {
        var data: [UInt8] = []
        data.append(u16: result)
        guard result == 0 else { return data }
        data.append(u16: templateBytes)
        data.append(userID, width: 24, encoding)
        data.append(finger)
        return data
    }
}

/// What a device sounds an alarm about.
public enum DeviceAlarm: Sendable, Hashable {
    case tamper
    case exitButton
    case misoperation
    case doorClosing
    /// A finger under duress, or someone who goes in twice; by the internal index.
    case person(type: UInt16, uid: UInt16, match: UInt32)
    /// A number that is not known.
    case other(UInt8)

    /// The type of ``person(type:uid:match:)`` for a finger under duress.
    public static let duress: UInt16 = 0x20
    /// The type of ``person(type:uid:match:)`` for someone who goes in twice.
    public static let passback: UInt16 = 0x22

    /// Nil for a length that no alarm has.
    init?(decoding data: [UInt8]) {
        let bytes = data.span
        switch data.count {
        case 4:
            switch data[0] {
            case 0x37: self = .tamper
            case 0x35: self = .exitButton
            case 0x3A: self = .misoperation
            default: self = .other(data[0])
            }
        case 8:
            // Two documents name two numbers.
            self = data[0] == 0x36 || data[0] == 0x54 ? .doorClosing : .other(data[0])
        case 12:
            // The two numbers stand in either order; only types are these.
            let (first, second) = (bytes.u16(at: 4), bytes.u16(at: 6))
            let isSwapped =
                ![DeviceAlarm.duress, DeviceAlarm.passback].contains(first)
                && [DeviceAlarm.duress, DeviceAlarm.passback].contains(second)
            self = .person(
                type: isSwapped ? second : first, uid: isSwapped ? first : second,
                match: bytes.u32(at: 8))
        default: return nil
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
    init?(event data: [UInt8], _ encoding: TextEncoding = .utf8) {
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
            let id = DeviceText.decode(bytes, 0..<24, encoding)
            guard !id.isEmpty else { return nil }
            self.init(userID: id, time: time, state: bytes[25], verify: bytes[24])
        default:
            return nil
        }
    }

    /// The event's data; nil where the id does not fit the form.
    public func event(_ layout: EventLayout, _ encoding: TextEncoding = .utf8) -> [UInt8]? {
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
            let id = DeviceText.encode(userID, limit: .max, encoding)
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
