// Where the HTTP edge has a method.

extension Resolver {
    /// The longest path of a route.
    private static let pathBytesMax = 512

    mutating func route(
        _ method: MethodSyntax, _ message: MessageModel?, _ answer: MessageModel?
    ) -> HTTPRoute? {
        guard let written = method.route else { return nil }
        let fields = message?.fields ?? []
        if method.streamsRequests {
            let whole = syntax.source.withComma(written.whole)
            diagnostics.report(
                .routeKind, syntax.source, written.range,
                "HTTP has no place for a stream of requests; a route goes with one request",
                fix: whole.map { Diagnostic.Fix(range: $0, replacement: "") })
            return nil
        }
        if written.verb == "GET", method.idempotency?.isSafe != true, !method.isBroken {
            let start = SourceRange(start: written.range.start, end: written.range.start)
            diagnostics.report(
                .safeRoute, syntax.source, written.range,
                "a GET changes nothing: write `safe` too, or make it a `post`",
                fix: method.idempotency == nil
                    ? Diagnostic.Fix(range: start, replacement: "safe, ") : nil)
        }
        guard let path = path(written, message) else { return nil }
        let used = Set(path.compactMap { if case .variable(let name) = $0 { name } else { nil } })
        let rest = fields.filter { !used.contains($0.name) }
        var route = HTTPRoute(verb: written.verb, path: path, body: .none, query: [])
        let takesBody = ["POST", "PUT", "PATCH"].contains(written.verb)
        if let body = written.body {
            guard takesBody else {
                let end = written.path.range.end
                diagnostics.report(
                    .routeBody, syntax.source, body.range, "a \(written.verb) has no body",
                    fix: Diagnostic.Fix(
                        range: SourceRange(start: end, end: body.range.end), replacement: ""))
                return nil
            }
            guard field(body, of: message, .routeBody) != nil else { return nil }
            if used.contains(body.text) {
                report(.routeBody, body.range, "`\(body.text)` is in the path already")
            }
            route.body = .field(body.text)
            route.query = query(rest.filter { $0.name != body.text }, written)
        } else if takesBody {
            route.body = .rest
        } else {
            route.query = query(rest, written)
        }
        if let resume = written.resume {
            route.resume = self.resume(resume, method, route, message, answer)
        }
        return route
    }

    private mutating func resume(
        _ written: ResumeSyntax, _ method: MethodSyntax, _ route: HTTPRoute,
        _ message: MessageModel?, _ answer: MessageModel?
    ) -> HTTPRoute.Resume? {
        guard method.streamsResponses else {
            report(.resume, written.range, "only a stream of responses can be resumed")
            return nil
        }
        guard let request = field(written.request, of: message, .resume),
            let response = field(written.response, of: answer, .resume)
        else { return nil }
        for (field, name) in [(request, written.request), (response, written.response)] {
            guard field.type == .scalar(.string), field.cardinality == .plain else {
                report(.resume, name.range, "`\(name.text)` is no plain string")
                return nil
            }
        }
        guard route.query.contains(request.name) else {
            report(
                .resume, written.request.range,
                "`\(request.name)` is no parameter behind the `?` of this route")
            return nil
        }
        return HTTPRoute.Resume(request: request.name, response: response.name)
    }

    private mutating func path(
        _ route: RouteSyntax, _ message: MessageModel?
    ) -> [HTTPRoute.Segment]? {
        let text = route.path.text
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard text.hasPrefix("/"), text.utf8.count <= Self.pathBytesMax,
            parts.allSatisfy({ Self.isSegment($0) })
        else {
            report(
                .routeForm, route.path.range,
                "`\(text)` is no path; write one such as \"/v1/places/{place}\", of letters, "
                    + "digits, `-`, `.`, `_` and fields in braces")
            return nil
        }
        var seen: Set<String> = []
        var segments: [HTTPRoute.Segment] = []
        // Behind the quote and the first slash.
        var start = route.path.range.start + 2
        for part in parts {
            let end = start + part.utf8.count
            defer { start = end + 1 }
            guard part.first == "{" else {
                segments.append(.literal(String(part)))
                continue
            }
            let name = NameSyntax(
                text: String(part.dropFirst().dropLast()),
                range: SourceRange(start: start + 1, end: end - 1))
            guard let field = field(name, of: message, .routeVariable) else { return nil }
            if !seen.insert(name.text).inserted {
                report(
                    .routeVariable, name.range, "`\(name.text)` is in the path twice")
            }
            guard field.isInPath else {
                report(
                    .routeVariableType, name.range,
                    "`\(name.text)` cannot stand in a path; strings, integers, bools, uuids and "
                        + "enums can")
                return nil
            }
            segments.append(.variable(name.text))
        }
        return segments
    }

    private static func isSegment(_ part: Substring) -> Bool {
        let isVariable = part.first == "{" && part.last == "}"
        let name = isVariable ? part.dropFirst().dropLast() : part
        return !name.isEmpty && name != "." && name != ".."
            && name.utf8.allSatisfy { byte in
                Lexer.isLetter(byte) || Lexer.isDigit(byte)
                    || (!isVariable && "-.".utf8.contains(byte))
            }
    }

    private mutating func query(_ fields: [FieldModel], _ route: RouteSyntax) -> [String] {
        for field in fields where !field.isInQuery {
            report(
                .routeQuery, route.range,
                "`\(field.name)` cannot be a parameter behind the `?`; only scalars, enums and "
                    + "lists of them can: use `post`, or name the field that is the body")
        }
        return fields.map(\.name)
    }

    /// Two methods cannot have one route; the names of variables make no difference.
    mutating func checkRoutes(_ services: [ServiceModel]) {
        var first: [String: MethodSyntax] = [:]
        for (service, syntax) in zip(services, syntax.services) {
            for method in service.methods {
                guard let route = method.route,
                    let place = syntax.methods.first(where: { $0.name.text == method.name })
                else { continue }
                let form = "\(route.verb) \(route.form)"
                if let other = first[form] {
                    report(
                        .routeTwice, place.route?.path.range ?? place.range,
                        "`\(other.name.text)` has the route \(route.verb) \(route.pattern) already",
                        related: here(other.route?.path.range ?? other.range, "here"))
                } else {
                    first[form] = place
                }
            }
        }
    }
}

extension HTTPRoute {
    /// The pattern without the names of its variables.
    var form: String {
        path.map { if case .literal(let text) = $0 { "/" + text } else { "/{}" } }.joined()
    }
}

extension FieldModel {
    fileprivate var isInPath: Bool {
        guard cardinality == .plain || cardinality == .optional else { return false }
        return switch type {
        case .scalar(.string), .scalar(.bool), .scalar(.int32), .scalar(.int64),
            .scalar(.uint32), .scalar(.uint64), .scalar(.uuid), .enumeration:
            true
        case .scalar, .message: false
        }
    }

    fileprivate var isInQuery: Bool {
        if case .message = type { return false }
        return switch cardinality {
        case .plain, .optional, .list: true
        case .map, .choice: false
        }
    }
}
