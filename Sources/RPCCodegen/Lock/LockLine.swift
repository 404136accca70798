/// Reads one line of a lock from its left.
struct LockLine {
    /// From 1.
    let line: Int
    private(set) var tokens: ArraySlice<Token>
    private let kinds: [TypeName: Scope.Kind]

    init(line: Int, tokens: ArraySlice<Token>, kinds: [TypeName: Scope.Kind]) {
        self.line = line
        self.tokens = tokens
        self.kinds = kinds
    }

    func mistake(_ text: String) -> LockMistake {
        let place = tokens.first.map { ", found `\($0.text)`" } ?? ""
        return LockMistake(line: line, text: text + (text.hasPrefix("expected") ? place : ""))
    }

    func end() throws(LockMistake) {
        if !tokens.isEmpty { throw mistake("expected the end of the line") }
    }

    // MARK: Words

    mutating func skip(_ text: String) -> Bool {
        guard let token = tokens.first, token.text == text, token.kind != .string else {
            return false
        }
        tokens.removeFirst()
        return true
    }

    /// `list<`; a package may begin with that word too.
    private mutating func skipForm(_ text: String) -> Bool {
        guard tokens.dropFirst().first?.kind == .symbol("<"), skip(text) else { return false }
        return skip("<")
    }

    mutating func expect(_ text: String) throws(LockMistake) {
        if !skip(text) { throw mistake("expected `\(text)`") }
    }

    mutating func word() -> String? {
        guard let token = tokens.first, token.kind == .identifier else { return nil }
        tokens.removeFirst()
        return token.text
    }

    mutating func string() -> String? {
        guard let token = tokens.first, token.kind == .string else { return nil }
        tokens.removeFirst()
        return token.text
    }

    /// Digits, and what else the schema has in a number.
    mutating func numberText() -> String? {
        let rest = tokens.first?.kind == .symbol("-") ? tokens.dropFirst() : tokens
        guard let token = rest.first, token.kind == .number else { return nil }
        let sign = rest.count < tokens.count ? "-" : ""
        tokens = rest.dropFirst()
        return sign + token.text
    }

    mutating func number() -> Int64? { numberText().flatMap { Int64($0) } }

    /// `company.clock.v1.Alarm`: the package is what begins with small letters.
    private mutating func typeName() -> TypeName? {
        var parts: [String] = []
        repeat {
            guard let part = word() else { return nil }
            parts.append(part)
        } while skip(".")
        let package = parts.prefix { Names.isPackage($0) }
        let name = parts.dropFirst(package.count)
        guard !package.isEmpty, !name.isEmpty, name.allSatisfy({ Names.isUpperCamelCase($0) })
        else { return nil }
        return TypeName(
            package: package.joined(separator: "."), name: name.joined(separator: "."))
    }

    // MARK: Declarations

    /// `message company.clock.v1.Alarm`; nil when the line is something else.
    mutating func declaration() throws(LockMistake) -> (Scope.Kind, TypeName)? {
        // A method may have such a name too.
        guard let token = tokens.first, let kind = Scope.Kind(rawValue: token.text),
            token.kind == .identifier, tokens.dropFirst().first?.kind == .identifier
        else { return nil }
        tokens.removeFirst()
        guard let name = typeName() else {
            throw mistake("expected the full name of the \(kind.rawValue)")
        }
        return (kind, name)
    }

    /// False when the line is something else.
    mutating func reserved(_ reserved: inout ReservedPromise) throws(LockMistake) -> Bool {
        guard skip("reserved") else { return false }
        if let name = string() {
            reserved.names.insert(name)
            return true
        }
        guard let low = number() else { throw mistake("expected a number or a name") }
        let high = skip("...") ? number() : low
        guard let high, low <= high, let low = Int32(exactly: low), let high = Int32(exactly: high)
        else { throw mistake("expected a range of numbers") }
        if let last = reserved.numbers.last, Int64(low) <= last.upperBound {
            throw mistake("reserved numbers are in order")
        }
        reserved.insert(Int64(low)...Int64(high))
        return true
    }

    // MARK: Fields

    mutating func field() throws(LockMistake) -> FieldPromise {
        guard let written = number(), (1...FieldModel.numberMax).contains(written),
            let name = word()
        else { throw mistake("expected a number and the name of a field") }
        try expect(":")
        var field = FieldPromise(
            number: UInt32(truncatingIfNeeded: written), name: name, type: .scalar(.bool),
            cardinality: .plain, limit: .none, countMax: nil)
        if skipForm("list") {
            (field.type, field.limit) = try element()
            field.cardinality = .list
        } else if skipForm("map") {
            guard case (.scalar(let key), let limit) = try element(), key.isMapKey else {
                throw mistake("this cannot be the key of a map")
            }
            try expect(",")
            (field.type, field.limit) = try element()
            field.cardinality = .map(key, limit)
        } else {
            let type = try type()
            field.type = type
            if skip("?") { field.cardinality = .optional }
            field.limit = try limit(type)
            if field.cardinality == .plain, skip("oneof") {
                guard let oneof = word() else { throw mistake("expected the name of a oneof") }
                field.cardinality = .choice(oneof)
            }
            return field
        }
        try expect(">")
        try expect("(")
        try expect("max")
        field.countMax = try length()
        try expect(")")
        return field
    }

    private mutating func element() throws(LockMistake) -> (FieldType, ValueLimit) {
        let type = try type()
        return (type, try limit(type))
    }

    mutating func type() throws(LockMistake) -> FieldType {
        if let token = tokens.first, let scalar = ScalarType(rawValue: token.text),
            tokens.dropFirst().first?.kind != .symbol(".")
        {
            tokens.removeFirst()
            return .scalar(scalar)
        }
        let start = tokens
        guard let name = typeName() else {
            tokens = start
            throw mistake("expected a type")
        }
        switch kinds[name] {
        case .message: return .message(name)
        case .enumeration: return .enumeration(name)
        case .service, nil: throw mistake("there is no message or enum `\(name)` in this file")
        }
    }

    private mutating func limit(_ type: FieldType) throws(LockMistake) -> ValueLimit {
        guard skip("(") else { return type.defaultLimit }
        if skip("range") {
            guard let low = numberText(), skip("..."), let high = numberText() else {
                throw mistake("expected a range of numbers")
            }
            let range = NumberRangeSyntax(
                low: low, high: high, range: SourceRange(start: 0, end: 0))
            guard type.check(range)?.isOrdered == true else {
                throw mistake("`\(low)...\(high)` is no range of the type's numbers")
            }
            try expect(")")
            return .range(low, high)
        }
        let min = skip("min") ? try length() : 0
        if min > 0 { try expect(",") }
        try expect("max")
        let max = try length()
        guard type.hasLength, min <= max else { throw mistake("this limit is none of the type's") }
        try expect(")")
        return .length(min...max)
    }

    private mutating func length() throws(LockMistake) -> Int {
        guard let number = number(), (1...FieldModel.maxLimit).contains(number) else {
            throw mistake("expected a limit of 1 to \(FieldModel.maxLimit)")
        }
        return Int(number)
    }
}
