/// A number of the device that has a name where it is known, and stays a number where it is not.
public protocol NamedNumber: RawRepresentable, Hashable, Sendable, CustomStringConvertible
where RawValue == UInt8 {
    init(rawValue: UInt8)
    static var names: [UInt8: String] { get }
}

extension NamedNumber {
    /// Nil for a number that is not known.
    public var name: String? { Self.names[rawValue] }

    /// The name, or the number.
    public var description: String { name ?? "\(rawValue)" }
}

/// What a punch says: coming, going, or nothing.
public struct PunchState: NamedNumber {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let checkIn = PunchState(rawValue: 0)
    public static let checkOut = PunchState(rawValue: 1)
    public static let breakOut = PunchState(rawValue: 2)
    public static let breakIn = PunchState(rawValue: 3)
    public static let overtimeIn = PunchState(rawValue: 4)
    public static let overtimeOut = PunchState(rawValue: 5)
    /// Nobody pressed a key, and the device is not set to guess.
    public static let automatic = PunchState(rawValue: 255)

    public static let names: [UInt8: String] = [
        0: "check-in", 1: "check-out", 2: "break-out", 3: "break-in", 4: "overtime-in",
        5: "overtime-out", 255: "auto",
    ]
}

/// How a person proved who they are.
public struct VerifyMode: NamedNumber {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The numbers of the log.
    ///
    /// Those that terminals push say the same, but for 0 (any) and 2 (PIN).
    public static let names: [UInt8: String] = [
        0: "password", 1: "fingerprint", 2: "card", 3: "password", 4: "card",
        5: "fingerprint or password", 6: "fingerprint or card", 7: "card or password",
        8: "PIN and fingerprint", 9: "fingerprint and password", 10: "card and fingerprint",
        11: "card and password", 12: "fingerprint, password and card",
        13: "PIN, fingerprint and password", 14: "fingerprint with PIN or card", 15: "face",
        16: "face and fingerprint", 17: "face and password", 18: "face and card",
        19: "face, fingerprint and card", 20: "face, fingerprint and password",
        21: "finger vein", 22: "finger vein and password", 23: "finger vein and card",
        24: "finger vein, password and card", 25: "palm", 26: "palm and card",
        27: "palm and face", 28: "palm and fingerprint", 29: "palm, fingerprint and face",
        200: "other",
    ]
}

/// How a user must prove who they are; a group's style is 128 less.
public struct VerifyStyle: NamedNumber {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// As the user's group does.
    public static let ofGroup = VerifyStyle(rawValue: 0)

    public static let names: [UInt8: String] = [
        0: "as the group", 128: "fingerprint, password or card", 129: "fingerprint", 130: "PIN",
        131: "password", 132: "card", 133: "fingerprint or password",
        134: "fingerprint or card", 135: "password or card", 136: "PIN and fingerprint",
        137: "fingerprint and password", 138: "fingerprint and card",
        139: "password and card", 140: "fingerprint, password and card",
        141: "PIN, fingerprint and password", 142: "fingerprint and card, or PIN",
    ]
}

/// What the operation log tells of.
public struct OperationCode: NamedNumber {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let powerOn = OperationCode(rawValue: 0)
    public static let fingerEnrolled = OperationCode(rawValue: 6)
    public static let userDeleted = OperationCode(rawValue: 9)
    public static let fingerDeleted = OperationCode(rawValue: 10)
    public static let timeSet = OperationCode(rawValue: 21)
    public static let logCleared = OperationCode(rawValue: 23)
    public static let adminsCleared = OperationCode(rawValue: 24)
    public static let unlocked = OperationCode(rawValue: 29)
    public static let userEnrolled = OperationCode(rawValue: 30)

    public static let names: [UInt8: String] = [
        0: "power on", 1: "power off", 2: "authentication failed", 3: "tamper alarm",
        4: "menu entered", 5: "setting changed", 6: "fingerprint enrolled",
        7: "password enrolled", 8: "card enrolled", 9: "user deleted",
        10: "fingerprint deleted", 11: "password deleted", 12: "card deleted",
        13: "data cleared", 14: "MF card made", 15: "MF card registered",
        16: "MF card registered", 17: "MF card registration deleted",
        18: "MF card content cleared", 19: "data moved to MF card", 20: "data copied from MF card",
        21: "time set", 22: "factory settings", 23: "log cleared", 24: "administrators cleared",
        25: "access group changed", 26: "user access changed", 27: "access time zone changed",
        28: "unlock combination changed", 29: "unlocked", 30: "user enrolled",
        31: "fingerprint attribute changed", 32: "duress alarm", 33: "doorbell",
        34: "anti-passback", 35: "photo deleted", 36: "user changed", 37: "holiday",
        38: "restored", 39: "backed up", 40: "USB upload", 41: "USB download",
        53: "exit button", 54: "door sensor", 55: "alarm", 56: "restored", 68: "user photo",
        69: "user photo", 70: "name changed", 71: "privilege changed", 76: "IP address changed",
        77: "network mask changed", 78: "gateway changed", 79: "DNS changed",
        80: "comm key changed", 81: "device id changed", 82: "cloud server changed",
        83: "cloud port changed", 100: "card", 101: "face enrolled", 106: "face deleted",
        107: "photo deleted", 108: "parameter changed", 113: "password changed",
    ]
}
