/// A schema whose every name has been looked up and every rule checked.
struct Schema: Sendable {
    /// Relative to the root of the schemas, with `/`.
    var path: String
    var package: String
    var imports: [String]
    var messages: [MessageModel] = []
    var enums: [EnumModel] = []
    var services: [ServiceModel] = []
}

/// The full name of a message, enum or service.
struct TypeName: Hashable, Sendable, CustomStringConvertible {
    var package: String
    var name: String

    var description: String { "\(package).\(name)" }
}

enum ScalarType: String, CaseIterable, Sendable {
    case bool, int32, int64, uint32, uint64, float, double, string, bytes, timestamp, duration
}

enum FieldType: Hashable, Sendable {
    case scalar(ScalarType)
    case message(TypeName)
    case enumeration(TypeName)
}

enum Cardinality: Sendable {
    case plain, optional, list
}

struct MessageModel: Sendable {
    var documentation: [String]
    var name: TypeName
    /// As written.
    var fields: [FieldModel]
    var reserved: [ReservedSyntax]

    var fieldsByNumber: [FieldModel] { fields.sorted { $0.number < $1.number } }
}

struct FieldModel: Sendable {
    var documentation: [String]
    var name: String
    var type: FieldType
    var cardinality: Cardinality
    var number: UInt32
    /// The most bytes of a string or bytes value, or of each element of such a list.
    var bytesMax: Int
    /// The most elements of a list.
    var countMax: Int
}

extension FieldModel {
    static let stringMaxDefault = 4096
    static let bytesMaxDefault = 1_048_576
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
    var values: [Value]
    var reserved: [ReservedSyntax]

    struct Value: Sendable {
        var documentation: [String]
        var name: String
        var number: Int32
    }
}

struct ServiceModel: Sendable {
    var documentation: [String]
    var name: TypeName
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
    /// FNV-1a of `package.Service/method`.
    var id: UInt32

    static let idleMillisecondsDefault: Int64 = 60_000
    /// The role that stands for every authenticated peer.
    static let anyRole = "any"

    /// `stream ` where the method streams that way.
    var requestPrefix: String { kind.streamsRequests ? "stream " : "" }
    var responsePrefix: String { kind.streamsResponses ? "stream " : "" }
}
