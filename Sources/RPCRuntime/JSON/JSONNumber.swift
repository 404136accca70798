/// A number as JSON writes it: digits and a power of ten.
struct JSONNumber {
    /// A number of more characters is refused.
    static var lengthMax: Int { 1024 }

    private(set) var isNegative = false
    /// The digits that fit.
    private(set) var digits: UInt64 = 0
    /// The power of ten that they are multiplied with.
    private(set) var exponent = 0
    /// Whether no digit but zeros was left away.
    private(set) var isExact = true
    private var isFull = false

    /// Reads a number at a place, and moves the place behind it; nil where there is none.
    init?(_ text: Span<UInt8>, _ place: inout Int) {
        var index = place
        if index < text.count, text[index] == UInt8(ascii: "-") {
            isNegative = true
            index += 1
        }
        let start = index
        while let digit = Self.digit(text, index) {
            if !take(digit) { exponent += 1 }
            index += 1
        }
        guard index == start + 1 || (index > start && text[start] != UInt8(ascii: "0"))
        else { return nil }
        if index < text.count, text[index] == UInt8(ascii: ".") {
            index += 1
            guard Self.digit(text, index) != nil else { return nil }
            while let digit = Self.digit(text, index) {
                if take(digit) { exponent -= 1 }
                index += 1
            }
        }
        if index < text.count, text[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            var isBelow = false
            if let sign = Self.sign(text, index) {
                isBelow = sign == UInt8(ascii: "-")
                index += 1
            }
            guard Self.digit(text, index) != nil else { return nil }
            var power = 0
            while let digit = Self.digit(text, index) {
                // Far beyond what any type has.
                if power < 1_000_000 { power = power * 10 + Int(digit) }
                index += 1
            }
            exponent += isBelow ? -power : power
        }
        place = index
    }

    private static func digit(_ text: Span<UInt8>, _ index: Int) -> UInt64? {
        guard index < text.count else { return nil }
        let digit = text[index] &- UInt8(ascii: "0")
        return digit < 10 ? UInt64(digit) : nil
    }

    private static func sign(_ text: Span<UInt8>, _ index: Int) -> UInt8? {
        guard index < text.count else { return nil }
        return text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+")
            ? text[index] : nil
    }

    /// Takes a digit behind those there are; false when it does not fit.
    private mutating func take(_ digit: UInt64) -> Bool {
        if !isFull {
            let (product, isOver) = digits.multipliedReportingOverflow(by: 10)
            let (sum, isBeyond) = product.addingReportingOverflow(digit)
            if !isOver, !isBeyond {
                digits = sum
                return true
            }
            isFull = true
        }
        if digit != 0 { isExact = false }
        return false
    }

    /// The number, where it is a whole one of at most 64 bits and a sign.
    var whole: Int128? {
        guard isExact else { return nil }
        if digits == 0 { return 0 }
        var value = digits
        var left = exponent
        while left > 0 {
            let (product, isOver) = value.multipliedReportingOverflow(by: 10)
            if isOver { return nil }
            value = product
            left -= 1
        }
        while left < 0 {
            guard value % 10 == 0 else { return nil }
            value /= 10
            left += 1
        }
        return isNegative ? -Int128(value) : Int128(value)
    }

    /// The number, where digits and power are exact in the type, so that one step rounds it right.
    func simple<F: BinaryFloatingPoint>(_: F.Type) -> F? {
        // 10^10 is the last power that a Float has exactly, 10^22 the last of a Double.
        let powerMax = F.significandBitCount < 24 ? 10 : 22
        guard isExact, digits >> UInt64(F.significandBitCount + 1) == 0, abs(exponent) <= powerMax
        else { return nil }
        var power: F = 1
        for _ in 0..<abs(exponent) { power *= 10 }
        let value = exponent < 0 ? F(digits) / power : F(digits) * power
        return isNegative ? -value : value
    }
}

extension JSONReader {
    /// Reads a number; `first` is its first character.
    mutating func number(
        _ bytes: Span<UInt8>, _ first: UInt8, _ expected: String
    ) throws(DecodingFailure) -> JSONNumber {
        guard first == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        else { throw mismatch(first, expected) }
        guard let number = JSONNumber(bytes, &position) else {
            throw here(.json(.malformedNumber))
        }
        guard position - valueStart <= JSONNumber.lengthMax else {
            throw failure(.json(.numberTooLong(limit: JSONNumber.lengthMax)))
        }
        return number
    }

    /// Reads a whole number, or a string that is one; nil for one that is not whole or is too large.
    @usableFromInline
    mutating func whole(_ bytes: Span<UInt8>) throws(DecodingFailure) -> Int128? {
        let first = try value(bytes)
        guard first == UInt8(ascii: "\"") else { return try number(bytes, first, "a number").whole }
        return try text(bytes, "number", Self.number)?.whole
    }

    /// The number that a whole text is.
    private static func number(_ text: Span<UInt8>) -> JSONNumber? {
        var place = 0
        guard text.count <= JSONNumber.lengthMax, let number = JSONNumber(text, &place),
            place == text.count
        else { return nil }
        return number
    }

    /// Reads a number of one digit to nine, if that is what comes next.
    @inlinable
    mutating func small(_ bytes: Span<UInt8>) throws(DecodingFailure) -> UInt32? {
        _ = try value(bytes)
        var index = position
        var number: UInt32 = 0
        while index < bytes.count, index &- position < 10 {
            let byte = bytes[index]
            let digit = byte &- UInt8(ascii: "0")
            if digit < 10 {
                number = number &* 10 &+ UInt32(digit)
                index &+= 1
                continue
            }
            let count = index &- position
            let isMore = byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e")
            guard count == 1 || (count > 1 && bytes[position] != UInt8(ascii: "0")), !isMore
            else { return nil }
            position = index
            return number
        }
        return nil
    }

    @inlinable
    mutating func integer<N: VarintValue>(
        _ bytes: Span<UInt8>, _ limit: ClosedRange<N>
    ) throws(DecodingFailure) -> N {
        if let small = try small(bytes) {
            // Nine digits fit into each of the types.
            let value = N(truncatingIfNeeded: small)
            if limit.contains(value) { return value }
            throw notWithin("\(value)", "\(limit)")
        }
        guard let whole = try whole(bytes), let value = N(exactly: whole) else {
            throw unfit(bytes, "\(N.self)".lowercased())
        }
        guard limit.contains(value) else { throw notWithin("\(value)", "\(limit)") }
        return value
    }

    /// Reads a number, or a string that is one or a word for what is none.
    mutating func floating<F: BinaryFloatingPoint & LosslessStringConvertible>(
        _ bytes: Span<UInt8>
    ) throws(DecodingFailure) -> F {
        let first = try value(bytes)
        let type = "\(F.self)".lowercased()
        guard first == UInt8(ascii: "\"") else {
            let number = try number(bytes, first, "a number")
            if let value: F = Self.floating(number, bytes.extracting(valueStart..<position)) {
                return value
            }
            throw unfit(bytes, type)
        }
        return try text(bytes, type) { text in
            if let number = Self.number(text) { return Self.floating(number, text) }
            return switch Self.excerpt(text) {
            case "NaN": .nan
            case "Infinity": .infinity
            case "-Infinity": -.infinity
            default: nil
            }
        }
    }

    /// The nearest value to a number; nil where there is none but infinity.
    private static func floating<F: BinaryFloatingPoint & LosslessStringConvertible>(
        _ number: JSONNumber, _ text: Span<UInt8>
    ) -> F? {
        if let value = number.simple(F.self) { return value }
        var characters: [UInt8] = []
        characters.append(text, text.indices)
        guard let value = F(String(decoding: characters, as: UTF8.self)), value.isFinite
        else { return nil }
        return value
    }
}
