// The rules of services.

extension Resolver {
    mutating func service(_ service: ServiceSyntax, _ messages: [MessageModel]) -> ServiceModel {
        checkOptions(service.options, [.deprecated], "a service")
        let name = TypeName(package: package, name: service.name.text)
        var first: [String: NameSyntax] = [:]
        var methods: [MethodModel] = []
        for method in service.methods {
            checkMember(method.name, Names.serviceMembers, "service")
            if let other = first[method.name.text] {
                report(
                    .memberTwice, method.name.range,
                    "`\(method.name.text)` is a method already",
                    related: here(other.range, "the first is here"))
            }
            first[method.name.text] = first[method.name.text] ?? method.name
            if let model = self.method(method, of: name, messages) { methods.append(model) }
        }
        return ServiceModel(
            documentation: service.documentation, name: name,
            deprecated: service.options.deprecated?.text, methods: methods)
    }

    private mutating func method(
        _ method: MethodSyntax, of service: TypeName, _ messages: [MessageModel]
    ) -> MethodModel? {
        let name = method.name.text
        checkRoles(method)
        let deadline = deadline(method)
        let request = messageName(method.request)
        let response = messageName(method.response)
        guard let request, let response else { return nil }
        let message = messages.first { $0.name == request } ?? importedMessage(request)
        let answer = messages.first { $0.name == response } ?? importedMessage(response)
        return MethodModel(
            documentation: method.documentation, name: name, request: request,
            response: response, kind: method.kind, deadlineMilliseconds: deadline,
            idleMilliseconds: idle(method), roles: method.roles.map(\.text),
            idempotency: idempotency(method, message), route: route(method, message, answer),
            deprecated: method.deprecated?.text, id: FNV1a.hash32("\(service)/\(name)"))
    }

    private mutating func checkRoles(_ method: MethodSyntax) {
        if method.roles.isEmpty, !method.isBroken {
            report(
                .missingRole, method.range,
                "`\(method.name.text)` has no role, so nobody could call it; "
                    + "say who may: `{ …, role ctl, gateway }`")
        }
        var first: [String: NameSyntax] = [:]
        for role in method.roles {
            if let other = first[role.text] {
                diagnostics.report(
                    .roleTwice, syntax.source, role.range,
                    "the role `\(role.text)` is named twice",
                    related: here(other.range, "the first is here"),
                    fix: withoutRole(role))
            }
            first[role.text] = first[role.text] ?? role
            if role.text == MethodModel.anyRole, method.roles.count > 1 {
                diagnostics.report(
                    .anyRole, syntax.source, role.range,
                    "`any` is every role; name it alone or leave it out", fix: withoutRole(role))
            }
        }
    }

    /// Takes a role out of a list, unless it is the first of it.
    private func withoutRole(_ role: NameSyntax) -> Diagnostic.Fix? {
        guard let range = syntax.source.withComma(role.range), range.start < role.range.start
        else { return nil }
        return Diagnostic.Fix(range: range, replacement: "")
    }

    private mutating func deadline(_ method: MethodSyntax) -> Int64? {
        switch method.deadline {
        case .milliseconds(let time):
            return time.milliseconds
        case .open(let range):
            // Where only the word `stream` stands, the type is what is missing.
            let isUnary = method.kind == .unary && method.request.text != "stream"
            if isUnary, method.response.text != "stream" {
                report(
                    .openUnary, range,
                    "a call without a stream has a deadline; `none` is for streams", fix: "5s")
            }
            return nil
        case nil where method.isBroken:
            return nil
        case nil:
            let streams =
                method.kind == .unary ? "" : " or, for an open-ended stream, `deadline none`"
            let end = method.open?.end ?? method.range.end
            diagnostics.report(
                .missingDeadline, syntax.source, method.range,
                "`\(method.name.text)` has no deadline; write one, such as `deadline 5s`\(streams)",
                fix: Diagnostic.Fix(
                    range: SourceRange(start: end, end: end),
                    replacement: method.open == nil ? " { deadline 5s }" : " deadline 5s,"))
            return nil
        }
    }

    /// How long a call without a deadline may carry nothing.
    private mutating func idle(_ method: MethodSyntax) -> Int64? {
        if case .open = method.deadline {
            return method.idle?.milliseconds ?? MethodModel.idleMillisecondsDefault
        }
        if let idle = method.idle, !method.isBroken {
            let whole = method.idlePlace.flatMap { syntax.source.withComma($0) }
            diagnostics.report(
                .idleWithDeadline, syntax.source, idle.range,
                "`idle` goes with `deadline none`; other calls end by their deadline",
                fix: whole.map { Diagnostic.Fix(range: $0, replacement: "") })
        }
        return nil
    }

    private mutating func idempotency(
        _ method: MethodSyntax, _ message: MessageModel?
    ) -> Idempotency {
        guard let written = method.idempotency else { return .unknown }
        guard let key = written.key else { return written.isSafe ? .safe : .idempotent(key: nil) }
        if method.streamsRequests {
            let rest = SourceRange(start: written.range.end, end: key.range.end)
            diagnostics.report(
                .keyOfStream, syntax.source, key.range,
                "a method that takes a stream has no one request to hold the key",
                fix: Diagnostic.Fix(range: rest, replacement: ""))
            return .idempotent(key: nil)
        }
        guard let field = field(key, of: message, .keyField) else {
            return .idempotent(key: nil)
        }
        let isText =
            [.scalar(.string), .scalar(.bytes), .scalar(.uuid)].contains(field.type)
        guard isText, field.cardinality == .plain || field.cardinality == .optional else {
            report(
                .keyField, key.range,
                "a key is a string, bytes or uuid; `\(key.text)` is not")
            return .idempotent(key: nil)
        }
        return .idempotent(key: key.text)
    }

    /// The field of a request that an annotation names, or nil when there is none.
    mutating func field(
        _ name: NameSyntax, of message: MessageModel?, _ rule: Rule
    ) -> FieldModel? {
        guard let message else { return nil }
        if let field = message.fields.first(where: { $0.name == name.text }) { return field }
        if message.isBroken { return nil }
        let nearest = Names.nearest(to: name.text, among: message.fields.map(\.name))
        let place = nearest.flatMap { fieldPlaces[message.name]?[$0]?.name }
        let entry = own.named(message.name.name) ?? imported.named(message.name.description)
        report(
            rule, name.range,
            "`\(message.name.name)` has no field `\(name.text)`" + Names.question(nearest),
            related: place.map { here($0, "the field is here") }
                ?? entry.map {
                    .init(path: $0.source.path, range: $0.range, text: "the message is here")
                },
            fix: nearest)
        return nil
    }

    private mutating func messageName(_ name: NameSyntax) -> TypeName? {
        switch type(name, inside: "") {
        case .message(let name): return name
        case nil: return nil
        default:
            report(
                .methodTypes, name.range,
                "`\(name.text)` is not a message; methods take and give messages")
            return nil
        }
    }

    /// Methods are known on the wire by a hash of their names.
    mutating func checkMethodIDs(_ services: [ServiceModel]) {
        var first: [UInt32: (full: String, range: SourceRange)] = [:]
        for service in services {
            for method in service.methods {
                let full = "\(service.name)/\(method.name)"
                guard
                    let place = syntax.services.first(where: {
                        $0.name.text == service.name.name
                    })?.methods.first(where: { $0.name.text == method.name })?.name.range
                else { continue }
                if let other = first[method.id], other.full != full {
                    report(
                        .methodNumberTwice, place,
                        "`\(full)` and `\(other.full)` have the same number on the wire; "
                            + "rename one of them",
                        related: here(other.range, "the other is here"))
                }
                first[method.id] = first[method.id] ?? (full, place)
            }
        }
    }
}

extension MethodSyntax {
    var kind: MethodKind {
        MethodKind(streamsRequests: streamsRequests, streamsResponses: streamsResponses)
    }
}
