/// The size of a user record, which depends on the firmware.
public enum UserLayout: Int, Sendable, CaseIterable {
    /// Devices with a black-and-white display; ids are numbers.
    case bytes28 = 28
    /// Devices with a colour display; ids are texts of up to 24 bytes.
    case bytes72 = 72

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
    public var card: UInt32
    /// The number at the group's place; see ``group``.
    public var groupByte: UInt8
    /// Time zones in the 28-byte form 2 bytes, in the 72-byte form 8; kept as they are.
    public var access: UInt64
    /// What identifies the person: a text, leading zeros included.
    public var userID: String

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
}

extension DeviceUser: CustomStringConvertible {
    /// Names the user without the password and the card.
    public var description: String { "user \(userID) (#\(uid)) \(name)" }
}

extension DeviceUser {
    /// Takes one record; its length says which layout it has.
    public init(decoding record: [UInt8]) throws(FormatError) {
        guard let layout = UserLayout(rawValue: record.count) else {
            throw .length(what: "a user record", bytes: record.count, expected: "28 or 72")
        }
        self.init(record.span, at: 0, layout)
    }

    /// Takes the bytes of a bulk read: their count, then the records.
    ///
    /// `count` is what the device says it has; without it the layout follows from the length.
    public static func decodeAll(_ blob: [UInt8], count: Int?) throws(FormatError) -> [DeviceUser] {
        let total = try Bulk.total(of: blob, what: "the list of users")
        if total == 0 { return [] }
        guard let layout = UserLayout.matching(total: total, count: count, in: blob.span) else {
            throw .length(
                what: "the list of users", bytes: total,
                expected: "\(count.map { "\($0)" } ?? "any") records of 28 or 72")
        }
        var users: [DeviceUser] = []
        users.reserveCapacity(total / layout.stride)
        for offset in stride(from: 4, to: blob.count, by: layout.stride) {
            users.append(DeviceUser(blob.span, at: offset, layout))
        }
        return users
    }

    fileprivate init(_ bytes: Span<UInt8>, at start: Int, _ layout: UserLayout) {
        uid = bytes.u16(at: start)
        privilege = bytes[start + 2]
        switch layout {
        case .bytes28:
            password = DeviceText.decode(bytes, start + 3..<start + 8)
            name = DeviceText.decode(bytes, start + 8..<start + 16)
            card = bytes.u32(at: start + 16)
            groupByte = bytes[start + 21]
            access = UInt64(bytes.u16(at: start + 22))
            userID = String(bytes.u32(at: start + 24))
        case .bytes72:
            password = DeviceText.decode(bytes, start + 3..<start + 11)
            name = DeviceText.decode(bytes, start + 11..<start + 35)
            card = bytes.u32(at: start + 35)
            groupByte = bytes[start + 39]
            access = bytes.u64(at: start + 40)
            userID = DeviceText.decode(bytes, start + 48..<start + 72)
        }
    }

    /// The record; texts that are too long are cut at a character's end.
    ///
    /// Nil where the id does not fit: cutting it would make it another person's.
    public func encoded(_ layout: UserLayout) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(layout.stride)
        bytes.append(u16: uid)
        bytes.append(privilege)
        func append(_ text: String, _ width: Int) {
            let field = DeviceText.encode(text, limit: width)
            bytes += field
            bytes.append(zeros: width - field.count)
        }
        switch layout {
        case .bytes28:
            guard let number = UInt32(userID) else { return nil }
            append(password, 5)
            append(name, 8)
            bytes.append(u32: card)
            bytes.append(0)
            bytes.append(groupByte)
            bytes.append(u16: UInt16(truncatingIfNeeded: access))
            bytes.append(u32: number)
        case .bytes72:
            guard DeviceText.encode(userID, limit: .max).count <= 24 else { return nil }
            append(password, 8)
            append(name, 24)
            bytes.append(u32: card)
            bytes.append(groupByte)
            bytes.append(u64: access)
            append(userID, 24)
        }
        return bytes
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
        return fitting.last
    }
}
