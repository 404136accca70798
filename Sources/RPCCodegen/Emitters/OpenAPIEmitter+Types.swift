extension OpenAPIEmitter {
    /// Schemas of messages, enums and fields, as their JSON form has them.
    struct Types {
        let compilation: Compilation
        /// Those that the document refers to.
        private var used: Set<TypeName> = []
        private var waiting: [TypeName] = []

        init(compilation: Compilation) { self.compilation = compilation }

        mutating func reference(_ name: TypeName) -> JSON {
            if used.insert(name).inserted { waiting.append(name) }
            return .reference("schemas/\(name)")
        }

        /// Every type that is used, in the order of their names.
        mutating func schemas() -> [JSON.Member] {
            var found: [String: JSON] = [:]
            while let name = waiting.popLast() {
                if let message = compilation.message(name) {
                    found["\(name)"] = schema(message)
                } else if let enumeration = compilation.enumeration(name) {
                    found["\(name)"] = Self.schema(enumeration)
                }
            }
            return found.sorted { $0.key < $1.key }.map { JSON.Member($0.key, $0.value) }
        }

        // MARK: Declarations

        private mutating func schema(_ message: MessageModel) -> JSON {
            let notes = message.oneofs.map { oneof in
                let names = message.choices(of: oneof).map { "`\($0.name)`" }
                let text = OpenAPIEmitter.text(oneof.documentation, nil, [])
                return "`\(oneof.name)` is at most one of \(names.joined(separator: ", "))."
                    + (text.isEmpty ? "" : " \(text)")
            }
            return .object(
                OpenAPIEmitter.remarks(message.documentation, message.deprecated, notes)
                    + object(message.fields, message.oneofs))
        }

        mutating func object(_ fields: [FieldModel], _ oneofs: [OneofModel]) -> [JSON.Member] {
            var members: [JSON.Member] = [.init("type", .string("object"))]
            var properties: [JSON.Member] = []
            for field in fields { properties.append(.init(field.name, described(field))) }
            if !properties.isEmpty { members.append(.init("properties", .object(properties))) }
            let pairs = oneofs.flatMap { oneof in
                Self.pairs(fields.filter { $0.cardinality == .choice(oneof.name) }.map(\.name))
            }
            // No two choices of a oneof are there together.
            if !pairs.isEmpty {
                let forbidden = pairs.map { JSON.object([.init("required", .strings($0))]) }
                members.append(.init("not", .object([.init("anyOf", .array(forbidden))])))
            }
            return members
        }

        private static func pairs(_ names: [String]) -> [[String]] {
            names.indices.flatMap { first in
                names[(first + 1)...].map { [names[first], $0] }
            }
        }

        /// The names of the values, or the number of one that has none here.
        private static func schema(_ enumeration: EnumModel) -> JSON {
            func name(_ value: EnumModel.Value) -> String {
                Names.protoValue(enumeration.name.last, value.name)
            }
            let notes = enumeration.values.compactMap { value -> String? in
                let text = OpenAPIEmitter.text(value.documentation, value.deprecated, [])
                return text.isEmpty
                    ? nil : "- `\(name(value))`: " + text.replacing("\n", with: "\n  ")
            }
            let remarks = OpenAPIEmitter.remarks(
                enumeration.documentation, enumeration.deprecated,
                [notes.joined(separator: "\n")])
            return .object(
                remarks + [
                    .init(
                        "oneOf",
                        .array([
                            .object([
                                .init("type", .string("string")),
                                .init("enum", .strings(enumeration.values.map(name))),
                            ]),
                            .object([
                                .init("type", .string("integer")),
                                .init("format", .string("int32")),
                                .init(
                                    "description", .string("A value that this page does not know.")),
                            ]),
                        ]))
                ])
        }

        // MARK: Fields

        mutating func described(_ field: FieldModel) -> JSON {
            .object(bare(field) + Self.remarks(field))
        }

        /// The schema of a field's value, without words.
        mutating func bare(_ field: FieldModel) -> [JSON.Member] {
            let value = value(field.type, field.limit)
            switch field.cardinality {
            case .plain, .optional, .choice: return value
            case .list:
                return [
                    .init("type", .string("array")), .init("items", .object(value)),
                    .init("maxItems", .integer(field.countMax)),
                ]
            case .map(let key, let limit):
                return [
                    .init("type", .string("object")),
                    .init("propertyNames", .object(JSONForm.key(key, limit))),
                    .init("additionalProperties", .object(value)),
                    .init("maxProperties", .integer(field.countMax)),
                ]
            }
        }

        private mutating func value(_ type: FieldType, _ limit: ValueLimit) -> [JSON.Member] {
            switch type {
            case .scalar(let scalar): return JSONForm.value(scalar, limit)
            case .message(let name), .enumeration(let name):
                guard case .object(let members) = reference(name) else { return [] }
                return members
            }
        }

        /// What a field says of itself in words.
        static func remarks(_ field: FieldModel) -> [JSON.Member] {
            var notes: [String] = []
            let limits = field.limitWords.joined(separator: "; ")
            if !limits.isEmpty { notes.append("Limits: \(limits).") }
            if field.redact { notes.append("Secret: not shown in logs.") }
            return OpenAPIEmitter.remarks(field.documentation, field.deprecated, notes)
        }
    }

    static func remarks(
        _ documentation: [String], _ deprecated: String?, _ notes: [String] = []
    ) -> [JSON.Member] {
        var members: [JSON.Member] = []
        let text = text(documentation, deprecated, notes)
        if !text.isEmpty { members.append(.init("description", .string(text))) }
        if deprecated != nil { members.append(.init("deprecated", .bool(true))) }
        return members
    }
}
