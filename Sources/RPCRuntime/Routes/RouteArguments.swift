/// What an HTTP request says to a method: parameters in its path and behind the `?`, and a body.
public struct RouteArguments: Sendable {
    public struct Parameter: Sendable, Hashable {
        /// As in a `.proto`, `log_id` for `logID`.
        public var name: String
        /// Decoded.
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What the body of the HTTP request is.
    public enum Body: Sendable, Hashable {
        /// There is none.
        case none
        /// An object of the request's fields; required unless all of them are in the path.
        case rest(isRequired: Bool)
        /// The value of one field of the request, by its name in a `.proto`.
        case field(String)
    }

    /// Several of one name are the elements of a list.
    public var parameters: [Parameter]
    /// JSON; empty where there is none.
    public var body: [UInt8]

    public init(parameters: [Parameter] = [], body: [UInt8] = []) {
        self.parameters = parameters
        self.body = body
    }

    /// The request that they make.
    ///
    /// Throws `invalidArgument` with the reason `invalid_parameter` or `invalid_body`, and a message
    /// that names the place.
    @inlinable
    func request<Request: Message>(_ form: Body) throws(RPCError) -> Request {
        var request = Request()
        switch form {
        case .none: try checkEmpty()
        case .rest(isRequired: false) where body.isEmpty: break
        case .rest:
            do throws(DecodingFailure) { request = try Request(decodingJSON: body) } catch {
                throw wrongBody(error)
            }
        case .field: break
        }
        var reader = ParameterReader(parameters, form)
        do throws(DecodingFailure) {
            while reader.more(body.span) { try request.read(from: body.span, &reader) }
        } catch {
            throw reader.isInBody ? wrongBody(error) : wrongParameter(error)
        }
        return request
    }

    @usableFromInline
    func checkEmpty() throws(RPCError) {
        if body.isEmpty { return }
        throw RPCError(
            .invalidArgument, "the request has a body of \(body.count) bytes; none is wanted here",
            certainty: .notSent
        ).with(reason: "invalid_body")
    }

    @usableFromInline
    func wrongBody(_ error: DecodingFailure) -> RPCError {
        let why = body.isEmpty ? "it is empty; JSON is wanted" : "\(error)"
        return RPCError(.invalidArgument, "the body: \(why)", certainty: .notSent)
            .with(reason: "invalid_body")
    }

    @usableFromInline
    func wrongParameter(_ error: DecodingFailure) -> RPCError {
        RPCError(
            .invalidArgument, "the parameter \(error.pointer.dropFirst()): \(error.reason)",
            certainty: .notSent
        ).with(reason: "invalid_parameter")
    }
}

/// Gives a message the fields that an HTTP request has outside of a body which is the message.
@usableFromInline
struct ParameterReader: FieldReader {
    private struct Group {
        var name: String
        var values: [String]
        /// Whether the value is the request's body.
        var isBody = false
    }

    private var groups: [Group] = []
    private var next = 0
    private var matched = false

    @usableFromInline
    init(_ parameters: [RouteArguments.Parameter], _ body: RouteArguments.Body) {
        for parameter in parameters {
            if let index = groups.firstIndex(where: { $0.name == parameter.name }) {
                groups[index].values.append(parameter.value)
            } else {
                groups.append(Group(name: parameter.name, values: [parameter.value]))
            }
        }
        if case .field(let name) = body {
            groups.append(Group(name: name, values: [], isBody: true))
        }
    }

    /// Whether what is being read is the body.
    @usableFromInline var isInBody: Bool { next < groups.count && groups[next].isBody }

    @usableFromInline
    mutating func more(_ bytes: Span<UInt8>) -> Bool {
        matched = false
        return next < groups.count
    }

    @usableFromInline
    func failure(_ reason: DecodingFailure.Reason) -> DecodingFailure { Self.wrong(reason) }

    private static func wrong(_ reason: DecodingFailure.Reason) -> DecodingFailure {
        DecodingFailure(reason, offset: 0)
    }

    @usableFromInline
    mutating func rest(_ bytes: Span<UInt8>, _ unknown: inout [UInt8]) throws(DecodingFailure) {
        if matched { return }
        let name = groups[next].name
        throw Self.wrong(.json(.unknownField(name))).below(name)
    }

    /// Reads the value that waits, if it is that of a field.
    private mutating func read(
        _ name: String, _ body: (Group) throws(DecodingFailure) -> Void
    ) throws(DecodingFailure) {
        guard next < groups.count,
            SnakeCase.matches(groups[next].name.utf8.span, name.utf8.span)
        else { return }
        let group = groups[next]
        do throws(DecodingFailure) { try body(group) } catch {
            throw group.isBody ? error : error.below(group.name)
        }
        matched = true
        next += 1
    }

    /// Reads one value, from the body or the text of a parameter.
    private static func value<V: FieldValue>(
        _ group: Group, _ bytes: Span<UInt8>, _ limit: V.Limit
    ) throws(DecodingFailure) -> V {
        var value = V.fieldDefault
        var reader = JSONReader()
        if group.isBody {
            if try reader.null(bytes) { throw reader.mismatch(UInt8(ascii: "n"), "a value") }
            try value.decodeValue(from: bytes, &reader, limit)
            try reader.finish(bytes)
            return value
        }
        guard group.values.count == 1, let text = group.values.first else {
            throw Self.wrong(.tooMany(limit: 1))
        }
        return try Self.value(text, limit)
    }

    private static func value<V: FieldValue>(
        _ text: String, _ limit: V.Limit
    ) throws(DecodingFailure) -> V {
        var value = V.fieldDefault
        var reader = JSONReader()
        let json = V.json(parameter: text)
        try value.decodeValue(from: json.span, &reader, limit)
        try reader.finish(json.span)
        return value
    }

    // MARK: Fields

    @usableFromInline
    mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V,
        _ limit: V.Limit
    ) throws(DecodingFailure) {
        try read(name) { group throws(DecodingFailure) in
            let found: V = try Self.value(group, bytes, limit)
            // A body that is the whole message may say the same as the path.
            guard value.isFieldDefault || value == found else {
                throw Self.wrong(.json(.duplicate(group.name)))
            }
            value = found
        }
    }

    @usableFromInline
    mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ value: inout V?,
        _ limit: V.Limit
    ) throws(DecodingFailure) {
        try read(name) { group throws(DecodingFailure) in
            let found: V = try Self.value(group, bytes, limit)
            guard value == nil || value == found else {
                throw Self.wrong(.json(.duplicate(group.name)))
            }
            value = found
        }
    }

    @usableFromInline
    mutating func field<V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [V],
        _ limit: V.Limit, count: Int
    ) throws(DecodingFailure) {
        try read(name) { group throws(DecodingFailure) in
            if group.isBody {
                var reader = JSONReader()
                try reader.list(bytes, &values, limit, count)
                return try reader.finish(bytes)
            }
            guard group.values.count <= count else { throw Self.wrong(.tooMany(limit: count)) }
            for text in group.values { values.append(try Self.value(text, limit)) }
        }
    }

    @usableFromInline
    mutating func field<K: MapKey, V: FieldValue>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ values: inout [K: V],
        keys: K.Limit, _ limit: V.Limit, count: Int
    ) throws(DecodingFailure) {
        try read(name) { group throws(DecodingFailure) in
            guard group.isBody else { throw Self.wrong(.json(.unknownField(group.name))) }
            var reader = JSONReader()
            try reader.map(bytes, &values, keys, limit, count)
            try reader.finish(bytes)
        }
    }

    @usableFromInline
    mutating func choice<V: FieldValue, Choice>(
        _ bytes: Span<UInt8>, _ number: UInt32, _ name: String, _ choice: inout Choice?,
        _ make: (V) -> Choice, _ limit: V.Limit, _ value: (Choice) -> V?
    ) throws(DecodingFailure) {
        try read(name) { group throws(DecodingFailure) in
            guard choice == nil else { throw Self.wrong(.json(.secondChoice(group.name))) }
            choice = make(try Self.value(group, bytes, limit))
        }
    }
}
