@testable import RPCCodegen

/// The limits of fields, and which of them are UUIDs, by the names that a `.proto` has for them.
struct OracleLimits {
    struct Value: Encodable {
        var min: Int?
        var max: Int?
        var low: String?
        var high: String?
        var uuid: Bool?
    }

    struct Field: Encodable {
        var min: Int?
        var max: Int?
        var low: String?
        var high: String?
        var uuid: Bool?
        var count: Int?
        var key: Value?
    }

    private(set) var fields: [String: Field] = [:]

    init(_ messages: [MessageModel]) {
        for message in messages {
            for field in message.fields {
                fields["\(message.name).\(Names.snakeCase(field.name))"] = Self.field(field)
            }
        }
    }

    private static func field(_ field: FieldModel) -> Field {
        let value = value(field.limit)
        var key: Value?
        if case .map(_, let limit) = field.cardinality { key = Self.value(limit) }
        return Field(
            min: value.min, max: value.max, low: value.low, high: value.high,
            uuid: field.type == .scalar(.uuid), count: field.isRepeated ? field.countMax : nil,
            key: key)
    }

    private static func value(_ limit: ValueLimit) -> Value {
        switch limit {
        case .none: Value()
        case .length(let range): Value(min: range.lowerBound, max: range.upperBound)
        case .range(let low, let high): Value(low: low, high: high)
        }
    }
}
