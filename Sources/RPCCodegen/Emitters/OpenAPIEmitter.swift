/// Writes the methods that have HTTP routes as an OpenAPI 3.1 document.
struct OpenAPIEmitter {
    let compilation: Compilation

    func document(_ schemas: [Schema], label: String?) -> JSON {
        var types = Types(compilation: compilation)
        let services = schemas.flatMap(\.services)
            .filter { $0.methods.contains { $0.route != nil } }
        let paths = paths(services, &types)
        let package = services.first?.name.package ?? schemas.first?.package ?? ""
        return .object([
            .init("openapi", .string("3.1.1")),
            .init(
                "info",
                .object([
                    .init("title", .string(label ?? package)),
                    .init("version", .string(Self.version(package))),
                    .init("description", .string(Self.description)),
                ])),
            .init("tags", .array(services.map(tag))),
            .init("paths", .object(paths)),
            .init("components", components(&types)),
        ])
    }

    private static let description = """
        Messages are in protobuf's JSON form, with the names that a `.proto` has. An answer has all \
        of its members; what is not known is null. Lengths of strings are limited in bytes of \
        UTF-8, as the descriptions say; `maxLength` counts characters and is an upper bound.
        """

    /// `v1` of `company.clock.v1`.
    private static func version(_ package: String) -> String {
        guard PackageVersion(package: package) != nil, let last = package.split(separator: ".").last
        else { return "v0" }
        return String(last)
    }

    private func tag(_ service: ServiceModel) -> JSON {
        var members = [JSON.Member("name", .string(service.name.name))]
        let text = Self.text(service.documentation, service.deprecated, [])
        if !text.isEmpty { members.append(.init("description", .string(text))) }
        return .object(members)
    }

    /// Documentation, what is to be used instead, and notes, with empty lines between them.
    static func text(
        _ documentation: [String], _ deprecated: String?, _ notes: [String]
    ) -> String {
        let prose = documentation.withoutMargin.joined(separator: "\n")
        return ([prose, deprecated.map { "Deprecated: \($0)" } ?? ""] + notes)
            .filter { !$0.allSatisfy(\.isWhitespace) }.joined(separator: "\n\n")
    }

    // MARK: Components

    private func components(_ types: inout Types) -> JSON {
        let problem = JSON.object([
            .init("description", .string("What went wrong.")),
            .init(
                "content",
                .object([
                    .init(
                        "application/problem+json",
                        .object([
                            .init("schema", .reference("schemas/Problem"))
                        ]))
                ])),
        ])
        return .object([
            .init("schemas", .object(types.schemas() + [.init("Problem", Self.problem)])),
            .init("responses", .object([.init("Problem", problem)])),
            .init(
                "securitySchemes",
                .object([
                    .init(
                        "apiKey",
                        .object([
                            .init("type", .string("http")),
                            .init("scheme", .string("bearer")),
                            .init("description", .string("An API key.")),
                        ]))
                ])),
        ])
    }

    private static var problem: JSON {
        func text(_ description: String, _ more: [JSON.Member] = []) -> JSON {
            .object(
                [.init("type", .string("string"))] + more + [
                    .init("description", .string(description))
                ])
        }
        let reference = [JSON.Member("format", .string("uri-reference"))]
        return .object([
            .init("type", .string("object")),
            .init("description", .string("A problem document (RFC 9457).")),
            .init(
                "properties",
                .object([
                    .init("type", text("Names the kind of problem.", reference)),
                    .init("title", text("The kind of problem in words.")),
                    .init(
                        "status",
                        .object([
                            .init("type", .string("integer")), .init("minimum", .integer(100)),
                            .init("maximum", .integer(599)),
                            .init("description", .string("The status of the answer.")),
                        ])),
                    .init("detail", text("What went wrong this time.")),
                    .init("instance", text("Where it went wrong.", reference)),
                    .init("code", text("The kind of problem in one word, for programs.")),
                    .init("request_id", text("Names this occurrence in the server's log.")),
                ])),
            .init("required", .strings(["type", "title", "status", "detail", "code"])),
        ])
    }

    // MARK: Mistakes

    /// Routes that methods of two schemas have both; those of one schema are found there.
    func clashes(_ schemas: [Schema]) -> [Diagnostic] {
        var first: [String: (path: String, method: MethodModel)] = [:]
        var found: [Diagnostic] = []
        for schema in schemas {
            for method in schema.services.flatMap(\.methods) {
                guard let route = method.route else { continue }
                let form = "\(route.verb) \(route.form)"
                guard let other = first[form], other.path != schema.path else {
                    first[form] = (schema.path, method)
                    continue
                }
                guard let here = place(method, schema.path) else { continue }
                let there = place(other.method, other.path)
                found.append(
                    Diagnostic(
                        rule: .language(.routeTwice), path: here.path, range: here.range,
                        text: "`\(other.method.name)` has the route \(route.verb) "
                            + "\(route.pattern) already",
                        related: there.map { .init(path: $0.path, range: $0.range, text: "here") }))
            }
        }
        return found
    }

    private func place(
        _ method: MethodModel, _ path: String
    ) -> (path: String, range: SourceRange)? {
        guard let syntax = compilation.syntax[path] else { return nil }
        let methods = zip(syntax.services, compilation.schemas[path]?.services ?? [])
            .flatMap { zip($0.methods, $1.methods) }
        guard let found = methods.first(where: { $1.id == method.id })?.0.route else { return nil }
        return (syntax.source.path, found.path.range)
    }
}

extension JSON {
    /// A component of the document.
    static func reference(_ component: String) -> JSON {
        .object([.init("$ref", .string("#/components/\(component)"))])
    }
}
