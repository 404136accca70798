// Where an HTTP edge has the methods of a service.

extension SwiftEmitter {
    func routes(_ service: ServiceModel, _ printer: inout Printer) {
        let methods = service.methods.filter { $0.route != nil }
        if methods.isEmpty { return }
        printer.line()
        printer.line("/// Where an HTTP edge has the methods.")
        printer.line("public static let routes: [HTTPRoute] = [")
        printer.indented { printer in
            for method in methods { route(method, &printer) }
        }
        printer.line("]")
    }

    private func route(_ method: MethodModel, _ printer: inout Printer) {
        guard let route = method.route else { return }
        let fields = compilation.message(method.request)?.fields ?? []
        var arguments = [
            "Method.\(Names.swift(method.name))", "\(method.request.name).self",
            "\(method.response.name).self", "\"\(route.verb)\"", Self.path(route),
        ]
        let query = fields.filter { route.query.contains($0.name) }
        if !query.isEmpty { arguments.append("query: \(Self.query(query))") }
        if let body = Self.body(route, fields) { arguments.append("body: \(body)") }
        if let resume = route.resume {
            arguments.append("resume: \"\(Names.snakeCase(resume.request))\"")
            arguments.append("id: { $0.\(Names.swift(resume.response)) }")
        }
        printer.wrapped(".\(method.kind.rawValue)(", arguments, "),")
    }

    private static func path(_ route: HTTPRoute) -> String {
        let segments = route.path.map { segment in
            switch segment {
            case .literal(let text): ".literal(\"\(text)\")"
            case .variable(let name): ".variable(\"\(Names.snakeCase(name))\")"
            }
        }
        return "[\(segments.joined(separator: ", "))]"
    }

    private static func query(_ fields: [FieldModel]) -> String {
        let parameters = fields.map { field in
            let kind = field.cardinality == .list ? "many" : "one"
            return ".\(kind)(\"\(Names.snakeCase(field.name))\")"
        }
        return "[\(parameters.joined(separator: ", "))]"
    }

    private static func body(_ route: HTTPRoute, _ fields: [FieldModel]) -> String? {
        switch route.body {
        case .none: return nil
        case .rest:
            let isRequired = fields.contains { !route.variables.contains($0.name) }
            return ".rest(isRequired: \(isRequired))"
        case .field(let name): return ".field(\"\(Names.snakeCase(name))\")"
        }
    }
}
