extension OpenAPIEmitter {
    /// Schemas of messages, enums and fields, as their JSON form has them.
    struct Types {
        let compilation: Compilation
        /// Those that the document refers to.
        private var used: Set<TypeName> = []
        private var waiting: [TypeName] = []
        /// Those that a body of a request can have, in which nothing must be there.
        private var sent: Set<TypeName> = []

        init(compilation: Compilation) { self.compilation = compilation }

        /// Notes a type that the body of a request has, and all that can be in it.
        mutating func noteSent(_ types: [FieldType]) {
            var waiting = types
            while let type = waiting.popLast() {
                guard case .message(let name) = type, sent.insert(name).inserted else { continue }
                waiting += compilation.message(name)?.fields.map(\.type) ?? []
            }
        }

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
                let names = message.choices(of: oneof).map { "`\(Names.snakeCase($0.name))`" }
                let text = OpenAPIEmitter.text(oneof.documentation, nil, [])
                return "At most one of \(names.joined(separator: ", ")) is not null."
                    + (text.isEmpty ? "" : " \(text)")
            }
            return .object(
                OpenAPIEmitter.remarks(message.documentation, message.deprecated, notes)
                    + object(message.fields, isSent: sent.contains(message.name)))
        }

        /// What is sent may leave members out but has no others; what is answered has all of them,
        /// and later others.
        mutating func object(_ fields: [FieldModel], isSent: Bool) -> [JSON.Member] {
            var members: [JSON.Member] = [.init("type", .string("object"))]
            var properties: [JSON.Member] = []
            for field in fields {
                properties.append(.init(Names.snakeCase(field.name), property(field)))
            }
            if !properties.isEmpty { members.append(.init("properties", .object(properties))) }
            if isSent {
                members.append(.init("additionalProperties", .bool(false)))
            } else if !properties.isEmpty {
                members.append(.init("required", .strings(properties.map(\.name))))
            }
            return members
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

        private mutating func property(_ field: FieldModel) -> JSON {
            let schema = bare(field)
            switch field.cardinality {
            case .plain, .list, .map: return .object(schema + Self.remarks(field))
            case .optional, .choice: return .object(Self.orNull(schema) + Self.remarks(field))
            }
        }

        private static func orNull(_ schema: [JSON.Member]) -> [JSON.Member] {
            if let index = schema.firstIndex(where: { $0.name == "type" }),
                case .string(let type) = schema[index].value
            {
                var schema = schema
                schema[index].value = .strings([type, "null"])
                return schema
            }
            let null = JSON.object([.init("type", .string("null"))])
            return [.init("anyOf", .array([.object(schema), null]))]
        }

        /// The schema of a field in a URL, where nothing is empty.
        mutating func parameter(_ field: FieldModel) -> [JSON.Member] {
            guard field.cardinality == .list else { return Self.notEmpty(bare(field)) }
            return bare(field).map { member in
                guard member.name == "items", case .object(let item) = member.value else {
                    return member
                }
                return .init("items", .object(Self.notEmpty(item)))
            }
        }

        private static func notEmpty(_ schema: [JSON.Member]) -> [JSON.Member] {
            let isText = schema.contains { $0.name == "maxLength" }
            let hasLeast = schema.contains { $0.name == "minLength" }
            return isText && !hasLeast ? schema + [.init("minLength", .integer(1))] : schema
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
