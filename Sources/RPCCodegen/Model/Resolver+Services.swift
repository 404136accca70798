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
        let fields =
            (messages.first { $0.name == request } ?? importedMessage(request))?.fields ?? []
        return MethodModel(
            documentation: method.documentation, name: name, request: request,
            response: response, kind: method.kind, deadlineMilliseconds: deadline,
            idleMilliseconds: idle(method), roles: method.roles.map(\.text),
            idempotency: idempotency(method, fields), route: route(method, fields),
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
                report(
                    .roleTwice, role.range, "the role `\(role.text)` is named twice",
                    related: here(other.range, "the first is here"))
            }
            first[role.text] = role
            if role.text == MethodModel.anyRole, method.roles.count > 1 {
                report(
                    .anyRole, role.range, "`any` is every role; name it alone or leave it out")
            }
        }
    }

    private mutating func deadline(_ method: MethodSyntax) -> Int64? {
        switch method.deadline {
        case .milliseconds(let time):
            return time.milliseconds
        case .open(let range):
            if method.kind == .unary {
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
            report(
                .missingDeadline, method.range,
                "`\(method.name.text)` has no deadline; write one, such as `deadline 5s`\(streams)")
            return nil
        }
    }

    /// How long a call without a deadline may carry nothing.
    private mutating func idle(_ method: MethodSyntax) -> Int64? {
        if case .open = method.deadline {
            return method.idle?.milliseconds ?? MethodModel.idleMillisecondsDefault
        }
        if let idle = method.idle, !method.isBroken {
            report(
                .idleWithDeadline, idle.range,
                "`idle` goes with `deadline none`; other calls end by their deadline")
        }
        return nil
    }

    private mutating func idempotency(
        _ method: MethodSyntax, _ fields: [FieldModel]
    ) -> Idempotency {
        guard let written = method.idempotency else { return .unknown }
        guard let key = written.key else { return written.isSafe ? .safe : .idempotent(key: nil) }
        if method.streamsRequests {
            report(
                .keyOfStream, key.range,
                "a method that takes a stream has no one request to hold the key")
            return .idempotent(key: nil)
        }
        guard let field = field(key, of: method.request.text, fields, .keyField) else {
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
        _ name: NameSyntax, of message: String, _ fields: [FieldModel], _ rule: Rule
    ) -> FieldModel? {
        if let field = fields.first(where: { $0.name == name.text }) { return field }
        let nearest = Names.nearest(to: name.text, among: fields.map(\.name))
        report(
            rule, name.range,
            "`\(message)` has no field `\(name.text)`" + Names.question(nearest), fix: nearest)
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
        var first: [UInt32: String] = [:]
        for service in services {
            for method in service.methods {
                let full = "\(service.name)/\(method.name)"
                if let other = first[method.id], other != full,
                    let place = syntax.services.flatMap(\.methods)
                        .first(where: { $0.name.text == method.name })
                {
                    report(
                        .methodNumberTwice, place.name.range,
                        "`\(full)` and `\(other)` have the same number on the wire; "
                            + "rename one of them")
                }
                first[method.id] = full
            }
        }
    }
}

extension MethodSyntax {
    var kind: MethodKind {
        MethodKind(streamsRequests: streamsRequests, streamsResponses: streamsResponses)
    }
}
