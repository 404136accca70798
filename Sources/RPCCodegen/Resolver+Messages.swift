// The rules of messages and enums.

extension Resolver {
    // MARK: Messages

    mutating func message(_ message: MessageSyntax) -> MessageModel {
        checkFieldNames(message)
        checkFieldNumbers(message)
        checkReserved(
            message.reserved, 1...FieldModel.numberMax, "field numbers are 1 to 536870911")
        return MessageModel(
            documentation: message.documentation,
            name: TypeName(package: package, name: message.name.text),
            fields: message.fields.compactMap { field($0) }, reserved: message.reserved)
    }

    private mutating func checkFieldNames(_ message: MessageSyntax) {
        var first: [String: NameSyntax] = [:]
        for name in message.fields.map(\.name) {
            checkMember(name, Names.messageMembers, "message")
            // Two names that differ in capitals only would be one in a `.proto`.
            let form = Names.snakeCase(name.text)
            if let other = first[form] {
                let text =
                    other.text == name.text
                    ? "`\(name.text)` is a field already"
                    : "`\(name.text)` and `\(other.text)` are both `\(form)` in a .proto"
                report(name.range, text, related: here(other.range, "the first is here"))
            } else {
                first[form] = name
            }
            checkNotReserved(name, message.reserved)
        }
    }

    mutating func checkMember(_ name: NameSyntax, _ taken: Set<String>, _ what: String) {
        if !Names.isLowerCamelCase(name.text) {
            report(
                name.range,
                "`\(name.text)` is not written like a member: a small letter first, "
                    + "no underscores")
        } else if taken.contains(name.text) {
            report(name.range, "every \(what) has a member `\(name.text)` already")
        }
    }

    private mutating func checkNotReserved(_ name: NameSyntax, _ reserved: [ReservedSyntax]) {
        for case .name(let other) in reserved where other.text == name.text {
            report(
                name.range, "the name `\(name.text)` is reserved",
                related: here(other.range, "here"))
        }
    }

    private mutating func checkNotReserved(
        _ number: IntegerSyntax, _ reserved: [ReservedSyntax]
    ) {
        for case .numbers(let range, let place) in reserved where range.contains(number.value) {
            report(
                number.range, "the number \(number.value) is reserved",
                related: here(place, "here"))
        }
    }

    private mutating func checkReserved(
        _ reserved: [ReservedSyntax], _ allowed: ClosedRange<Int64>, _ text: String
    ) {
        for case .numbers(let range, let place) in reserved
        where !allowed.contains(range.lowerBound) || !allowed.contains(range.upperBound) {
            report(place, text)
        }
    }

    private mutating func checkFieldNumbers(_ message: MessageSyntax) {
        var first: [Int64: FieldSyntax] = [:]
        for field in message.fields {
            let number = field.number
            if !(1...FieldModel.numberMax).contains(number.value) {
                report(number.range, "field numbers are 1 to \(FieldModel.numberMax)")
            } else if FieldModel.protobufNumbers.contains(number.value) {
                report(number.range, "the numbers 19000 to 19999 belong to protobuf itself")
            }
            if let other = first[number.value] {
                let used = Set(message.fields.map(\.number.value))
                let free = (1...Int64(used.count + 1)).first { number in
                    !used.contains(number)
                        && !message.reserved.contains { $0.contains(number) }
                }
                let hint = free.map { "; \($0) is free" } ?? ""
                report(
                    number.range,
                    "the number \(number.value) belongs to `\(other.name.text)`\(hint)",
                    related: here(other.number.range, "the first is here"))
            } else {
                first[number.value] = field
            }
            checkNotReserved(number, message.reserved)
        }
    }

    private mutating func field(_ field: FieldSyntax) -> FieldModel? {
        var cardinality: Cardinality = field.isOptional ? .optional : .plain
        var elementName: NameSyntax
        var elementMax: IntegerSyntax?
        switch field.type {
        case .named(let name):
            elementName = name
        case .list(let name, let max, let range):
            if field.isOptional {
                report(range, "a list is never absent, only empty: leave the `?` out")
            }
            cardinality = .list
            elementName = name
            elementMax = max
        }
        guard let type = type(elementName) else { return nil }
        var model = FieldModel(
            documentation: field.documentation, name: field.name.text, type: type,
            cardinality: cardinality,
            number: UInt32(truncatingIfNeeded: field.number.value),
            bytesMax: type.bytesMaxDefault, countMax: FieldModel.countMaxDefault)
        if cardinality == .list {
            if let max = limit(field.max) { model.countMax = max }
            if let elementMax { model.bytesMax = bytesLimit(elementMax, type) ?? model.bytesMax }
        } else if let max = field.max {
            model.bytesMax = bytesLimit(max, type) ?? model.bytesMax
        }
        return model
    }

    private mutating func bytesLimit(_ max: IntegerSyntax, _ type: FieldType) -> Int? {
        guard type.hasLength else {
            report(max.range, "`max` limits strings, bytes and lists")
            return nil
        }
        return limit(max)
    }

    private mutating func limit(_ max: IntegerSyntax?) -> Int? {
        guard let max else { return nil }
        guard (1...FieldModel.maxLimit).contains(max.value) else {
            report(max.range, "a limit is 1 to \(FieldModel.maxLimit)")
            return nil
        }
        return Int(max.value)
    }

    // MARK: Enums

    mutating func enumeration(_ enumeration: EnumSyntax) -> EnumModel {
        var names: [String: NameSyntax] = [:]
        var numbers: [Int64: EnumValueSyntax] = [:]
        for value in enumeration.values {
            let name = value.name
            checkMember(name, Names.enumMembers, "enum")
            if ["none", "some"].contains(name.text) {
                report(
                    name.range,
                    "`\(name.text)` would be mistaken for Swift's Optional; "
                        + "call it `unspecified` or what it means")
            }
            let form = Names.snakeCase(name.text)
            if let other = names[form] {
                report(
                    name.range, "`\(name.text)` is a value already",
                    related: here(other.range, "the first is here"))
            }
            names[form] = names[form] ?? name
            let number = value.number
            if !(Int64(Int32.min)...Int64(Int32.max)).contains(number.value) {
                report(number.range, "the numbers of values are -2147483648 to 2147483647")
            }
            if let other = numbers[number.value] {
                report(
                    number.range,
                    "the number \(number.value) belongs to `\(other.name.text)`",
                    related: here(other.number.range, "the first is here"))
            }
            numbers[number.value] = numbers[number.value] ?? value
            checkNotReserved(name, enumeration.reserved)
            checkNotReserved(number, enumeration.reserved)
        }
        if numbers[0] == nil {
            report(
                enumeration.name.range,
                "`\(enumeration.name.text)` has no value 0, which a field has until it is set")
        }
        checkReserved(
            enumeration.reserved, Int64(Int32.min)...Int64(Int32.max),
            "the numbers of values are -2147483648 to 2147483647")
        return EnumModel(
            documentation: enumeration.documentation,
            name: TypeName(package: package, name: enumeration.name.text),
            values: enumeration.values.map {
                EnumModel.Value(
                    documentation: $0.documentation, name: $0.name.text,
                    number: Int32(truncatingIfNeeded: $0.number.value))
            }, reserved: enumeration.reserved)
    }

    /// In a `.proto` the values of all enums of a package share one space of names.
    mutating func checkEnumValueNames(_ enums: [EnumModel]) {
        var first: [String: (enumeration: String, value: NameSyntax)] = [:]
        for enumeration in syntax.enums {
            for value in enumeration.values {
                let form = Names.protoValue(enumeration.name.text, value.name.text)
                guard let other = first[form] else {
                    first[form] = (enumeration.name.text, value.name)
                    continue
                }
                guard other.enumeration != enumeration.name.text else { continue }
                report(
                    value.name.range, "this value and another are both `\(form)` in a .proto",
                    related: here(other.value.range, "the other is here"))
            }
        }
    }
}

extension ReservedSyntax {
    func contains(_ number: Int64) -> Bool {
        if case .numbers(let range, _) = self { range.contains(number) } else { false }
    }
}

extension FieldType {
    /// Whether `max` may count its bytes.
    var hasLength: Bool { self == .scalar(.string) || self == .scalar(.bytes) }

    var bytesMaxDefault: Int {
        self == .scalar(.bytes) ? FieldModel.bytesMaxDefault : FieldModel.stringMaxDefault
    }
}

extension Names {
    /// `PunchSource`, `poll` → `PUNCH_SOURCE_POLL`.
    static func protoValue(_ enumeration: String, _ value: String) -> String {
        upperSnakeCase(enumeration) + "_" + upperSnakeCase(value)
    }

    /// `logID` → `LogID`.
    static func protoMethod(_ name: String) -> String {
        name.prefix(1).uppercased() + name.dropFirst()
    }
}
