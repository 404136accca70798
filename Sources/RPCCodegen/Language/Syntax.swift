/// A schema as it is written, before names are looked up.
struct SchemaSyntax: Sendable {
    var source: SourceText
    /// The place of its first word.
    var start = SourceRange(start: 0, end: 0)
    var package: NameSyntax?
    var imports: [ImportSyntax] = []
    var messages: [MessageSyntax] = []
    var enums: [EnumSyntax] = []
    var services: [ServiceSyntax] = []
    /// Words of what could not be read: what is missing may be among them.
    var lost: Set<String> = []
    /// Something before the declarations could not be read: the package or an import.
    var hasBrokenHead = false
}

/// A name and its place; with dots where it is qualified.
struct NameSyntax: Hashable, Sendable {
    var text: String
    var range: SourceRange
}

struct ImportSyntax: Sendable {
    var path: String
    /// Of the path with its quotes.
    var range: SourceRange
    /// With the word `import`.
    var whole: SourceRange
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
    /// Something in it could not be read, so nobody knows what is missing.
    var isBroken = false
}

struct OneofSyntax: Sendable {
    var documentation: [String]
    var name: NameSyntax
    var isBroken = false
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
    var places: [Place] = []
    /// One could not be read.
    var isBroken = false

    struct Place {
        var name: Name
        /// Of its name.
        var range: SourceRange
        /// With its value.
        var whole: SourceRange
        /// What to take away so that the others stay.
        var removal: SourceRange
    }
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
    /// Of its opening brace.
    var open: SourceRange?
    var isBroken = false
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
    /// Of `idle` and its time.
    var idlePlace: SourceRange?
    var roles: [NameSyntax] = []
    var idempotency: IdempotencySyntax?
    var route: RouteSyntax?
    var deprecated: StringSyntax?
    /// An annotation could not be read, so nobody knows what is missing.
    var isBroken = false
    /// From the name to the response, for what is missing.
    var range: SourceRange
    /// Of the brace before the annotations.
    var open: SourceRange?
}

/// `safe`, `idempotent` or `idempotent by field`.
struct IdempotencySyntax: Sendable {
    var isSafe: Bool
    var key: NameSyntax?
    /// Of the first word.
    var range: SourceRange
}

/// `get "/v1/places/{place}"`, `post "/v1/places" body place`,
/// `get "/v1/live" resume cursor from nextCursor`.
struct RouteSyntax: Sendable {
    /// Such as `GET`.
    var verb: String
    /// Of the verb.
    var range: SourceRange
    var path: StringSyntax
    var body: NameSyntax?
    var resume: ResumeSyntax?
    /// From the verb to the last word.
    var whole: SourceRange
}

/// `resume cursor from nextCursor`.
struct ResumeSyntax: Sendable {
    /// The field of the request.
    var request: NameSyntax
    /// The field of the response.
    var response: NameSyntax
    /// From the first word to the last.
    var range: SourceRange
}
