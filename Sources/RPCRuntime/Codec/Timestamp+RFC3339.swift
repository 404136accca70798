// The text form: `2026-03-01T07:58:13Z`, with a fraction where there is one.

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with 0, 3, 6 or 9 digits of fraction, as few as hold it.
    public var description: String {
        var text: [UInt8] = []
        text.append(addingCapacity: Self.lengthMax) { writeText(to: &$0) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The most characters that ``writeText(to:)`` appends.
    static var lengthMax: Int { 30 }

    /// Appends what ``description`` is.
    func writeText(to output: inout OutputSpan<UInt8>) {
        let (days, rest) = Self.floorDivide(seconds, 86_400)
        let (year, month, day) = Self.civil(days)
        DigitText.putTwo(year / 100, &output)
        DigitText.putTwo(year % 100, &output)
        output.append(UInt8(ascii: "-"))
        DigitText.putTwo(month, &output)
        output.append(UInt8(ascii: "-"))
        DigitText.putTwo(day, &output)
        output.append(UInt8(ascii: "T"))
        DigitText.putTwo(rest / 3600, &output)
        output.append(UInt8(ascii: ":"))
        DigitText.putTwo(rest / 60 % 60, &output)
        output.append(UInt8(ascii: ":"))
        DigitText.putTwo(rest % 60, &output)
        DigitText.putFraction(Int64(nanoseconds), &output)
        output.append(UInt8(ascii: "Z"))
    }

    /// Reads RFC 3339 with any offset and up to nine digits of fraction.
    ///
    /// Nil for anything else: a date that does not exist, a leap second, an instant out of range.
    public init?(_ text: some StringProtocol) {
        let characters = Array(text.utf8.prefix(40))
        self.init(characters.span)
    }

    init?(_ text: Span<UInt8>) {
        var scanner = DigitScanner()
        guard let year = scanner.digits(text, 4), scanner.skip(text, "-"),
            let month = scanner.digits(text, 2), scanner.skip(text, "-"),
            let day = scanner.digits(text, 2),
            scanner.skip(text, "T") || scanner.skip(text, "t"),
            let hour = scanner.digits(text, 2), scanner.skip(text, ":"),
            let minute = scanner.digits(text, 2), scanner.skip(text, ":"),
            let second = scanner.digits(text, 2),
            hour < 24, minute < 60, second < 60, (1...12).contains(month),
            day >= 1, day <= Self.daysInMonth(year, month),
            let nanoseconds = scanner.fraction(text), let offset = scanner.offset(text),
            scanner.isAtEnd(text)
        else { return nil }
        let days = Self.days(year, month, day)
        let local = days * 86_400 + hour * 3600 + minute * 60 + second
        self.init(seconds: local - offset, nanoseconds: Int32(truncatingIfNeeded: nanoseconds))
    }

    // MARK: The calendar

    /// The year, month and day that lie `days` after 1970-01-01, in the Gregorian calendar.
    ///
    /// Counts eras of 400 years that begin on a 1 March, so that a leap day is a year's last.
    static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    /// The days from 1970-01-01 to a date; the inverse of ``civil(_:)``.
    static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floorDivide(shiftedYear, 400)
        let shifted = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * shifted + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    static func daysInMonth(_ year: Int64, _ month: Int64) -> Int64 {
        switch month {
        case 2: (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
