/// A real date and time of a wall clock, without a zone.
public struct WallTime: Sendable, Hashable, Comparable {
    /// Seconds from 1970-01-01T00:00:00 to this reading, as if the clock never changed.
    public let seconds: Int64

    public init(seconds: Int64) { self.seconds = seconds }

    /// Reads exactly `YYYY-MM-DDThh:mm:ss`; nil for another form or a date that the calendar
    /// does not have, such as 31 February.
    public init?(_ text: String) {
        var digits = (0 as Int64, 0 as Int64, 0 as Int64, 0 as Int64, 0 as Int64, 0 as Int64)
        var index = 0
        for byte in text.utf8 {
            switch index {
            case 4, 7: guard byte == UInt8(ascii: "-") else { return nil }
            case 10: guard byte == UInt8(ascii: "T") else { return nil }
            case 13, 16: guard byte == UInt8(ascii: ":") else { return nil }
            case 0..<19:
                guard 0x30...0x39 ~= byte else { return nil }
                let digit = Int64(byte - 0x30)
                switch index {
                case 0...3: digits.0 = digits.0 * 10 + digit
                case 5...6: digits.1 = digits.1 * 10 + digit
                case 8...9: digits.2 = digits.2 * 10 + digit
                case 11...12: digits.3 = digits.3 * 10 + digit
                case 14...15: digits.4 = digits.4 * 10 + digit
                default: digits.5 = digits.5 * 10 + digit
                }
            default: return nil
            }
            index += 1
        }
        let (year, month, day, hour, minute, second) = digits
        guard index == 19, 1...12 ~= month, day >= 1, day <= Self.days(in: month, of: year),
            hour < 24, minute < 60, second < 60
        else { return nil }
        let days = Self.dayNumber(year: year, month: month, day: day)
        seconds = days * 86_400 + hour * 3600 + minute * 60 + second
    }

    public static func < (left: WallTime, right: WallTime) -> Bool { left.seconds < right.seconds }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 in the Gregorian calendar, for the years 0 to 9999.
    static func dayNumber(year: Int64, month: Int64, day: Int64) -> Int64 {
        // Years that begin with March put the leap day last.
        let year = month <= 2 ? year + 399 : year + 400
        let month = month <= 2 ? month + 9 : month - 3
        let leapDays = year / 4 - year / 100 + year / 400
        return year * 365 + leapDays + (153 * month + 2) / 5 + day - 1 - 719_468 - 146_097
    }
}
