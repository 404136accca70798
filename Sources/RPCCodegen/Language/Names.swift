/// The forms that one name takes, and the names that cannot be used.
enum Names {
    // MARK: Forms

    /// `logID` → `log_id`, `asOf` → `as_of`.
    static func snakeCase(_ name: String) -> String {
        let characters = Array(name)
        var result = ""
        for (index, character) in characters.enumerated() {
            if character.isUppercase, index > 0 {
                let endsWord = !characters[index - 1].isUppercase
                let startsWord = index + 1 < characters.count && characters[index + 1].isLowercase
                if endsWord || startsWord { result += "_" }
            }
            result += character.lowercased()
        }
        return result
    }

    static func upperSnakeCase(_ name: String) -> String { snakeCase(name).uppercased() }

    /// The JSON name that protobuf derives: `log_id` → `logId`.
    static func protobufJSONName(_ snake: String) -> String {
        var result = ""
        var raise = false
        for character in snake {
            if character == "_" {
                raise = true
            } else {
                result += raise ? character.uppercased() : String(character)
                raise = false
            }
        }
        return result
    }

    /// `log_id`, `LogID` → `logID`.
    static func lowerCamelCase(_ name: String) -> String {
        let words = name.split(separator: "_")
        guard let first = words.first else { return name }
        return first.prefix(1).lowercased() + first.dropFirst()
            + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    /// `clock_state` → `ClockState`.
    static func upperCamelCase(_ name: String) -> String {
        name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    /// The Swift type of a oneof's choices: `target` → `Target`.
    static func oneofType(_ name: String) -> String {
        name.prefix(1).uppercased() + name.dropFirst()
    }

    /// The message that a `.proto` has for the entries of a map: `logLabels` → `LogLabelsEntry`.
    static func mapEntry(_ name: String) -> String {
        upperCamelCase(snakeCase(name)) + "Entry"
    }

    /// `PunchSource`, `poll` → `PUNCH_SOURCE_POLL`.
    static func protoValue(_ enumeration: String, _ value: String) -> String {
        upperSnakeCase(enumeration) + "_" + upperSnakeCase(value)
    }

    /// `logID` → `LogID`.
    static func protoMethod(_ name: String) -> String {
        name.prefix(1).uppercased() + name.dropFirst()
    }

    /// In backticks where Swift needs them.
    static func swift(_ name: String) -> String {
        keywords.contains(name) ? "`\(name)`" : name
    }

    // MARK: Rules

    static func isUpperCamelCase(_ name: String) -> Bool {
        name.first?.isUppercase == true && !name.contains("_")
    }

    static func isLowerCamelCase(_ name: String) -> Bool {
        name.first?.isLowercase == true && !name.contains("_")
    }

    static func isPackage(_ name: String) -> Bool {
        name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            part.first?.isLowercase == true
                && part.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" }
        }
    }

    /// Swift's reserved words, and those that mean something where a member's name stands.
    static let keywords: Set<String> = [
        "associatedtype", "class", "deinit", "enum", "extension", "fileprivate", "func",
        "import", "init", "inout", "internal", "let", "open", "operator", "precedencegroup",
        "private", "protocol", "public", "rethrows", "static", "struct", "subscript",
        "typealias", "var",
        "break", "case", "catch", "continue", "default", "defer", "do", "else", "fallthrough",
        "for", "guard", "if", "in", "repeat", "return", "switch", "throw", "where", "while",
        "Any", "as", "await", "false", "is", "nil", "self", "Self", "super", "throws", "true",
        "try",
    ]

    /// Types that generated code or its reader needs under their own names.
    static let swiftTypes: Set<String> = [
        "Any", "Array", "Bool", "CallOptions", "Client", "Coder", "DecodingFailure", "Dictionary",
        "Double", "Duration", "EnumNames", "Error", "FieldCoder", "FieldReader", "FieldValue",
        "FieldWriter", "Float", "GeneratedCode5", "GeneratedMessage", "Generation", "Hashable",
        "Int", "Int32", "Int64", "Message", "MessageStream", "MessageWriter", "Method",
        "MethodDescriptor", "MethodHandler", "MethodKind", "Never", "OpenEnum", "Optional",
        "Protocol", "Result", "RPCCaller", "RPCConnection", "RPCError", "RPCTarget", "RPCUUID",
        "SchemaCatalog", "Self", "Sendable", "ServerCall", "Service", "ServiceDescriptor",
        "ServiceHandlers", "Set", "Span", "StaticString", "String", "Timestamp", "Type", "UInt32",
        "UInt64", "UInt8", "Void", "WireReader", "WireWriter",
    ]

    /// Members that every message has.
    static let messageMembers: Set<String> = [
        "debugDescription", "decode", "decodeValue", "encode", "encodeField",
        "encodeValue", "encoded", "encodedJSON", "fieldDefault", "hash", "hashValue", "init",
        "isFieldDefault", "read", "self", "typeName", "unknownFields", "unlimited", "wireType",
        "write", "Type",
    ]

    /// Members that every enum has.
    static let enumMembers: Set<String> = [
        "decodeValue", "encodeField", "encodeValue", "fieldDefault", "hash",
        "hashValue", "init", "isFieldDefault", "jsonNames", "rawValue", "self", "unlimited",
        "unrecognized", "wireType", "Type",
    ]

    /// Cases that would be taken for those of Swift's Optional.
    static let optionalCases: Set<String> = ["none", "some"]

    /// Members that every service has.
    static let serviceMembers: Set<String> = ["descriptor", "handlers", "init", "self", "Type"]

    // MARK: Suggestions

    /// `; did you mean …?` for the nearest of some names, or nothing when none is near.
    static func suggestion(for name: String, among candidates: some Sequence<String>) -> String {
        question(nearest(to: name, among: candidates))
    }

    static func question(_ nearest: String?) -> String {
        nearest.map { "; did you mean `\($0)`?" } ?? ""
    }

    /// The nearest of some names; nil when none is near.
    static func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
        // Any two short names are near each other; only their capitals may differ.
        let limit = name.count < 3 ? 0 : Swift.max(1, name.count / 3)
        var best: (name: String, distance: Int)?
        for candidate in candidates.sorted() {
            let distance = distance(name, candidate)
            if distance <= limit, distance < best?.distance ?? .max {
                best = (candidate, distance)
            }
        }
        return best?.name
    }

    /// How many letters must be put in, taken out, replaced or swapped with their neighbour.
    static func distance(_ left: String, _ right: String) -> Int {
        let a = Array(left.lowercased().prefix(64))
        let b = Array(right.lowercased().prefix(64))
        var rows = [Array(0...b.count)]
        for i in 1..<(a.count + 1) {
            var row = [i]
            for j in 1..<(b.count + 1) {
                let replace = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
                var best = Swift.min(rows[i - 1][j] + 1, row[j - 1] + 1, replace)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    best = Swift.min(best, rows[i - 2][j - 2] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
