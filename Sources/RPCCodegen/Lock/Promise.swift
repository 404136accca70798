/// What schemas promise to every program that was built from them: what `schema.lock` holds.
///
/// It is the model without documentation, places and what nobody else depends on.
struct Promise: Equatable, Sendable {
    var messages: [TypeName: MessagePromise] = [:]
    var enums: [TypeName: EnumPromise] = [:]
    var services: [TypeName: ServicePromise] = [:]
}

struct MessagePromise: Equatable, Sendable {
    var fields: [UInt32: FieldPromise] = [:]
    var reserved = ReservedPromise()
}

struct FieldPromise: Equatable, Sendable {
    var number: UInt32
    var name: String
    var type: FieldType
    var cardinality: Cardinality
    var limit: ValueLimit
    /// The most elements of a list or map; nil for what is neither.
    var countMax: Int?
}

struct EnumPromise: Equatable, Sendable {
    var values: [Int32: String] = [:]
    var reserved = ReservedPromise()
}

struct ServicePromise: Equatable, Sendable {
    var methods: [String: MethodPromise] = [:]
}

struct MethodPromise: Equatable, Sendable {
    var request: TypeName
    var response: TypeName
    var kind: MethodKind
    /// Nil where there is none.
    var deadlineMilliseconds: Int64?
    var idleMilliseconds: Int64?
    var roles: Set<String>
    var idempotency: Idempotency
    /// Without its query, which follows from the request.
    var route: HTTPRoute?
}

/// Numbers and names that must not come back.
struct ReservedPromise: Equatable, Sendable {
    /// In order, and none beside the next.
    private(set) var numbers: [ClosedRange<Int64>] = []
    var names: Set<String> = []

    mutating func insert(_ range: ClosedRange<Int64>) {
        guard let last = numbers.last, range.lowerBound - 1 <= last.upperBound else {
            numbers.append(range)
            return
        }
        var merged: [ClosedRange<Int64>] = []
        for next in (numbers + [range]).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, next.lowerBound - 1 <= last.upperBound {
                merged[merged.count - 1] =
                    last.lowerBound...Swift.max(last.upperBound, next.upperBound)
            } else {
                merged.append(next)
            }
        }
        numbers = merged
    }

    func contains(_ number: Int64) -> Bool { numbers.contains { $0.contains(number) } }

    /// Those numbers that are not reserved in the other.
    func numbers(missingIn other: ReservedPromise) -> [ClosedRange<Int64>] {
        var missing: [ClosedRange<Int64>] = []
        for range in numbers {
            var start = range.lowerBound
            for covered in other.numbers where covered.overlaps(range) {
                if covered.lowerBound > start { missing.append(start...covered.lowerBound - 1) }
                start = covered.upperBound + 1
            }
            if start <= range.upperBound { missing.append(start...range.upperBound) }
        }
        return missing
    }
}

extension Promise {
    init(_ schemas: [Schema]) {
        for schema in schemas {
            for message in schema.allMessages { messages[message.name] = MessagePromise(message) }
            for item in schema.allEnums { enums[item.name] = EnumPromise(item) }
            for service in schema.services { services[service.name] = ServicePromise(service) }
        }
    }

    /// The field of that name in a message.
    func field(_ name: String, of message: TypeName) -> FieldPromise? {
        messages[message]?.fields.values.first { $0.name == name }
    }
}

extension MessagePromise {
    init(_ message: MessageModel) {
        for field in message.fields { fields[field.number] = FieldPromise(field) }
        reserved = ReservedPromise(message.reserved)
    }
}

extension FieldPromise {
    init(_ field: FieldModel) {
        self.init(
            number: field.number, name: field.name, type: field.type,
            cardinality: field.cardinality, limit: field.limit,
            countMax: field.isRepeated ? field.countMax : nil)
    }
}

extension EnumPromise {
    init(_ enumeration: EnumModel) {
        for value in enumeration.values { values[value.number] = value.name }
        reserved = ReservedPromise(enumeration.reserved)
    }
}

extension ServicePromise {
    init(_ service: ServiceModel) {
        for method in service.methods { methods[method.name] = MethodPromise(method) }
    }
}

extension MethodPromise {
    init(_ method: MethodModel) {
        var route = method.route
        route?.query = []
        self.init(
            request: method.request, response: method.response, kind: method.kind,
            deadlineMilliseconds: method.deadlineMilliseconds,
            idleMilliseconds: method.idleMilliseconds, roles: Set(method.roles),
            idempotency: method.idempotency, route: route)
    }
}

extension ReservedPromise {
    init(_ reserved: [ReservedSyntax]) {
        for item in reserved {
            switch item {
            case .numbers(let range, _): insert(range)
            case .name(let name): names.insert(name.text)
            }
        }
    }
}
