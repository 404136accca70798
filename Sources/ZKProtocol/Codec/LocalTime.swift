/// A device's wall time, without a zone, as the device's 32 bits say it.
///
/// Every month has 31 slots, so 31 February can be told; such a time is kept as it is and
/// answers ``isRealDate`` with false. The years reach from 2000 to 2133.
public struct LocalTime: Sendable, Hashable, Comparable {
    /// The device's own form: seconds in a calendar of 31-day months since 2000.
    public let packed: UInt32

    public init(packed: UInt32) { self.packed = packed }

    /// Nil where a part lies outside its range or the year outside 2000...2133.
    public init?(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        guard 2000...2133 ~= year, 1...12 ~= month, 1...31 ~= day,
            0...23 ~= hour, 0...59 ~= minute, 0...59 ~= second
        else { return nil }
        let days = ((year - 2000) * 12 + month - 1) * 31 + day - 1
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
        // The last months of 2133 do not fit.
        guard let packed = UInt32(exactly: seconds) else { return nil }
        self.packed = packed
    }

    public var second: Int { Int(packed % 60) }
    public var minute: Int { Int(packed / 60 % 60) }
    public var hour: Int { Int(packed / 3600 % 24) }
    public var day: Int { Int(packed / 86_400 % 31) + 1 }
    public var month: Int { Int(packed / 86_400 / 31 % 12) + 1 }
    public var year: Int { Int(packed / 86_400 / 31 / 12) + 2000 }

    /// Whether the calendar has this day.
    public var isRealDate: Bool { day <= LocalTime.days(in: month, of: year) }

    public static func < (a: LocalTime, b: LocalTime) -> Bool { a.packed < b.packed }

    static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

// The text form: `YYYY-MM-DDThh:mm:ss`.
extension LocalTime: CustomStringConvertible {
    public var description: String {
        var text: [UInt8] = []
        text.reserveCapacity(19)
        func put(_ value: Int, _ digits: Int) {
            var scale = digits == 4 ? 1000 : 10
            while scale > 0 {
                text.append(UInt8(48 + value / scale % 10))
                scale /= 10
            }
        }
        put(year, 4)
        for (mark, value) in [
            ("-", month), ("-", day), ("T", hour), (":", minute), (":", second),
        ] {
            text.append(contentsOf: mark.utf8)
            put(value, 2)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads exactly the form that ``description`` writes.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 19, bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] == 0x54,
            bytes[13] == 0x3A, bytes[16] == 0x3A
        else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for byte in bytes[range] {
                guard 48...57 ~= byte else { return nil }
                value = value * 10 + Int(byte - 48)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16),
            let second = number(17..<19)
        else { return nil }
        self.init(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    }
}

// Days and seconds, for clocks: both ways exact for every real date.
extension LocalTime {
    /// Seconds since 1970-01-01T00:00:00 of the same wall clock; nil for a date that is none.
    public var secondsSince1970: Int64? {
        guard isRealDate else { return nil }
        var days = 10_957  // 2000-01-01
        for past in 2000..<year { days += LocalTime.days(in: 2, of: past) == 29 ? 366 : 365 }
        for past in 1..<month { days += LocalTime.days(in: past, of: year) }
        days += day - 1
        return Int64(days) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    /// Nil outside 2000...2133.
    public init?(secondsSince1970 seconds: Int64) {
        guard seconds >= 946_684_800, seconds < 5_200_000_000 else { return nil }
        var days = Int(seconds / 86_400) - 10_957
        let rest = Int(seconds % 86_400)
        var year = 2000
        while true {
            let length = LocalTime.days(in: 2, of: year) == 29 ? 366 : 365
            if days < length { break }
            days -= length
            year += 1
        }
        var month = 1
        while days >= LocalTime.days(in: month, of: year) {
            days -= LocalTime.days(in: month, of: year)
            month += 1
        }
        self.init(
            year: year, month: month, day: days + 1, hour: rest / 3600,
            minute: rest / 60 % 60, second: rest % 60)
    }
}

// The six bytes of an event: year from 2000, month, day, hour, minute, second.
extension LocalTime {
    static let eventBytes = 6

    init?(event bytes: Span<UInt8>, at offset: Int) {
        self.init(
            year: 2000 + Int(bytes[offset]), month: Int(bytes[offset + 1]),
            day: Int(bytes[offset + 2]), hour: Int(bytes[offset + 3]),
            minute: Int(bytes[offset + 4]), second: Int(bytes[offset + 5]))
    }

    func appendEvent(to bytes: inout [UInt8]) {
        for part in [year - 2000, month, day, hour, minute, second] {
            bytes.append(UInt8(truncatingIfNeeded: part))
        }
    }
}
