// The types and limits of fields.

extension Resolver {
    mutating func field(
        _ field: FieldSyntax, _ message: MessageSyntax, _ name: TypeName
    ) -> FieldModel? {
        checkOptions(field.options, OptionsSyntax.Name.allCases, "a field")
        guard let cardinality = cardinality(field, message) else { return nil }
        let element: NameSyntax
        switch field.type {
        case .named(let name): element = name
        case .list(let item, _): element = item.name
        case .map(_, let value, _): element = value.name
        }
        guard let type = type(element, inside: name.name) else { return nil }
        var model = FieldModel(
            documentation: field.documentation, name: field.name.text, type: type,
            cardinality: cardinality, number: UInt32(truncatingIfNeeded: field.number.value),
            limit: type.defaultLimit, countMax: FieldModel.countMaxDefault,
            redact: field.options.redact != nil, deprecated: field.options.deprecated?.text)
        switch field.type {
        case .named:
            model.limit = limit(field.options, type, cardinality == .plain ? element.range : nil)
        case .list(let item, _):
            model.limit = elementLimit(item, type)
            model.countMax = countLimit(field.options)
        case .map(_, let value, _):
            model.limit = elementLimit(value, type)
            model.countMax = countLimit(field.options)
        }
        return model
    }

    /// Nil when the key of a map has been reported.
    private mutating func cardinality(
        _ field: FieldSyntax, _ message: MessageSyntax
    ) -> Cardinality? {
        let isContainer: Bool
        let place: SourceRange
        switch field.type {
        case .named(let name): (isContainer, place) = (false, name.range)
        case .list(_, let range), .map(_, _, let range): (isContainer, place) = (true, range)
        }
        if let index = field.oneof {
            if isContainer {
                report(
                    .choiceForm, place,
                    "a choice of a oneof is one value; put the list or map in a message")
            }
            if let optional = field.optional {
                report(
                    .choiceForm, optional,
                    "a choice of a oneof is there or not by itself: leave the `?` out", fix: "")
            }
            return .choice(message.oneofs[index].name.text)
        }
        if isContainer, field.optional != nil {
            diagnostics.report(
                .optionalList, syntax.source, place,
                "a list or map is never absent, only empty: leave the `?` out",
                fix: field.optional.map { Diagnostic.Fix(range: $0, replacement: "") })
        }
        switch field.type {
        case .named: return field.optional == nil ? .plain : .optional
        case .list: return .list
        case .map(let key, _, _):
            guard let scalar = ScalarType(rawValue: key.name.text), scalar.isMapKey else {
                report(
                    .mapKey, key.name.range,
                    "the keys of a map are strings, integers or bools, not `\(key.name.text)`")
                return nil
            }
            return .map(scalar, elementLimit(key, .scalar(scalar)))
        }
    }

    // MARK: Options

    /// Options that belong somewhere else.
    mutating func checkOptions(
        _ options: OptionsSyntax, _ allowed: [OptionsSyntax.Name], _ what: String
    ) {
        for place in options.places where !allowed.contains(place.name) {
            misplaced(place, "`\(place.name.rawValue)` is no option of \(what)")
        }
    }

    private mutating func misplaced(_ place: OptionsSyntax.Place, _ text: String) {
        diagnostics.report(
            .optionPlace, syntax.source, place.range, text,
            fix: Diagnostic.Fix(range: place.removal, replacement: ""))
    }

    private mutating func elementLimit(_ element: ElementSyntax, _ type: FieldType) -> ValueLimit {
        checkOptions(element.options, [.max, .min, .range], "an element")
        return limit(element.options, type, nil)
    }

    private mutating func countLimit(_ options: OptionsSyntax) -> Int {
        for place in options.places where place.name == .min || place.name == .range {
            misplaced(
                place,
                "`\(place.name.rawValue)` limits a value; a list or map has only `max`, and its "
                    + "elements their own limits, as in `list<string (min 1)>`")
        }
        return bound(options.max) ?? FieldModel.countMaxDefault
    }

    /// The limit of one value.
    ///
    /// A plain field, which is one with a place here, has its default until it is set, so that
    /// must be within.
    private mutating func limit(
        _ options: OptionsSyntax, _ type: FieldType, _ plain: SourceRange?
    ) -> ValueLimit {
        if let range = options.range {
            return numberLimit(range, options, type, plain)
        }
        for number in [options.max, options.min].compactMap(\.self) where !type.hasLength {
            report(
                .limitTarget, number.range,
                "`max` and `min` limit strings, bytes and, `max` alone, lists and maps"
                    + (type.isNumber ? "; numbers have `range`" : ""))
            return type.defaultLimit
        }
        guard case .length(let defaults) = type.defaultLimit else { return type.defaultLimit }
        let max = bound(options.max) ?? defaults.upperBound
        guard let written = options.min, let min = bound(written) else { return .length(0...max) }
        if min > max {
            report(
                .limitOrder, written.range, "the least length, \(min), is above the most, \(max)")
            return .length(0...max)
        }
        if let plain {
            defaultOutside(
                written.range, plain, "empty until it is set, which is shorter than \(min)")
        }
        return .length(min...max)
    }

    private mutating func defaultOutside(
        _ place: SourceRange, _ type: SourceRange, _ text: String
    ) {
        let end = SourceRange(start: type.end, end: type.end)
        diagnostics.report(
            .defaultOutside, syntax.source, place,
            "a plain field is \(text): write `?` behind its type",
            fix: Diagnostic.Fix(range: end, replacement: "?"))
    }

    private mutating func bound(_ max: IntegerSyntax?) -> Int? {
        guard let max else { return nil }
        guard (1...FieldModel.maxLimit).contains(max.value) else {
            report(.limitRange, max.range, "a limit is 1 to \(FieldModel.maxLimit)")
            return nil
        }
        return Int(max.value)
    }

    private mutating func numberLimit(
        _ range: NumberRangeSyntax, _ options: OptionsSyntax, _ type: FieldType,
        _ plain: SourceRange?
    ) -> ValueLimit {
        for number in [options.max, options.min].compactMap(\.self) {
            report(.limitTarget, number.range, "numbers have `range` alone")
        }
        guard type.isNumber else {
            report(
                .rangeTarget, range.range,
                "`range` limits numbers" + (type.hasLength ? "; lengths have `max` and `min`" : ""))
            return type.defaultLimit
        }
        guard let (isOrdered, hasZero) = type.check(range) else {
            report(
                .rangeForm, range.range,
                "`\(range.low)...\(range.high)` is no range of the type's numbers")
            return .none
        }
        if !isOrdered {
            report(
                .limitOrder, range.range, "the range ends before it begins",
                fix: "\(range.high)...\(range.low)")
            return .none
        }
        if let plain, !hasZero {
            defaultOutside(range.range, plain, "0 until it is set, which is not in the range")
        }
        return .range(range.low, range.high)
    }
}

extension ScalarType {
    var isMapKey: Bool {
        switch self {
        case .bool, .int32, .int64, .uint32, .uint64, .string: true
        case .float, .double, .bytes, .timestamp, .duration, .uuid: false
        }
    }
}

extension FieldType {
    static let stringMaxDefault = 4096
    static let bytesMaxDefault = 1_048_576

    /// Whether `max` may count its bytes.
    var hasLength: Bool { self == .scalar(.string) || self == .scalar(.bytes) }

    var isNumber: Bool {
        switch self {
        case .scalar(.int32), .scalar(.int64), .scalar(.uint32), .scalar(.uint64),
            .scalar(.float), .scalar(.double):
            true
        case .scalar, .message, .enumeration: false
        }
    }

    /// The limit of a value whose field says nothing.
    var defaultLimit: ValueLimit {
        switch self {
        case .scalar(.string): .length(0...Self.stringMaxDefault)
        case .scalar(.bytes): .length(0...Self.bytesMaxDefault)
        case .scalar, .message, .enumeration: .none
        }
    }

    /// Whether the numbers are in order, and whether 0 is between them; nil when they are not
    /// numbers of this type.
    func check(_ range: NumberRangeSyntax) -> (isOrdered: Bool, hasZero: Bool)? {
        func check<Number: Comparable & ExpressibleByIntegerLiteral>(
            _ parse: (String) -> Number?
        ) -> (Bool, Bool)? {
            guard let low = parse(range.low), let high = parse(range.high) else { return nil }
            return (low <= high, low <= 0 && high >= 0)
        }
        // A fraction of an integer type is no number of it, and infinity is no limit.
        func finite<Number: BinaryFloatingPoint>(_ number: Number?) -> Number? {
            number.flatMap { $0.isFinite ? $0 : nil }
        }
        return switch self {
        case .scalar(.int32): check { Int32($0) }
        case .scalar(.int64): check { Int64($0) }
        case .scalar(.uint32): check { UInt32($0) }
        case .scalar(.uint64): check { UInt64($0) }
        case .scalar(.float): check { finite(Float($0)) }
        case .scalar(.double): check { finite(Double($0)) }
        case .scalar, .message, .enumeration: nil
        }
    }
}
