/// One punch as a row of the device's log or an event tells it.
public struct AttendanceRecord: Sendable, Hashable {
    /// The device's index of the user, or on some firmware the row's number; 0 where the form
    /// has none.
    public var index: UInt16
    /// What identifies the person; empty where the row has only the index.
    public var userID: String
    public var time: LocalTime
    /// 0 check-in, 1 check-out, 2 break-out, 3 break-in, 4 overtime-in, 5 overtime-out,
    /// 255 unknown.
    public var state: UInt8
    /// How the person proved who they are, by the device's own number.
    public var verify: UInt8
    public var workCode: UInt32

    public init(
        index: UInt16 = 0, userID: String, time: LocalTime, state: UInt8, verify: UInt8,
        workCode: UInt32 = 0
    ) {
        self.index = index
        self.userID = userID
        self.time = time
        self.state = state
        self.verify = verify
        self.workCode = workCode
    }

    /// ``state`` by its name.
    public var punchState: PunchState { PunchState(rawValue: state) }
    /// ``verify`` by its name.
    public var verifyMode: VerifyMode { VerifyMode(rawValue: verify) }

    /// The user id, or `#` and the index.
    public var identifier: String { userID.isEmpty ? "#\(index)" : userID }
}

/// How a row of the log is laid out, which depends on the firmware.
public enum AttendanceLayout: Sendable, Hashable {
    /// Index, verify, time at 3, state.
    case bytes8
    /// Index, flags, time at 4: verify and state are bits of the flags.
    case bytes8Flags
    /// A numeric user id.
    case bytes16
    /// Index, a textual user id of up to 6 bytes, verify at 12, time at 13, state at 17.
    case bytes22
    /// A textual user id, with whatever the firmware adds behind the 32nd byte.
    case text(stride: Int)

    public var stride: Int {
        switch self {
        case .bytes8, .bytes8Flags: 8
        case .bytes16: 16
        case .bytes22: 22
        case .text(let stride): stride
        }
    }

    /// The shortest and longest row with a textual user id that is believed.
    public static let textStrides = 32...128

    /// Nil for a stride that no layout has; 8 means ``bytes8``.
    public init?(stride: Int) {
        switch stride {
        case 8: self = .bytes8
        case 16: self = .bytes16
        case 22: self = .bytes22
        case AttendanceLayout.textStrides: self = .text(stride: stride)
        default: return nil
        }
    }
}

extension AttendanceRecord {
    /// Takes one row with a textual user id.
    public init(row: [UInt8], _ encoding: TextEncoding = .utf8) throws(FormatError) {
        guard AttendanceLayout.textStrides ~= row.count else {
            throw .length(
                what: "a row of the log", bytes: row.count,
                expected: "\(AttendanceLayout.textStrides)")
        }
        self.init(row.span, at: 0, .text(stride: row.count), encoding)
    }

    /// Decodes a row; the caller has checked that a whole one is there.
    init(
        _ bytes: Span<UInt8>, at start: Int, _ layout: AttendanceLayout,
        _ encoding: TextEncoding = .utf8
    ) {
        switch layout {
        case .bytes8:
            self.init(
                index: bytes.u16(at: start), userID: "",
                time: LocalTime(packed: bytes.u32(at: start + 3)), state: bytes[start + 7],
                verify: bytes[start + 2])
        case .bytes8Flags:
            let flags = bytes[start + 2]
            self.init(
                index: bytes.u16(at: start), userID: "",
                time: LocalTime(packed: bytes.u32(at: start + 4)), state: flags & 7,
                verify: flags >> 3 & 3)
        case .bytes16:
            self.init(
                userID: String(bytes.u32(at: start)),
                time: LocalTime(packed: bytes.u32(at: start + 4)), state: bytes[start + 9],
                verify: bytes[start + 8], workCode: bytes.u32(at: start + 12))
        case .bytes22:
            self.init(
                index: bytes.u16(at: start),
                userID: DeviceText.decode(bytes, start + 2..<start + 8, encoding),
                time: LocalTime(packed: bytes.u32(at: start + 13)), state: bytes[start + 17],
                verify: bytes[start + 12])
        case .text(let stride):
            self.init(
                index: bytes.u16(at: start),
                userID: DeviceText.decode(bytes, start + 2..<start + 26, encoding),
                time: LocalTime(packed: bytes.u32(at: start + 27)), state: bytes[start + 31],
                verify: bytes[start + 26],
                workCode: stride >= 36 ? bytes.u32(at: start + 32) : 0)
        }
    }

    /// Appends the row; false, and nothing appended, where the id does not fit the layout.
    public func append(
        to bytes: inout [UInt8], _ layout: AttendanceLayout, _ encoding: TextEncoding = .utf8
    ) -> Bool {
        switch layout {
        case .bytes8:
            bytes.append(u16: index)
            bytes.append(verify)
            bytes.append(u32: time.packed)
            bytes.append(state)
        case .bytes8Flags:
            bytes.append(u16: index)
            bytes.append(state & 7 | (verify & 3) << 3 | 0x20)
            bytes.append(0)
            bytes.append(u32: time.packed)
        case .bytes16:
            guard let number = UInt32(userID) else { return false }
            bytes.append(u32: number)
            bytes.append(u32: time.packed)
            bytes.append(verify)
            bytes.append(state)
            bytes.append(u16: 0)
            bytes.append(u32: workCode)
        case .bytes22:
            let id = DeviceText.encode(userID, limit: .max, encoding)
            guard id.count <= 6 else { return false }
            bytes.append(u16: index)
            bytes += id
            bytes.append(zeros: 10 - id.count)
            bytes.append(verify)
            bytes.append(u32: time.packed)
            bytes.append(state)
            bytes.append(zeros: 4)
        case .text(let stride):
            let id = DeviceText.encode(userID, limit: .max, encoding)
            guard id.count <= 24, AttendanceLayout.textStrides ~= stride else { return false }
            let end = bytes.count + stride
            bytes.append(u16: index)
            bytes += id
            bytes.append(zeros: 24 - id.count)
            bytes.append(verify)
            bytes.append(u32: time.packed)
            bytes.append(state)
            if stride >= 40 {
                bytes.append(u32: workCode)
                bytes.append(u32: 0xFF)
            }
            bytes.append(zeros: end - bytes.count)
        }
        return true
    }
}
