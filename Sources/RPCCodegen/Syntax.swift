/// A schema as it is written, before names are looked up.
struct SchemaSyntax: Sendable {
    var source: SourceText
    var package: NameSyntax?
    var imports: [ImportSyntax] = []
    var messages: [MessageSyntax] = []
    var enums: [EnumSyntax] = []
    var services: [ServiceSyntax] = []
}

/// A name and its place; with dots where it is qualified.
struct NameSyntax: Hashable, Sendable {
    var text: String
    var range: SourceRange
}

struct ImportSyntax: Sendable {
    var path: String
    var range: SourceRange
}

struct MessageSyntax: Sendable {
    var documentation: [String]
    var name: NameSyntax
    var fields: [FieldSyntax] = []
    var reserved: [ReservedSyntax] = []
}

struct FieldSyntax: Sendable {
    var documentation: [String]
    var name: NameSyntax
    var type: TypeSyntax
    var isOptional: Bool
    var number: IntegerSyntax
    var max: IntegerSyntax?
}

/// `Name`, `package.Name`, `list<…>`.
enum TypeSyntax: Sendable {
    case named(NameSyntax)
    /// The element, its own `max`, and the place of the whole.
    case list(NameSyntax, IntegerSyntax?, SourceRange)
}

struct IntegerSyntax: Hashable, Sendable {
    var value: Int64
    var range: SourceRange
}

/// Numbers or a name that must not come back.
enum ReservedSyntax: Sendable {
    case numbers(ClosedRange<Int64>, SourceRange)
    case name(NameSyntax)
}

struct EnumSyntax: Sendable {
    var documentation: [String]
    var name: NameSyntax
    var values: [EnumValueSyntax] = []
    var reserved: [ReservedSyntax] = []
}

struct EnumValueSyntax: Sendable {
    var documentation: [String]
    var name: NameSyntax
    var number: IntegerSyntax
}

/// A number with its unit.
struct TimeSyntax: Hashable, Sendable {
    var milliseconds: Int64
    var range: SourceRange
}

struct ServiceSyntax: Sendable {
    var documentation: [String]
    var name: NameSyntax
    var methods: [MethodSyntax] = []
}

struct MethodSyntax: Sendable {
    enum Deadline: Sendable {
        case open(SourceRange)
        case milliseconds(TimeSyntax)
    }

    var documentation: [String]
    var name: NameSyntax
    var streamsRequests: Bool
    var request: NameSyntax
    var streamsResponses: Bool
    var response: NameSyntax
    var deadline: Deadline?
    var idle: TimeSyntax?
    var roles: [NameSyntax] = []
    /// An annotation could not be read, so nobody knows what is missing.
    var isBroken = false
    /// The place of the whole, for what is missing.
    var range: SourceRange
}
