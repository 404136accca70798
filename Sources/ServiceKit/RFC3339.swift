/// Instants as text: `2025-01-06T18:02:11Z`, with a fraction where there is one.
public enum RFC3339 {
    /// The text of an instant in UTC; the fraction has 3, 6 or 9 digits, or is left out when 0.
    public static func text(seconds: Int64, nanoseconds: Int32 = 0) -> String {
        // What the form can express: the years 0000 to 9999.
        let seconds = min(max(seconds, -62_167_219_200), 253_402_300_799)
        let day = seconds.quotientRoundedDown(by: 86_400)
        let second = seconds - day * 86_400
        let (year, month, dayOfMonth) = civil(day: day)
        var text = "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))T"
        text +=
            "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
        let fraction = Int64(min(max(nanoseconds, 0), 999_999_999))
        if fraction % 1_000_000 == 0 {
            if fraction != 0 { text += ".\(padded(fraction / 1_000_000, 3))" }
        } else if fraction % 1000 == 0 {
            text += ".\(padded(fraction / 1000, 6))"
        } else {
            text += ".\(padded(fraction, 9))"
        }
        return text + "Z"
    }

    /// Reads a date and time with `Z` or an offset; nil when it is not exactly that or no real date.
    public static func parse(_ text: String) -> (seconds: Int64, nanoseconds: Int32)? {
        var rest = Array(text.utf8)[...]
        guard let year = number(&rest, 4), take(&rest, "-"), let month = number(&rest, 2),
            take(&rest, "-"), let day = number(&rest, 2), take(&rest, "T", "t", " "),
            let hour = number(&rest, 2), take(&rest, ":"), let minute = number(&rest, 2),
            take(&rest, ":"), let second = number(&rest, 2), let nanoseconds = fraction(&rest),
            let offset = offset(&rest), rest.isEmpty
        else { return nil }
        // A leap second reads as the second after it.
        guard hour < 24, minute < 60, second <= 60, 1...12 ~= month, day >= 1 else { return nil }
        let dayNumber = dayNumber(year: year, month: month, day: day)
        guard civil(day: dayNumber) == (year, month, day) else { return nil }
        let seconds = dayNumber * 86_400 + hour * 3600 + minute * 60 + second - offset
        return (seconds, nanoseconds)
    }

    private static func fraction(_ rest: inout ArraySlice<UInt8>) -> Int32? {
        guard take(&rest, ".") else { return 0 }
        var digits: Int32 = 0
        var value: Int32 = 0
        while let byte = rest.first, 0x30...0x39 ~= byte {
            if digits < 9 {
                value = value * 10 + Int32(byte - 0x30)
                digits += 1
            }
            rest.removeFirst()
        }
        guard digits > 0 else { return nil }
        while digits < 9 {
            value *= 10
            digits += 1
        }
        return value
    }

    private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        if take(&rest, "Z", "z") { return 0 }
        let isNegative = rest.first == UInt8(ascii: "-")
        guard take(&rest, "+", "-"), let hours = number(&rest, 2), take(&rest, ":"),
            let minutes = number(&rest, 2), hours < 24, minutes < 60
        else { return nil }
        return (isNegative ? -1 : 1) * (hours * 3600 + minutes * 60)
    }

    private static func number(_ rest: inout ArraySlice<UInt8>, _ count: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<count {
            guard let byte = rest.popFirst(), 0x30...0x39 ~= byte else { return nil }
            value = value * 10 + Int64(byte - 0x30)
        }
        return value
    }

    private static func take(_ rest: inout ArraySlice<UInt8>, _ accepted: UnicodeScalar...) -> Bool
    {
        guard let byte = rest.first, accepted.contains(UnicodeScalar(byte)) else { return false }
        rest.removeFirst()
        return true
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    // The proleptic Gregorian calendar in years that begin with March, 400 years to a cycle.

    private static func civil(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let cycle = shifted.quotientRoundedDown(by: 146_097)
        let dayOfCycle = shifted - cycle * 146_097
        let yearOfCycle =
            (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func dayNumber(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let cycle = shiftedYear.quotientRoundedDown(by: 400)
        let yearOfCycle = shiftedYear - cycle * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return cycle * 146_097 + yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100
            + dayOfYear - 719_468
    }
}

extension Int64 {
    fileprivate func quotientRoundedDown(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
