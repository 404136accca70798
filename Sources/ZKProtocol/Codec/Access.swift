/// Which time zones open the door for a user.
public struct UserAccess: Sendable, Hashable {
    /// Whether the user has zones of their own, and not those of the group.
    public var hasOwnZones: Bool
    /// Three indices; 0 is none.
    public var zones: [UInt16]

    public init(hasOwnZones: Bool, zones: [UInt16]) {
        self.hasOwnZones = hasOwnZones
        self.zones = zones
    }

    /// Takes the answer to ``Command/readUserZones``, which says whether the group's are used.
    public init(decoding data: [UInt8]) throws(FormatError) {
        guard data.count >= 8 else {
            throw .length(what: "a user's time zones", bytes: data.count, expected: "8")
        }
        let bytes = data.span
        hasOwnZones = bytes.u16(at: 0) == 0
        zones = (1...3).map { bytes.u16(at: $0 * 2) }
    }

    /// The answer of a device.
    public func encoded() -> [UInt8] {
        var data: [UInt8] = []
        data.append(u16: hasOwnZones ? 0 : 1)
        for index in 0..<3 { data.append(u16: index < zones.count ? zones[index] : 0) }
        return data
    }

    /// The data of ``Command/writeUserZones``.
    public func request(for uid: UInt16) -> [UInt8] {
        var data: [UInt8] = []
        data.append(u32: UInt32(uid))
        data.append(u32: hasOwnZones ? 1 : 0)
        for index in 0..<3 { data.append(u32: index < zones.count ? UInt32(zones[index]) : 0) }
        return data
    }

    /// Takes the data of ``Command/writeUserZones``.
    public static func request(decoding data: [UInt8]) throws(FormatError)
        -> (uid: UInt16, access: UserAccess)
    {
        guard data.count >= 20 else {
            throw .length(what: "a user's time zones", bytes: data.count, expected: "20")
        }
        let bytes = data.span
        return (
            bytes.u16(at: 0),
            UserAccess(
                hasOwnZones: bytes.u32(at: 4) != 0,
                zones: (0..<3).map { bytes.u16(at: 8 + $0 * 4) })
        )
    }
}

/// Which time zones open the door for a group, and how its people prove who they are.
public struct GroupAccess: Sendable, Hashable {
    public var group: UInt8
    public var zones: [UInt16]
    public var opensOnHolidays: Bool
    /// 128 less than the style of a user.
    public var style: UInt8

    public init(group: UInt8, zones: [UInt16], opensOnHolidays: Bool = false, style: UInt8 = 0) {
        self.group = group
        self.zones = zones
        self.opensOnHolidays = opensOnHolidays
        self.style = style
    }

    public init(decoding data: [UInt8]) throws(FormatError) {
        guard data.count >= 8 else {
            throw .length(what: "a group's time zones", bytes: data.count, expected: "8")
        }
        let bytes = data.span
        group = data[0]
        zones = (0..<3).map { bytes.u16(at: 1 + $0 * 2) }
        opensOnHolidays = data[7] & 0x80 != 0
        style = data[7] & 0x7F
    }

    public func encoded() -> [UInt8] {
        var data = [group]
        for index in 0..<3 { data.append(u16: index < zones.count ? zones[index] : 0) }
        data.append(style & 0x7F | (opensOnHolidays ? 0x80 : 0))
        return data
    }

    /// The data of ``Command/readGroupZones``, and of ``Command/readCombination``.
    public static func request(_ number: UInt8) -> [UInt8] { [number, 0, 0, 0, 0, 0, 0, 0] }
}

/// When a time zone of the device is open, day by day.
public struct AccessHours: Sendable, Hashable {
    /// From a minute of the day to another.
    public struct Day: Sendable, Hashable {
        public var fromHour: UInt8
        public var fromMinute: UInt8
        public var toHour: UInt8
        public var toMinute: UInt8

        public init(fromHour: UInt8, fromMinute: UInt8, toHour: UInt8, toMinute: UInt8) {
            self.fromHour = fromHour
            self.fromMinute = fromMinute
            self.toHour = toHour
            self.toMinute = toMinute
        }
    }

    public var index: UInt32
    /// Seven, Sunday first.
    public var days: [Day]
    /// Two bytes behind the days whose meaning is not known.
    public var tail: UInt16 = 0

    public init(index: UInt32, days: [Day]) {
        self.index = index
        self.days = days
    }

    /// Takes the answer to ``Command/readHours``, whose index has two bytes.
    public init(decoding data: [UInt8]) throws(FormatError) {
        guard data.count >= 30 else {
            throw .length(what: "a time zone", bytes: data.count, expected: "32")
        }
        let bytes = data.span
        index = UInt32(bytes.u16(at: 0))
        days = AccessHours.days(bytes, at: 2)
        if data.count >= 32 { tail = bytes.u16(at: 30) }
    }

    /// The answer of a device.
    public func encoded() -> [UInt8] {
        var data: [UInt8] = []
        data.append(u16: UInt16(truncatingIfNeeded: index))
        appendDays(to: &data)
        data.append(u16: tail)
        return data
    }

    /// The data of ``Command/writeHours``, whose index has four bytes.
    public func request() -> [UInt8] {
        var data: [UInt8] = []
        data.append(u32: index)
        appendDays(to: &data)
        return data
    }

    /// Takes the data of ``Command/writeHours``.
    public init(request data: [UInt8]) throws(FormatError) {
        guard data.count >= 32 else {
            throw .length(what: "a time zone", bytes: data.count, expected: "32")
        }
        let bytes = data.span
        self.init(index: bytes.u32(at: 0), days: AccessHours.days(bytes, at: 4))
    }

    private static func days(_ bytes: Span<UInt8>, at start: Int) -> [Day] {
        (0..<7).map { day in
            let at = start + day * 4
            return Day(
                fromHour: bytes[at], fromMinute: bytes[at + 1], toHour: bytes[at + 2],
                toMinute: bytes[at + 3])
        }
    }

    private func appendDays(to data: inout [UInt8]) {
        for index in 0..<7 {
            guard index < days.count else {
                data.append(u32: 0)
                continue
            }
            let day = days[index]
            data += [day.fromHour, day.fromMinute, day.toHour, day.toMinute]
        }
    }
}

/// Groups whose people open the door together.
public struct UnlockCombination: Sendable, Hashable {
    public var number: UInt8
    /// At most five; 0 is none.
    public var groups: [UInt8]
    /// How many people it takes, as the device tells it.
    public var count: UInt16

    public init(number: UInt8, groups: [UInt8]) {
        self.number = number
        self.groups = groups
        count = UInt16(clamping: groups.count { $0 != 0 })
    }

    public init(decoding data: [UInt8]) throws(FormatError) {
        guard data.count >= 8 else {
            throw .length(what: "an unlock combination", bytes: data.count, expected: "8")
        }
        number = data[0]
        groups = Array(data[1..<6])
        count = data.span.u16(at: 6)
    }

    public func encoded() -> [UInt8] {
        var data = [number] + groups.prefix(5)
        data.append(zeros: 6 - data.count)
        data.append(u16: count)
        return data
    }
}

extension VerifyStyle {
    /// The data of ``Command/writeStyle``, and the answer to ``Command/readStyle``.
    public func encoded(for uid: UInt16) -> [UInt8] {
        var data: [UInt8] = []
        data.append(u16: uid)
        data.append(rawValue)
        data.append(zeros: 21)
        return data
    }

    /// Takes what ``encoded(for:)`` makes.
    public static func decode(_ data: [UInt8]) throws(FormatError)
        -> (uid: UInt16, style: VerifyStyle)
    {
        guard data.count >= 3 else {
            throw .length(what: "a verify style", bytes: data.count, expected: "24")
        }
        return (data.span.u16(at: 0), VerifyStyle(rawValue: data[2]))
    }
}
