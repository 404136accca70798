// The rules of messages.

extension Resolver {
    mutating func message(_ message: MessageSyntax, inside outer: TypeName?) -> MessageModel {
        let name =
            outer?.inside(message.name.text)
            ?? TypeName(package: package, name: message.name.text)
        checkNestedNames(message, name)
        checkMemberNames(message)
        checkFieldNumbers(message)
        checkReserved(
            message.reserved, 1...FieldModel.numberMax, "field numbers are 1 to 536870911")
        checkOptions(message.options, [.deprecated], "a message")
        checkEnumValueNames(message.enums)
        fieldPlaces[name] = Dictionary(
            message.fields.map { ($0.name.text, FieldPlace($0)) }, uniquingKeysWith: { a, _ in a })
        let fields = message.fields.compactMap { field($0, message, name) }
        return MessageModel(
            documentation: message.documentation, name: name,
            deprecated: message.options.deprecated?.text, fields: fields,
            oneofs: message.oneofs.map {
                OneofModel(documentation: $0.documentation, name: $0.name.text)
            },
            messages: message.messages.map { self.message($0, inside: name) },
            enums: message.enums.map { enumeration($0, inside: name) },
            reserved: message.reserved,
            isBroken: message.isBroken || fields.count < message.fields.count)
    }

    // MARK: Names

    /// The types inside a message have Swift names of their own there, and hide those outside.
    private mutating func checkNestedNames(_ message: MessageSyntax, _ full: TypeName) {
        var first: [String: NameSyntax] = [:]
        let outer = Set(full.name.split(separator: ".").map(String.init))
        let declared = (message.messages.map(\.name) + message.enums.map(\.name))
            .sorted { $0.range.start < $1.range.start }
        let choices = message.oneofs.map {
            NameSyntax(text: Names.oneofType($0.name.text), range: $0.name.range)
        }
        for name in declared { checkTypeName(name) }
        for name in declared + choices {
            if let other = first[name.text] {
                report(
                    .declaredTwice, name.range,
                    "`\(name.text)` is declared twice in `\(message.name.text)`",
                    related: here(other.range, "the first is here"))
                continue
            }
            first[name.text] = name
            if outer.contains(name.text) {
                report(
                    .shadowedName, name.range,
                    "a type inside `\(message.name.text)` cannot be called `\(name.text)`, "
                        + "as a message around it is")
            } else if let other = own.named(name.text) ?? imported.named(name.text) {
                report(
                    .shadowedName, name.range,
                    "inside `\(message.name.text)`, Swift would take `\(name.text)` for this one "
                        + "in place of the other; rename it",
                    related: Diagnostic.Related(
                        path: other.source.path, range: other.range, text: "the other is here"))
            } else if Names.swiftTypes.contains(name.text), !declared.contains(name) {
                report(
                    .nameTaken, name.range,
                    "the type of this oneof would be `\(name.text)`, "
                        + "a name that generated code needs itself")
            }
        }
    }

    /// Fields and oneofs share one space of names in Swift, in JSON and in a `.proto`.
    private mutating func checkMemberNames(_ message: MessageSyntax) {
        var first: [String: NameSyntax] = [:]
        let oneofs = Set(message.oneofs.map(\.name))
        let names = (message.fields.map(\.name) + message.oneofs.map(\.name))
            .sorted { $0.range.start < $1.range.start }
        for name in names {
            checkMember(name, Names.messageMembers, "message")
            // Two names that differ in capitals only would be one in a `.proto`.
            let form = Names.snakeCase(name.text)
            if let other = first[form] {
                let what = oneofs.contains(other) ? "oneof" : "field"
                let text =
                    other.text == name.text
                    ? "`\(name.text)` is a \(what) already"
                    : "`\(name.text)` and `\(other.text)` are both `\(form)` in a .proto"
                report(
                    .memberTwice, name.range, text,
                    related: here(other.range, "the first is here"))
            } else {
                first[form] = name
            }
            checkNotReserved(name, message.reserved)
        }
        for (index, oneof) in message.oneofs.enumerated()
        where !oneof.isBroken && !message.fields.contains(where: { $0.oneof == index }) {
            report(
                .emptyOneof, oneof.name.range,
                "`\(oneof.name.text)` has no choices; give it some or take it away")
        }
        // Swift takes a property of this name for the text that is printed for the message.
        for field in message.fields
        where field.name.text == "description" && field.options.redact != nil {
            report(
                .memberOfEvery, field.name.range,
                "`description` is what a message says of itself in logs: it cannot be redacted")
        }
        for field in message.fields {
            if field.oneof != nil, Names.optionalCases.contains(field.name.text) {
                reportOptionalLike(field.name)
            }
            // A `.proto` has a message for the entries of each map.
            guard case .map = field.type else { continue }
            let entry = Names.mapEntry(field.name.text)
            if let other = message.messages.first(where: { $0.name.text == entry })?.name
                ?? message.enums.first(where: { $0.name.text == entry })?.name
            {
                report(
                    .memberTwice, other.range,
                    "in a .proto `\(entry)` is the message of the entries of "
                        + "`\(field.name.text)`; rename it",
                    related: here(field.name.range, "the map is here"))
            }
        }
    }

    mutating func reportOptionalLike(_ name: NameSyntax) {
        report(
            .optionalLike, name.range,
            "`\(name.text)` would be mistaken for Swift's Optional; "
                + "call it `unspecified` or what it means", fix: "unspecified")
    }

    mutating func checkMember(_ name: NameSyntax, _ taken: Set<String>, _ what: String) {
        if !Names.isLowerCamelCase(name.text) {
            let form = Names.lowerCamelCase(name.text)
            report(
                .memberForm, name.range,
                "`\(name.text)` is not written like a member: a small letter first, "
                    + "no underscores", fix: Names.isLowerCamelCase(form) ? form : nil)
        } else if taken.contains(name.text) {
            report(
                .memberOfEvery, name.range, "every \(what) has a member `\(name.text)` already")
        }
    }

    // MARK: Reserved

    mutating func checkNotReserved(_ name: NameSyntax, _ reserved: [ReservedSyntax]) {
        for case .name(let other) in reserved where other.text == name.text {
            report(
                .reservedName, name.range, "the name `\(name.text)` is reserved",
                related: here(other.range, "here"))
        }
    }

    mutating func checkNotReserved(
        _ number: IntegerSyntax, _ reserved: [ReservedSyntax], _ free: @autoclosure () -> Int64?
    ) {
        for case .numbers(let range, let place) in reserved where range.contains(number.value) {
            report(
                .reservedNumber, number.range, "the number \(number.value) is reserved",
                related: here(place, "here"), fix: free().map(String.init))
        }
    }

    mutating func checkReserved(
        _ reserved: [ReservedSyntax], _ allowed: ClosedRange<Int64>, _ text: String
    ) {
        for case .numbers(let range, let place) in reserved
        where !allowed.contains(range.lowerBound) || !allowed.contains(range.upperBound) {
            report(.reservedRange, place, text)
        }
    }

    // MARK: Numbers

    private mutating func checkFieldNumbers(_ message: MessageSyntax) {
        var first: [Int64: FieldSyntax] = [:]
        lazy var free = Self.freeNumber(message)
        for field in message.fields {
            let number = field.number
            if !(1...FieldModel.numberMax).contains(number.value) {
                report(
                    .fieldNumberRange, number.range,
                    "field numbers are 1 to \(FieldModel.numberMax)",
                    fix: free.map(String.init))
            } else if FieldModel.protobufNumbers.contains(number.value) {
                report(
                    .protobufNumber, number.range,
                    "the numbers 19000 to 19999 belong to protobuf itself",
                    fix: free.map(String.init))
            }
            if let other = first[number.value] {
                let hint = free.map { "; \($0) is free" } ?? ""
                report(
                    .fieldNumberTwice, number.range,
                    "the number \(number.value) belongs to `\(other.name.text)`\(hint)",
                    related: here(other.number.range, "the first is here"),
                    fix: free.map(String.init))
            } else {
                first[number.value] = field
            }
            checkNotReserved(number, message.reserved, free)
        }
    }

    /// The lowest number that a new field may have.
    private static func freeNumber(_ message: MessageSyntax) -> Int64? {
        let kept = ReservedSyntax.numbers(
            FieldModel.protobufNumbers, SourceRange(start: 0, end: 0))
        let number = freeNumber(
            Set(message.fields.map(\.number.value)), message.reserved + [kept], from: 1)
        return number <= FieldModel.numberMax ? number : nil
    }

    static func freeNumber(
        _ used: Set<Int64>, _ reserved: [ReservedSyntax], from first: Int64
    ) -> Int64 {
        // Few ranges are reserved; each is stepped over at once.
        var number = first
        while true {
            if used.contains(number) {
                number += 1
            } else if let end = reserved.lazy.compactMap({ $0.end(around: number) }).first {
                number = end + 1
            } else {
                return number
            }
        }
    }
}

extension Resolver.FieldPlace {
    init(_ field: FieldSyntax) {
        name = field.name.range
        switch field.type {
        case .named(let name): type = name.range
        case .list(_, let range), .map(_, _, let range): type = range
        }
        typeAndMark = field.optional.map { [type] in type.joined(with: $0) } ?? type
        isChoice = field.oneof != nil
    }
}

extension ReservedSyntax {
    /// The last number of a range that has `number` in it.
    func end(around number: Int64) -> Int64? {
        guard case .numbers(let range, _) = self, range.contains(number),
            range.upperBound < Int64.max
        else { return nil }
        return range.upperBound
    }
}
