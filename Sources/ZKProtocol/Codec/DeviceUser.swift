/// The size of a user record, which depends on the firmware.
public enum UserLayout: Int, Sendable, CaseIterable {
    /// Devices with a black-and-white display; ids are numbers.
    case bytes28 = 28
    /// Devices with a colour display; ids are texts of up to 24 bytes.
    case bytes72 = 72
    /// The newest firmware: a last name, and bytes whose meaning is not known.
    case bytes120 = 120

    public var stride: Int { rawValue }
}

/// One user in a device's memory.
public struct DeviceUser: Sendable, Hashable {
    /// The device's own index, unique while the user exists and reused later.
    public var uid: UInt16
    /// 0 user, 2 enroller, 6 manager, 14 administrator; one more where the user is disabled.
    public var privilege: UInt8
    public var password: String
    public var name: String
    /// Only the 120-byte form has one apart.
    public var lastName = ""
    /// The 120-byte form has none at a known place.
    public var card: UInt32
    /// The number at the group's place; see ``group``.
    public var groupByte: UInt8
    /// Time zones in the 28-byte form 2 bytes, in the 72-byte form 8; kept as they are.
    public var access: UInt64
    /// What identifies the person: a text, leading zeros included.
    public var userID: String
    /// The record that a 120-byte user was read from: what is not known is written back.
    var original: [UInt8] = []

    public init(
        uid: UInt16, userID: String, name: String = "", privilege: UInt8 = 0,
        password: String = "", card: UInt32 = 0, groupByte: UInt8 = 1, access: UInt64 = 0
    ) {
        self.uid = uid
        self.userID = userID
        self.name = name
        self.privilege = privilege
        self.password = password
        self.card = card
        self.groupByte = groupByte
        self.access = access
    }

    /// The group: some software writes its digits where the time zones are.
    public var group: Int {
        if 1...99 ~= groupByte { return Int(groupByte) }
        var value = 0
        for shift in stride(from: 0, to: 56, by: 8) {
            let digit = UInt8(truncatingIfNeeded: access >> UInt64(shift))
            guard 48...57 ~= digit else { break }
            value = value * 10 + Int(digit - 48)
        }
        return value
    }

    /// Whether the user is an administrator of the device.
    public var isAdmin: Bool { privilege & 0x0E == 14 }
}

extension DeviceUser: CustomStringConvertible {
    /// Names the user without the password and the card.
    public var description: String { "user \(userID) (#\(uid)) \(name)" }
}

extension DeviceUser {
    /// Takes one record; its length says which layout it has.
    public init(decoding record: [UInt8], _ encoding: TextEncoding = .utf8) throws(FormatError) {
        guard let layout = UserLayout(rawValue: record.count) else {
            throw .length(what: "a user record", bytes: record.count, expected: "28, 72 or 120")
        }
        self.init(record.span, at: 0, layout, encoding)
    }

    /// Takes the bytes of a bulk read: their count, then the records.
    ///
    /// `count` is what the device says it has; without it the layout follows from the length and
    /// from what the records would say.
    public static func decodeAll(
        _ blob: [UInt8], count: Int?, _ encoding: TextEncoding = .utf8
    ) throws(FormatError) -> [DeviceUser] {
        try decodeList(blob, count: count, encoding).users
    }

    /// The same, with the layout that the records have; nil for no records.
    static func decodeList(
        _ blob: [UInt8], count: Int?, _ encoding: TextEncoding
    ) throws(FormatError) -> (users: [DeviceUser], layout: UserLayout?) {
        let total = try Bulk.total(of: blob, what: "the list of users")
        if total == 0 { return ([], nil) }
        guard let layout = UserLayout.matching(total: total, count: count, in: blob.span) else {
            throw .length(
                what: "the list of users", bytes: total,
                expected: "\(count.map { "\($0)" } ?? "any") records of 28, 72 or 120")
        }
        var users: [DeviceUser] = []
        users.reserveCapacity(total / layout.stride)
        for offset in stride(from: 4, to: blob.count, by: layout.stride) {
            users.append(DeviceUser(blob.span, at: offset, layout, encoding))
        }
        return (users, layout)
    }

    init(
        _ bytes: Span<UInt8>, at start: Int, _ layout: UserLayout, _ encoding: TextEncoding
    ) {
        func text(_ from: Int, _ to: Int) -> String {
            DeviceText.decode(bytes, start + from..<start + to, encoding)
        }
        self.init(uid: bytes.u16(at: start), userID: "", privilege: bytes[start + 2])
        switch layout {
        case .bytes28:
            password = text(3, 8)
            name = text(8, 16)
            card = bytes.u32(at: start + 16)
            groupByte = bytes[start + 21]
            access = UInt64(bytes.u16(at: start + 22))
            userID = String(bytes.u32(at: start + 24))
        case .bytes72:
            password = text(3, 11)
            name = text(11, 35)
            card = bytes.u32(at: start + 35)
            groupByte = bytes[start + 39]
            access = bytes.u64(at: start + 40)
            userID = text(48, 72)
        case .bytes120:
            password = text(3, 11)
            name = text(35, 59)
            lastName = text(59, 83)
            userID = text(96, 120)
            original.reserveCapacity(layout.stride)
            for index in start..<start + layout.stride { original.append(bytes[index]) }
        }
    }
}

extension UserLayout {
    fileprivate static func matching(total: Int, count: Int?, in bytes: Span<UInt8>)
        -> UserLayout?
    {
        if let count, count > 0, total % count == 0,
            let exact = UserLayout(rawValue: total / count)
        {
            return exact
        }
        // The count comes from another request: a user may have been added in between.
        let fitting = UserLayout.allCases.filter { layout in
            guard total % layout.stride == 0 else { return false }
            guard let count else { return true }
            return abs(total / layout.stride - count) <= max(2, count / 10)
        }
        // The usual one last, which wins where records are plausible both ways.
        let scores = fitting.map { ($0, $0.plausibility(in: bytes, total: total)) }
        return scores.max { ($0.1, $0.0 == .bytes72 ? 1 : 0) < ($1.1, $1.0 == .bytes72 ? 1 : 0) }?
            .0
    }

    /// How many of the first records have an index and an id, in thousandths.
    private func plausibility(in bytes: Span<UInt8>, total: Int) -> Int {
        let records = min(64, total / stride)
        let good = (0..<records).count { record in
            let start = 4 + record * stride
            guard bytes.u16(at: start) != 0 else { return false }
            switch self {
            case .bytes28: return bytes.u32(at: start + 24) != 0
            case .bytes72: return bytes[start + 48] >= 0x20
            case .bytes120: return bytes[start + 96] >= 0x20
            }
        }
        return records == 0 ? 0 : good * 1000 / records
    }
}
