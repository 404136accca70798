import Foundation

/// A JSON document as it was written, before anyone has said what it should hold.
enum JSONValue: Decodable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    static func parse(_ data: Data, from origin: String) throws(ConfigurationError) -> JSONValue {
        var failure: JSON5Scanner.Problem?
        var repeated: JSON5Scanner.Problem?
        do throws(JSON5Scanner.Problem) {
            repeated = try JSON5Scanner.scan([UInt8](data))
        } catch {
            failure = error
        }
        if let repeated { throw ConfigurationError(repeated, in: origin) }
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        do {
            return try decoder.decode(JSONValue.self, from: data)
        } catch {
            if let failure { throw ConfigurationError(failure, in: origin) }
            throw ConfigurationError("\(origin) is not valid JSON5")
        }
    }

    var kind: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

extension ConfigurationError {
    init(_ problem: JSON5Scanner.Problem, in origin: String) {
        self.init("\(origin):\(problem.line):\(problem.column): \(problem.message)")
    }
}
