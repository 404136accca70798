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
    var options = OptionsSyntax()
    /// As written, those of oneofs among them.
    var fields: [FieldSyntax] = []
    var oneofs: [OneofSyntax] = []
    var messages: [MessageSyntax] = []
    var enums: [EnumSyntax] = []
    var reserved: [ReservedSyntax] = []
}

struct OneofSyntax: Sendable {
    var documentation: [String]
    var name: NameSyntax
}

struct FieldSyntax: Sendable {
    var documentation: [String]
    var name: NameSyntax
    var type: TypeSyntax
    /// The place of the `?`.
    var optional: SourceRange?
    var number: IntegerSyntax
    var options: OptionsSyntax
    /// Which of the message's oneofs it is a choice of.
    var oneof: Int?
}

/// `Name`, `package.Name`, `list<…>`, `map<…, …>`; the range is that of the whole.
enum TypeSyntax: Sendable {
    case named(NameSyntax)
    case list(ElementSyntax, SourceRange)
    case map(key: ElementSyntax, value: ElementSyntax, SourceRange)
}

/// What stands inside `list<…>` or `map<…>`, with limits of its own.
struct ElementSyntax: Sendable {
    var name: NameSyntax
    var options: OptionsSyntax
}

/// `(max 64, redact)`.
struct OptionsSyntax: Sendable {
    enum Name: String, CaseIterable {
        case max, min, range, redact, deprecated
    }

    var max: IntegerSyntax?
    var min: IntegerSyntax?
    var range: NumberRangeSyntax?
    var redact: SourceRange?
    var deprecated: StringSyntax?
    /// Where each that is written stands.
    var places: [(name: Name, range: SourceRange)] = []
}

struct StringSyntax: Hashable, Sendable {
    var text: String
    var range: SourceRange
}

struct IntegerSyntax: Hashable, Sendable {
    var value: Int64
    var range: SourceRange
}

/// `low...high`, as written: of which type the numbers are, the field says.
struct NumberRangeSyntax: Hashable, Sendable {
    var low: String
    var high: String
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
    var options = OptionsSyntax()
    var values: [EnumValueSyntax] = []
    var reserved: [ReservedSyntax] = []
}

struct EnumValueSyntax: Sendable {
    var documentation: [String]
    var name: NameSyntax
    var number: IntegerSyntax
    var options: OptionsSyntax
}

/// A number with its unit.
struct TimeSyntax: Hashable, Sendable {
    var milliseconds: Int64
    var range: SourceRange
}

struct ServiceSyntax: Sendable {
    var documentation: [String]
    var name: NameSyntax
    var options = OptionsSyntax()
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
    var idempotency: IdempotencySyntax?
    var route: RouteSyntax?
    var deprecated: StringSyntax?
    /// An annotation could not be read, so nobody knows what is missing.
    var isBroken = false
    /// The place of the whole, for what is missing.
    var range: SourceRange
}

/// `safe`, `idempotent` or `idempotent by field`.
struct IdempotencySyntax: Sendable {
    var isSafe: Bool
    var key: NameSyntax?
    var range: SourceRange
}

/// `get "/v1/places/{place}"`, `post "/v1/places" body place`.
struct RouteSyntax: Sendable {
    /// Such as `GET`.
    var verb: String
    /// Of the verb.
    var range: SourceRange
    var path: StringSyntax
    var body: NameSyntax?
}
