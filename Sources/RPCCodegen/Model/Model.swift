/// A schema whose every name has been looked up and every rule checked.
struct Schema: Sendable {
    /// Relative to the root of the schemas, with `/`.
    var path: String
    var package: String
    var imports: [String]
    var messages: [MessageModel] = []
    var enums: [EnumModel] = []
    var services: [ServiceModel] = []

    /// Every message, each before those inside it.
    var allMessages: [MessageModel] { messages.flatMap(\.withNested) }
    /// Every enum, those of messages behind the others.
    var allEnums: [EnumModel] { enums + allMessages.flatMap(\.enums) }
}

/// The full name of a message, enum or service.
struct TypeName: Hashable, Sendable, CustomStringConvertible {
    var package: String
    /// With dots where it is declared inside a message: `Outer.Inner`.
    var name: String

    var description: String { "\(package).\(name)" }

    /// Without the messages around it.
    var last: String { name.split(separator: ".").last.map(String.init) ?? name }

    func inside(_ inner: String) -> TypeName {
        TypeName(package: package, name: "\(name).\(inner)")
    }
}

enum ScalarType: String, CaseIterable, Sendable {
    case bool, int32, int64, uint32, uint64, float, double, string, bytes, timestamp, duration
    case uuid
}

enum FieldType: Hashable, Sendable {
    case scalar(ScalarType)
    case message(TypeName)
    case enumeration(TypeName)
}

enum Cardinality: Hashable, Sendable {
    case plain, optional, list
    /// Keys of a type and their limit.
    case map(ScalarType, ValueLimit)
    /// One of a oneof's choices.
    case choice(String)
}

/// What a value may be at most and at least.
enum ValueLimit: Hashable, Sendable {
    case none
    /// Bytes of a string or bytes value.
    case length(ClosedRange<Int>)
    /// A number, as the schema writes it.
    case range(String, String)
}

struct MessageModel: Sendable {
    var documentation: [String]
    var name: TypeName
    var deprecated: String?
    /// As written.
    var fields: [FieldModel]
    var oneofs: [OneofModel]
    var messages: [MessageModel]
    var enums: [EnumModel]
    var reserved: [ReservedSyntax]
    /// There are more fields, which could not be read.
    var isBroken = false

    var fieldsByNumber: [FieldModel] { fields.sorted { $0.number < $1.number } }
    var withNested: [MessageModel] { [self] + messages.flatMap(\.withNested) }

    func choices(of oneof: OneofModel) -> [FieldModel] {
        fields.filter { $0.cardinality == .choice(oneof.name) }
    }
}

struct OneofModel: Sendable {
    var documentation: [String]
    var name: String
}

struct FieldModel: Sendable {
    var documentation: [String]
    var name: String
    var type: FieldType
    var cardinality: Cardinality
    var number: UInt32
    /// Of the value, of each element of a list, or of each value of a map.
    var limit: ValueLimit
    /// The most elements of a list or entries of a map.
    var countMax: Int
    var redact: Bool
    var deprecated: String?

    var isRepeated: Bool {
        switch cardinality {
        case .list, .map: true
        case .plain, .optional, .choice: false
        }
    }
}

extension FieldModel {
    static let countMaxDefault = 1000
    /// No limit can be higher.
    static let maxLimit: Int64 = 2_147_483_647
    static let numberMax: Int64 = 536_870_911
    /// Protobuf keeps these for itself.
    static let protobufNumbers: ClosedRange<Int64> = 19_000...19_999
}

struct EnumModel: Sendable {
    var documentation: [String]
    var name: TypeName
    var deprecated: String?
    var values: [Value]
    var reserved: [ReservedSyntax]

    struct Value: Sendable {
        var documentation: [String]
        var name: String
        var number: Int32
        var deprecated: String?
    }
}

struct ServiceModel: Sendable {
    var documentation: [String]
    var name: TypeName
    var deprecated: String?
    var methods: [MethodModel]
}

/// By which sides a method streams; the names are those of the runtime.
enum MethodKind: String, Sendable {
    case unary, serverStreaming, clientStreaming, bidirectional

    init(streamsRequests: Bool, streamsResponses: Bool) {
        self =
            switch (streamsRequests, streamsResponses) {
            case (false, false): .unary
            case (false, true): .serverStreaming
            case (true, false): .clientStreaming
            case (true, true): .bidirectional
            }
    }

    var streamsRequests: Bool { self == .clientStreaming || self == .bidirectional }
    var streamsResponses: Bool { self == .serverStreaming || self == .bidirectional }
}

/// What a second call does that the first has not done.
enum Idempotency: Hashable, Sendable {
    case unknown
    /// No call changes anything.
    case safe
    /// Nothing more; where there is a key, for calls with the same value of that field.
    case idempotent(key: String?)
}

/// Where the HTTP edge has a method.
struct HTTPRoute: Hashable, Sendable {
    enum Segment: Hashable, Sendable {
        case literal(String)
        /// The name of the field.
        case variable(String)
    }

    enum Body: Hashable, Sendable {
        case none
        /// Every field that is not in the path.
        case rest
        case field(String)
    }

    /// How a reader of a stream that was cut off goes on.
    struct Resume: Hashable, Sendable {
        /// The field of the request that says behind what.
        var request: String
        /// The field of each message that says what comes behind it.
        var response: String
    }

    var verb: String
    var path: [Segment]
    var body: Body
    /// The names of the fields that are parameters behind the `?`.
    var query: [String]
    var resume: Resume?

    /// `/v1/places/{place}`.
    var pattern: String {
        path.map { segment in
            switch segment {
            case .literal(let text): "/" + text
            case .variable(let name): "/{\(name)}"
            }
        }.joined()
    }

    /// The names of the fields in the path.
    var variables: [String] {
        path.compactMap { if case .variable(let name) = $0 { name } else { nil } }
    }
}

struct MethodModel: Sendable {
    var documentation: [String]
    var name: String
    var request: TypeName
    var response: TypeName
    var kind: MethodKind
    /// Nil where the schema says `deadline none`.
    var deadlineMilliseconds: Int64?
    /// How long an open-ended call may carry no message; nil where there is a deadline.
    var idleMilliseconds: Int64?
    var roles: [String]
    var idempotency: Idempotency
    var route: HTTPRoute?
    var deprecated: String?
    /// FNV-1a of `package.Service/method`.
    var id: UInt32

    static let idleMillisecondsDefault: Int64 = 60_000
    /// The role that stands for every authenticated peer.
    static let anyRole = "any"

    /// `stream ` where the method streams that way.
    var requestPrefix: String { kind.streamsRequests ? "stream " : "" }
    var responsePrefix: String { kind.streamsResponses ? "stream " : "" }
}
