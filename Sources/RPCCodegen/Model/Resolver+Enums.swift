// The rules of enums.

extension Resolver {
    private static let numbers = Int64(Int32.min)...Int64(Int32.max)

    mutating func enumeration(_ enumeration: EnumSyntax, inside outer: TypeName?) -> EnumModel {
        checkValues(enumeration)
        checkReserved(
            enumeration.reserved, Self.numbers,
            "the numbers of values are -2147483648 to 2147483647")
        checkOptions(enumeration.options, [.deprecated], "an enum")
        let name =
            outer?.inside(enumeration.name.text)
            ?? TypeName(package: package, name: enumeration.name.text)
        return EnumModel(
            documentation: enumeration.documentation, name: name,
            deprecated: enumeration.options.deprecated?.text,
            values: enumeration.values.map {
                EnumModel.Value(
                    documentation: $0.documentation, name: $0.name.text,
                    number: Int32(truncatingIfNeeded: $0.number.value),
                    deprecated: $0.options.deprecated?.text)
            }, reserved: enumeration.reserved)
    }

    private mutating func checkValues(_ enumeration: EnumSyntax) {
        var names: [String: NameSyntax] = [:]
        var numbers: [Int64: EnumValueSyntax] = [:]
        lazy var free = Self.freeNumber(enumeration)
        for value in enumeration.values {
            let name = value.name
            checkMember(name, Names.enumMembers, "enum")
            if Names.optionalCases.contains(name.text) { reportOptionalLike(name) }
            let form = Names.snakeCase(name.text)
            if let other = names[form] {
                report(
                    .memberTwice, name.range, "`\(name.text)` is a value already",
                    related: here(other.range, "the first is here"))
            }
            names[form] = names[form] ?? name
            let number = value.number
            if !Self.numbers.contains(number.value) {
                report(
                    .valueNumberRange, number.range,
                    "the numbers of values are -2147483648 to 2147483647")
            }
            if let other = numbers[number.value] {
                report(
                    .valueNumberTwice, number.range,
                    "the number \(number.value) belongs to `\(other.name.text)`; "
                        + "\(free) is free",
                    related: here(other.number.range, "the first is here"), fix: String(free))
            }
            numbers[number.value] = numbers[number.value] ?? value
            checkNotReserved(name, enumeration.reserved)
            checkNotReserved(number, enumeration.reserved, free)
            checkOptions(value.options, [.deprecated], "a value")
        }
        if numbers[0] == nil, !enumeration.isBroken {
            diagnostics.report(
                .missingZero, syntax.source, enumeration.name.range,
                "`\(enumeration.name.text)` has no value 0, which a field has until it is set",
                fix: names["unspecified"] == nil ? zero(enumeration) : nil)
        }
    }

    /// A value 0 before the others.
    private func zero(_ enumeration: EnumSyntax) -> Diagnostic.Fix? {
        guard let open = enumeration.open, let first = enumeration.values.first?.name.range
        else { return nil }
        let (line, column) = syntax.source.position(first.start)
        let isSpread = syntax.source.position(open.end).line < line
        let margin = String(repeating: " ", count: isSpread ? column - 1 : 4)
        return Diagnostic.Fix(
            range: SourceRange(start: open.end, end: open.end),
            replacement: "\n\(margin)unspecified = 0" + (isSpread ? "" : "\n\(margin)"))
    }

    /// The lowest number that a new value may have.
    private static func freeNumber(_ enumeration: EnumSyntax) -> Int64 {
        freeNumber(Set(enumeration.values.map(\.number.value)), enumeration.reserved, from: 0)
    }

    /// In a `.proto` the values of the enums of a package, or of a message, share one space of
    /// names.
    mutating func checkEnumValueNames(_ enums: [EnumSyntax]) {
        var first: [String: (enumeration: String, value: NameSyntax)] = [:]
        for enumeration in enums {
            for value in enumeration.values {
                let form = Names.protoValue(enumeration.name.text, value.name.text)
                guard let other = first[form] else {
                    first[form] = (enumeration.name.text, value.name)
                    continue
                }
                guard other.enumeration != enumeration.name.text else { continue }
                report(
                    .protoValueTwice, value.name.range,
                    "this value and another are both `\(form)` in a .proto",
                    related: here(other.value.range, "the other is here"))
            }
        }
    }
}
