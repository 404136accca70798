// What a descriptor set declares, in the words of the schema language, for people.

extension DescriptorSet {
    /// The types of a method, `package.Service/method`; nil where there is none of that name.
    public func types(of method: String) -> (request: String, response: String)? {
        methods[method].map { ($0.request, $0.response) }
    }

    /// The declarations of messages and of all that they hold, line by line, each once.
    public func declarations(reachableFrom names: [String]) -> [String] {
        var lines: [String] = []
        var seen: Set<String> = []
        var waiting = Array(names.reversed())
        while let name = waiting.popLast() {
            guard seen.insert(name).inserted else { continue }
            if let fields = messages[name] {
                lines += ["", fields.isEmpty ? "message \(name) {}" : "message \(name) {"]
                lines += fields.map { "    \($0.jsonName): \(text($0)) = \($0.number)" }
                if !fields.isEmpty { lines.append("}") }
                waiting += fields.reversed().flatMap { held($0) }
            } else if let values = enums[name] {
                lines += ["", "enum \(name) {"]
                lines += values.sorted { $0.key < $1.key }.map { "    \($0.value) = \($0.key)" }
                lines.append("}")
            }
        }
        return lines
    }

    /// The messages and enums that a field holds; those of a map's values in place of its entries.
    private func held(_ field: Field) -> [String] {
        guard mapEntries.contains(field.typeName), let entry = messages[field.typeName] else {
            return field.typeName.isEmpty || field.isTime ? [] : [field.typeName]
        }
        return entry.flatMap { $0.typeName.isEmpty || $0.isTime ? [] : [$0.typeName] }
    }

    private func text(_ field: Field) -> String {
        if mapEntries.contains(field.typeName), let entry = messages[field.typeName],
            entry.count == 2
        {
            return "map<\(entry[0].typeText), \(entry[1].typeText)>"
        }
        if field.isRepeated { return "list<\(field.typeText)>" }
        return field.typeText + (field.hasPresence ? "?" : "")
    }
}

extension DescriptorSet.Field {
    var isTime: Bool { typeName == Timestamp.typeName || typeName == WireDuration.typeName }

    var typeText: String {
        switch type {
        case 1: "double"
        case 2: "float"
        case 3: "int64"
        case 4: "uint64"
        case 5: "int32"
        case 8: "bool"
        case 9: "string"
        case 12: "bytes"
        case 13: "uint32"
        default:
            switch typeName {
            case Timestamp.typeName: "timestamp"
            case WireDuration.typeName: "duration"
            case "": "type \(type)"
            default: typeName
            }
        }
    }
}
