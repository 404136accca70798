// Messages, their fields, and enums.

extension Linter {
    mutating func message(_ message: MessageSyntax) {
        checkDocumentation(message.documentation, message.name)
        for oneof in message.oneofs { checkDocumentation(oneof.documentation, oneof.name, .member) }
        for enumeration in message.enums { self.enumeration(enumeration) }
        for field in message.fields {
            checkDocumentation(field.documentation, field.name, .member)
            checkLimits(field)
            checkSecret(field)
        }
        checkNumbers(message)
    }

    mutating func enumeration(_ enumeration: EnumSyntax) {
        checkDocumentation(enumeration.documentation, enumeration.name)
        for value in enumeration.values {
            let saysItself =
                value.number.value == 0 && ["unspecified", "unknown"].contains(value.name.text)
            if !saysItself { checkDocumentation(value.documentation, value.name, .member) }
        }
    }

    // MARK: Documentation

    enum Documented { case declaration, member }

    mutating func checkDocumentation(
        _ lines: [String], _ name: NameSyntax, _ kind: Documented = .declaration
    ) {
        guard lines.allSatisfy({ $0.allSatisfy(\.isWhitespace) }) else { return }
        switch kind {
        case .declaration:
            warn(.undocumented, name.range, "`\(name.text)` has no documentation")
        case .member:
            warn(.undocumentedMember, name.range, "`\(name.text)` has no documentation")
        }
    }

    // MARK: Numbers

    /// Reports each run of numbers that no field below the next one has, and that is not reserved.
    private mutating func checkNumbers(_ message: MessageSyntax) {
        var taken = message.fields.map { $0.number.value...$0.number.value }
        taken.append(FieldModel.protobufNumbers)
        for case .numbers(let range, _) in message.reserved { taken.append(range) }
        taken.sort { $0.lowerBound < $1.lowerBound }
        let fields = message.fields.sorted { $0.number.value < $1.number.value }
        var next: Int64 = 1
        for range in taken {
            if range.lowerBound > next,
                let field = fields.first(where: { $0.number.value >= range.lowerBound })
            {
                let last = range.lowerBound - 1
                let numbers = last == next ? "\(next)" : "\(next)...\(last)"
                warn(
                    .numberGap, field.number.range,
                    "\(numbers) is neither used nor reserved; "
                        + "where fields were removed, write `reserved \(numbers)`")
            }
            next = Swift.max(next, range.upperBound + 1)
        }
    }

    // MARK: Limits

    private mutating func checkLimits(_ field: FieldSyntax) {
        switch field.type {
        case .named(let name):
            checkLength(name, field.options, "`\(field.name.text)`")
        case .list(let element, let range):
            checkCount(field, range, "elements")
            checkLength(element.name, element.options, "an element of `\(field.name.text)`")
        case .map(let key, let value, let range):
            // There are two bools at most.
            if key.name.text != ScalarType.bool.rawValue { checkCount(field, range, "entries") }
            checkLength(key.name, key.options, "a key of `\(field.name.text)`")
            checkLength(value.name, value.options, "a value of `\(field.name.text)`")
        }
    }

    private mutating func checkLength(
        _ type: NameSyntax, _ options: OptionsSyntax, _ what: String
    ) {
        guard options.max == nil, let scalar = ScalarType(rawValue: type.text),
            case .length(let limit) = FieldType.scalar(scalar).defaultLimit
        else { return }
        warn(
            .defaultLimit, type.range,
            "\(what) may have \(limit.upperBound) bytes, the default; "
                + "write the limit it needs, such as `(max 64)`")
    }

    private mutating func checkCount(_ field: FieldSyntax, _ range: SourceRange, _ what: String) {
        guard field.options.max == nil else { return }
        warn(
            .defaultLimit, range,
            "`\(field.name.text)` may have \(FieldModel.countMaxDefault) \(what), the default; "
                + "write the limit it needs, such as `= \(field.number.value) (max 16)`")
    }

    // MARK: Secrets

    private mutating func checkSecret(_ field: FieldSyntax) {
        guard field.options.redact == nil, SecretNames.match(field.name.text),
            Self.canHoldSecret(field.type)
        else { return }
        let fix: Diagnostic.Fix
        if let first = field.options.places.first {
            let place = SourceRange(start: first.range.start, end: first.range.start)
            fix = Diagnostic.Fix(range: place, replacement: "redact, ")
        } else {
            let end = field.number.range.end
            fix = Diagnostic.Fix(
                range: SourceRange(start: end, end: end), replacement: " (redact)")
        }
        warn(
            .secret, field.name.range,
            "`\(field.name.text)` sounds like a secret, which logs and dumps would show; "
                + "write `(redact)`",
            fix: fix)
    }

    private static func canHoldSecret(_ type: TypeSyntax) -> Bool {
        let name =
            switch type {
            case .named(let name): name
            case .list(let element, _): element.name
            case .map(_, let value, _): value.name
            }
        return switch ScalarType(rawValue: name.text) {
        case .string, .bytes, .uuid, .int32, .int64, .uint32, .uint64: true
        case .bool, .float, .double, .timestamp, .duration, nil: false
        }
    }
}

/// Names that sound like secrets.
enum SecretNames {
    private static let words: Set<String> = [
        "bearer", "credential", "passcode", "passphrase", "passwd", "password", "pin", "secret",
        "token",
    ]
    /// A key of these is a secret.
    private static let keys: Set<String> = [
        "access", "api", "encryption", "private", "session", "shared", "signing", "symmetric",
    ]
    /// A token of these is a place in a list.
    private static let places: Set<String> = ["continuation", "page", "resume", "sync"]

    /// Whether the last words of a name are a secret's: `apiKey`, `newPasswords`, not `tokenID`.
    static func match(_ name: String) -> Bool {
        let parts = Names.snakeCase(name).split(separator: "_").map(String.init)
        guard var last = parts.last else { return false }
        let before = parts.dropLast().last ?? ""
        if last == "material", before == "key" { return true }
        if last.hasSuffix("s"), !words.contains(last) { last.removeLast() }
        if last == "token", places.contains(before) { return false }
        return words.contains(last) || last == "key" && keys.contains(before)
            // Names in one case.
            || last == "apikey"
    }
}
