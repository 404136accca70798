/// Where schemas have the things that findings point at.
struct LockPlaces {
    typealias Place = (source: SourceText, range: SourceRange)

    private var places: [LockPlace: Place] = [:]
    private var packages: [(name: String, place: Place)] = []

    init(_ syntax: [SchemaSyntax]) {
        for schema in syntax.sorted(by: { $0.source.path < $1.source.path }) {
            let package = schema.package?.text ?? ""
            let start = SourceRange(start: 0, end: 0)
            packages.append((package, (schema.source, schema.package?.range ?? start)))
            func name(_ name: NameSyntax) -> TypeName {
                TypeName(package: package, name: name.text)
            }
            for message in schema.messages { add(message, name(message.name), schema.source) }
            for item in schema.enums { add(item, name(item.name), schema.source) }
            for service in schema.services { add(service, name(service.name), schema.source) }
        }
    }

    /// The place, or that of what it is declared in.
    func find(_ place: LockPlace) -> Place? {
        if let found = places[place] { return found }
        switch place {
        case .package(let name):
            return (packages.first { $0.name == name } ?? packages.first)?.place
        case .declaration(let name): return find(.package(name.package))
        case .field(let name, let number, .name):
            return places[.field(name, number, .name)] ?? find(.declaration(name))
        case .field(let name, let number, _): return find(.field(name, number, .name))
        case .value(let name, _): return find(.declaration(name))
        case .method(let name, _, .name): return find(.declaration(name))
        case .method(let name, let method, _): return find(.method(name, method, .name))
        }
    }

    private mutating func add(_ message: MessageSyntax, _ name: TypeName, _ source: SourceText) {
        places[.declaration(name)] = (source, message.name.range)
        for field in message.fields {
            let number = UInt32(truncatingIfNeeded: field.number.value)
            places[.field(name, number, .name)] = (source, field.name.range)
            places[.field(name, number, .type)] = (source, field.type.range)
            places[.field(name, number, .number)] = (source, field.number.range)
            let limits: [OptionsSyntax.Name] = [.max, .min, .range]
            let limit = field.options.places.first { limits.contains($0.name) }
            places[.field(name, number, .limit)] = (source, limit?.range ?? field.type.range)
        }
        for inner in message.messages { add(inner, name.inside(inner.name.text), source) }
        for item in message.enums { add(item, name.inside(item.name.text), source) }
    }

    private mutating func add(_ item: EnumSyntax, _ name: TypeName, _ source: SourceText) {
        places[.declaration(name)] = (source, item.name.range)
        for value in item.values {
            let number = Int32(truncatingIfNeeded: value.number.value)
            places[.value(name, number)] = (source, value.name.range)
        }
    }

    private mutating func add(_ service: ServiceSyntax, _ name: TypeName, _ source: SourceText) {
        places[.declaration(name)] = (source, service.name.range)
        for method in service.methods {
            var ranges: [LockPlace.MethodPart: SourceRange] = [
                .name: method.name.range, .signature: method.range,
            ]
            ranges[.roles] = method.roles.first?.range
            ranges[.idempotency] = method.idempotency?.range
            ranges[.route] = method.route?.path.range
            ranges[.time] = method.deadline?.range
            for (part, range) in ranges {
                places[.method(name, method.name.text, part)] = (source, range)
            }
        }
    }
}

extension TypeSyntax {
    fileprivate var range: SourceRange {
        switch self {
        case .named(let name): name.range
        case .list(_, let range), .map(_, _, let range): range
        }
    }
}

extension MethodSyntax.Deadline {
    fileprivate var range: SourceRange {
        switch self {
        case .open(let range): range
        case .milliseconds(let time): time.range
        }
    }
}
