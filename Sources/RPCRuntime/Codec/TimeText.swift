// What the texts of instants and durations have in common.

/// Writes decimal digits.
enum DigitText {
    /// Appends as many digits as the number has, at most 20.
    static func put(_ value: UInt64, _ output: inout OutputSpan<UInt8>) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var start = digits.count
        var rest = value
        repeat {
            start &-= 1
            digits[start] = digit(rest % 10)
            rest /= 10
        } while rest > 0
        for index in start..<digits.count { output.append(digits[index]) }
    }

    /// Appends two digits.
    @inline(__always)
    static func putTwo(_ value: Int64, _ output: inout OutputSpan<UInt8>) {
        let value = UInt64(truncatingIfNeeded: value)
        output.append(digit(value / 10))
        output.append(digit(value % 10))
    }

    private static func putThree(_ value: Int64, _ output: inout OutputSpan<UInt8>) {
        output.append(digit(UInt64(truncatingIfNeeded: value / 100)))
        putTwo(value % 100, &output)
    }

    /// Appends a fraction of a second with 3, 6 or 9 digits, as few as hold it; none for 0.
    static func putFraction(_ nanoseconds: Int64, _ output: inout OutputSpan<UInt8>) {
        if nanoseconds == 0 { return }
        output.append(UInt8(ascii: "."))
        putThree(nanoseconds / 1_000_000, &output)
        if nanoseconds % 1_000_000 == 0 { return }
        putThree(nanoseconds / 1000 % 1000, &output)
        if nanoseconds % 1000 != 0 { putThree(nanoseconds % 1000, &output) }
    }

    @inline(__always)
    private static func digit(_ value: UInt64) -> UInt8 {
        UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value)
    }
}

/// Reads numbers and marks from a text that is passed beside it.
struct DigitScanner {
    var position = 0

    func isAtEnd(_ text: Span<UInt8>) -> Bool { position == text.count }

    mutating func skip(_ text: Span<UInt8>, _ character: Unicode.Scalar) -> Bool {
        guard position < text.count, UInt32(text[position]) == character.value
        else { return false }
        position += 1
        return true
    }

    mutating func digit(_ text: Span<UInt8>) -> Int64? {
        guard position < text.count else { return nil }
        let digit = text[position] &- UInt8(ascii: "0")
        guard digit < 10 else { return nil }
        position += 1
        return Int64(digit)
    }

    mutating func digits(_ text: Span<UInt8>, _ count: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<count {
            guard let digit = digit(text) else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// Nanoseconds, of one digit to nine; 0 where there is no fraction.
    mutating func fraction(_ text: Span<UInt8>) -> Int64? {
        guard skip(text, ".") else { return 0 }
        guard var value = digit(text) else { return nil }
        var count = 1
        while let digit = digit(text) {
            guard count < 9 else { return nil }
            value = value * 10 + digit
            count += 1
        }
        for _ in count..<9 { value *= 10 }
        return value
    }

    /// Seconds east of UTC.
    mutating func offset(_ text: Span<UInt8>) -> Int64? {
        if skip(text, "Z") || skip(text, "z") { return 0 }
        let isEast = skip(text, "+")
        guard isEast || skip(text, "-"), let hour = digits(text, 2), skip(text, ":"),
            let minute = digits(text, 2), hour < 24, minute < 60
        else { return nil }
        let seconds = hour * 3600 + minute * 60
        return isEast ? seconds : -seconds
    }
}
