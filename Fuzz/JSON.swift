/// A text of JSON that is read must be written as one that reads the same, in either form.
///
/// The first byte says whether members that are not known are passed over.
@Sendable func fuzzJSON(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let text = Array(bytes.dropFirst())
    guard let value = try? Sample(decodingJSON: text, ignoresUnknown: first & 1 != 0)
    else { return }
    for form in [JSONForm.compact, .full, .document] {
        let again = value.encodedJSON(form)
        guard let second = try? Sample(decodingJSON: again) else {
            return report(false, "what was written as JSON cannot be read")
        }
        report(second == value, "what was written as JSON reads otherwise")
        report(
            second.encodedJSON(form) == again,
            "the JSON form is not the same twice")
    }
    guard let binary = try? Sample(decoding: value.encoded()) else {
        return report(false, "what came as JSON has no binary form")
    }
    report(binary == value, "what came as JSON is another value in the binary form")
}

/// What an HTTP request says to a method: the first byte says what the body is, then come lines
/// `name=value`, the parameters, and behind an empty one the body.
@Sendable func fuzzRoute(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let forms: [RouteArguments.Body] = [
        .none, .rest(isRequired: true), .rest(isRequired: false), .field("list"),
        .field("chosen_inner"), .field("map"), .field("text"),
    ]
    var rest = bytes.dropFirst()
    var arguments = RouteArguments()
    while !rest.isEmpty {
        let line = rest.prefix { $0 != 0x0A }
        rest = rest.dropFirst(line.count + 1)
        if line.isEmpty { break }
        let name = line.prefix { $0 != UInt8(ascii: "=") }
        arguments.parameters.append(
            RouteArguments.Parameter(
                String(decoding: name, as: UTF8.self),
                String(decoding: line.dropFirst(name.count + 1), as: UTF8.self)))
    }
    arguments.body = Array(rest)
    do throws(RPCError) {
        let value: Sample = try arguments.request(forms[Int(first) % forms.count])
        guard let again = try? Sample(decodingJSON: value.encodedJSON(.document)) else {
            return report(false, "what came in a URL cannot be read as JSON")
        }
        report(again == value, "what came in a URL reads otherwise as JSON")
    } catch {
        report(error.code == .invalidArgument, "a wrong request is no invalid argument")
        report(error.reason != nil, "a wrong request has no reason")
    }
}

/// The binary form of a message with fields of every kind.
@Sendable func fuzzMessage(_ bytes: [UInt8]) { roundTrip(Sample.self, bytes) }

/// A message with a field of each kind.
private struct Sample: GeneratedMessage {
    enum Kind: OpenEnum {
        case none, some
        case unrecognized(Int32)

        init(rawValue: Int32) {
            switch rawValue {
            case 0: self = .none
            case 1: self = .some
            default: self = .unrecognized(rawValue)
            }
        }

        var rawValue: Int32 {
            switch self {
            case .none: 0
            case .some: 1
            case .unrecognized(let number): number
            }
        }

        static let jsonNames = EnumNames("fuzz.Kind", [0: "KIND_NONE", 1: "KIND_SOME"])
    }

    enum Choice: Hashable, Sendable {
        case text(String)
        indirect case inner(Sample)
    }

    var flag = false
    var small: Int32 = 0
    var large: UInt64 = 0
    var half: Float = 0
    var real: Double = 0
    var text = ""
    var data: [UInt8] = []
    var at = Timestamp()
    var span = Duration.zero
    var key = RPCUUID()
    var kind: Kind?
    var list: [Sample] = []
    var map: [String: Kind] = [:]
    var numbers: [Int64: Double] = [:]
    var choice: Choice?
    var unknownFields: [UInt8] = []

    static var typeName: String { "fuzz.Sample" }

    mutating func fields<C: FieldCoder>(_ coder: inout C, _ bytes: Span<UInt8>)
        throws(C.Failure)
    {
        try coder.field(bytes, 1, "flag", &flag)
        try coder.field(bytes, 2, "small", &small, -1000...1000)
        try coder.field(bytes, 3, "largeNumber", &large)
        // Not a number is not equal to itself, and outside every range.
        try coder.field(bytes, 4, "half", &half, -.greatestFiniteMagnitude ... .infinity)
        try coder.field(bytes, 5, "real", &real, -.infinity ... .greatestFiniteMagnitude)
        try coder.field(bytes, 6, "text", &text, 0...1000)
        try coder.field(bytes, 7, "data", &data, 0...1000)
        try coder.field(bytes, 8, "at", &at)
        try coder.field(bytes, 9, "span", &span)
        try coder.field(bytes, 10, "key", &key)
        try coder.field(bytes, 11, "kind", &kind)
        try coder.field(bytes, 12, "list", &list, count: 100)
        try coder.field(bytes, 13, "map", &map, keys: 0...100, count: 100)
        try coder.field(
            bytes, 14, "numbers", &numbers, -.infinity ... .greatestFiniteMagnitude, count: 100)
        try coder.choice(bytes, 15, "chosenText", &choice, Choice.text, 0...1000) {
            if case .text(let value) = $0 { value } else { nil }
        }
        try coder.choice(bytes, 16, "chosenInner", &choice, Choice.inner) {
            if case .inner(let value) = $0 { value } else { nil }
        }
    }
}
