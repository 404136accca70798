/// Schemas of scalars in protobuf's JSON form.
enum JSONForm {
    static func value(_ type: ScalarType, _ limit: ValueLimit) -> [JSON.Member] {
        switch type {
        case .bool: [.init("type", .string("boolean"))]
        case .int32: integer("int32", limit, Int64(Int32.min), Int64(Int32.max))
        // No format of OpenAPI's stands for these numbers.
        case .uint32: integer(nil, limit, 0, Int64(UInt32.max))
        case .int64: text([.init("pattern", .string("^-?[0-9]{1,19}$"))])
        case .uint64: text([.init("pattern", .string("^[0-9]{1,20}$"))])
        case .float: real("float", limit)
        case .double: real("double", limit)
        case .string: text(length(limit))
        case .bytes: text([.init("contentEncoding", .string("base64"))] + base64Length(limit))
        case .timestamp: text([.init("format", .string("date-time"))])
        case .duration: text([.init("pattern", .string(#"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$"#))])
        case .uuid: text([.init("format", .string("uuid"))])
        }
    }

    /// Keys of objects are strings always.
    static func key(_ type: ScalarType, _ limit: ValueLimit) -> [JSON.Member] {
        switch type {
        case .bool: [.init("enum", .strings(["false", "true"]))]
        case .int32, .int64: [.init("pattern", .string("^-?[0-9]{1,19}$"))]
        case .uint32, .uint64: [.init("pattern", .string("^[0-9]{1,20}$"))]
        case .string: length(limit)
        case .float, .double, .bytes, .timestamp, .duration, .uuid: []
        }
    }

    private static func text(_ more: [JSON.Member]) -> [JSON.Member] {
        [.init("type", .string("string"))] + more
    }

    private static func integer(
        _ format: String?, _ limit: ValueLimit, _ least: Int64, _ most: Int64
    ) -> [JSON.Member] {
        var members: [JSON.Member] = [.init("type", .string("integer"))]
        if let format { members.append(.init("format", .string(format))) }
        if case .range(let low, let high) = limit {
            return members + bounds(bound(low), bound(high))
        }
        return members + bounds(.integer(least), .integer(most))
    }

    /// What is no number has a name, unless a range keeps it out.
    private static func real(_ format: String, _ limit: ValueLimit) -> [JSON.Member] {
        let number: [JSON.Member] = [
            .init("type", .string("number")), .init("format", .string(format)),
        ]
        if case .range(let low, let high) = limit {
            return number + bounds(bound(low), bound(high))
        }
        let names = JSON.strings(["NaN", "Infinity", "-Infinity"])
        return [
            .init(
                "oneOf",
                .array([.object(number), .object(text([.init("enum", names)]))]))
        ]
    }

    /// A schema may write a number in a way that JSON does not know, such as `007`.
    private static func bound(_ written: String) -> JSON {
        .number(Int64(written).map { "\($0)" } ?? Double(written).map { "\($0)" } ?? written)
    }

    private static func bounds(_ low: JSON, _ high: JSON) -> [JSON.Member] {
        [.init("minimum", low), .init("maximum", high)]
    }

    /// A character has one to four bytes.
    private static func length(_ limit: ValueLimit) -> [JSON.Member] {
        guard case .length(let range) = limit else { return [] }
        return lengths((range.lowerBound + 3) / 4, range.upperBound)
    }

    /// Three bytes are four characters; the padding at the end may be missing.
    private static func base64Length(_ limit: ValueLimit) -> [JSON.Member] {
        guard case .length(let range) = limit else { return [] }
        return lengths((range.lowerBound * 4 + 2) / 3, (range.upperBound + 2) / 3 * 4)
    }

    private static func lengths(_ least: Int, _ most: Int) -> [JSON.Member] {
        let minimum: [JSON.Member] = least == 0 ? [] : [.init("minLength", .integer(least))]
        return minimum + [.init("maxLength", .integer(most))]
    }
}
