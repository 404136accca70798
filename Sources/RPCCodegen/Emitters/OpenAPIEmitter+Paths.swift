// Paths and the operations on them.

extension OpenAPIEmitter {
    /// The paths in the order of the schemas.
    ///
    /// Routes that differ in the names of variables only are one path, with the names of the first.
    func paths(_ services: [ServiceModel], _ types: inout Types) -> [JSON.Member] {
        var forms: [String] = []
        var routes: [String: HTTPRoute] = [:]
        var operations: [String: [JSON.Member]] = [:]
        for service in services {
            for method in service.methods {
                guard let route = method.route else { continue }
                if routes[route.form] == nil { forms.append(route.form) }
                let first = routes[route.form] ?? route
                routes[route.form] = first
                let names = Dictionary(
                    zip(route.variables, first.variables), uniquingKeysWith: { a, _ in a })
                let operation = operation(method, route, of: service, names, &types)
                operations[route.form, default: []].append(
                    .init(route.verb.lowercased(), operation))
            }
        }
        return forms.compactMap { form in
            routes[form].map { .init($0.pattern, .object(operations[form] ?? [])) }
        }
    }

    private func operation(
        _ method: MethodModel, _ route: HTTPRoute, of service: ServiceModel,
        _ names: [String: String], _ types: inout Types
    ) -> JSON {
        let deprecated = method.deprecated ?? service.deprecated
        let text = Self.text(method.documentation, deprecated, [facts(method)])
        var members: [JSON.Member] = [
            .init("operationId", .string("\(service.name.name)_\(method.name)")),
            .init("tags", .strings([service.name.name])),
            .init("description", .string(text)),
        ]
        if deprecated != nil { members.append(.init("deprecated", .bool(true))) }
        let request = compilation.message(method.request)
        let parameters = parameters(route, request, names, &types)
        if !parameters.isEmpty { members.append(.init("parameters", .array(parameters))) }
        if let body = body(route, request, &types) { members.append(.init("requestBody", body)) }
        members += [
            .init(
                "responses",
                .object([
                    .init("200", answer(method, &types)),
                    .init("default", .reference("responses/Problem")),
                ])),
            .init("security", .array(security(method))),
        ]
        return .object(members)
    }

    private func facts(_ method: MethodModel) -> String {
        ["Deadline: \(method.deadlineWords)", method.idempotency.words].compactMap(\.self)
            .map { $0 + "." }.joined(separator: " ")
    }

    /// Each of the roles alone is enough.
    private func security(_ method: MethodModel) -> [JSON] {
        method.roles.map { role in
            let roles = role == MethodModel.anyRole ? [] : [role]
            return .object([.init("apiKey", .strings(roles))])
        }
    }

    // MARK: Requests

    private func parameters(
        _ route: HTTPRoute, _ request: MessageModel?, _ names: [String: String],
        _ types: inout Types
    ) -> [JSON] {
        let places = route.variables.map { ($0, "path") } + route.query.map { ($0, "query") }
        let parameters = places.compactMap { name, place -> JSON? in
            guard let field = request?.fields.first(where: { $0.name == name }) else { return nil }
            let shown = place == "path" ? names[name] ?? name : name
            var members: [JSON.Member] = [
                .init("name", .string(Names.snakeCase(shown))), .init("in", .string(place)),
            ]
            if place == "path" { members.append(.init("required", .bool(true))) }
            members += Types.remarks(field)
            members.append(.init("schema", .object(types.parameter(field))))
            return .object(members)
        }
        return parameters + (route.resume.map { [Self.lastEventID($0)] } ?? [])
    }

    private static func lastEventID(_ resume: HTTPRoute.Resume) -> JSON {
        let text =
            "The `id` of the last event that arrived, as browsers send it; goes before the parameter "
            + "`\(Names.snakeCase(resume.request))`."
        return .object([
            .init("name", .string("Last-Event-ID")), .init("in", .string("header")),
            .init("description", .string(text)),
            .init("schema", .object([.init("type", .string("string"))])),
        ])
    }

    private func body(
        _ route: HTTPRoute, _ request: MessageModel?, _ types: inout Types
    ) -> JSON? {
        guard let request else { return nil }
        let schema: JSON
        var isRequired = true
        switch route.body {
        case .none: return nil
        case .rest where route.variables.isEmpty:
            types.noteSent([.message(request.name)])
            schema = types.reference(request.name)
            isRequired = !request.fields.isEmpty
        case .rest:
            let rest = request.fields.filter { !route.variables.contains($0.name) }
            types.noteSent(rest.map(\.type))
            schema = .object(types.object(rest, isSent: true))
            isRequired = !rest.isEmpty
        case .field(let name):
            guard let field = request.fields.first(where: { $0.name == name }) else { return nil }
            types.noteSent([field.type])
            schema = .object(types.bare(field) + Types.remarks(field))
        }
        return .object([
            .init("required", .bool(isRequired)),
            .init("content", .object([.init("application/json", .schema(schema))])),
        ])
    }

    // MARK: Answers

    /// One server-sent event: OpenAPI 3.1 has no schema for a stream of them.
    private static func event(_ message: JSON, _ name: String) -> JSON {
        let text =
            "Each event of the stream. What goes wrong behind the first is the last event, of the "
            + "type `error`, whose data is a problem document."
        return .object([
            .init("type", .string("object")), .init("description", .string(text)),
            .init(
                "properties",
                .object([
                    .init(
                        "data",
                        .object([
                            .init("type", .string("string")),
                            .init("description", .string("A `\(name)` in JSON.")),
                            .init("contentMediaType", .string("application/json")),
                            .init("contentSchema", message),
                        ])),
                    .init(
                        "id",
                        .object([
                            .init("type", .string("string")),
                            .init("description", .string("Where to go on behind the event.")),
                        ])),
                    .init("event", .object([.init("type", .string("string"))])),
                ])),
            .init("required", .strings(["data"])),
        ])
    }

    private func answer(_ method: MethodModel, _ types: inout Types) -> JSON {
        let reference = types.reference(method.response)
        let name = method.response.name
        let content: JSON.Member
        if method.kind.streamsResponses {
            content = .init("text/event-stream", .schema(Self.event(reference, name)))
        } else {
            content = .init("application/json", .schema(reference))
        }
        let description = method.kind.streamsResponses ? "A stream of `\(name)`." : "`\(name)`."
        return .object([
            .init("description", .string(description)), .init("content", .object([content])),
        ])
    }
}

extension JSON {
    fileprivate static func schema(_ schema: JSON) -> JSON { .object([.init("schema", schema)]) }
}
