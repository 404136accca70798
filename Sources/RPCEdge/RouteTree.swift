import RPCRuntime

/// Finds routes by path.
///
/// Where several fit, a segment as it is written goes before a variable.
struct RouteTree: Sendable {
    struct Match {
        let route: HTTPRoute
        /// The values of the variables.
        let variables: [RouteArguments.Parameter]
    }

    /// What is at a path: routes of any verbs, or a resource.
    struct Found {
        var routes: [Match] = []
        var resource: HTTPEdge.Resource?

        var verbs: [String] {
            let verbs = Set(routes.map(\.route.verb) + (resource == nil ? [] : ["GET"]))
            return verbs.union(verbs.contains("GET") ? ["HEAD"] : []).sorted()
        }
    }

    /// Where a path leads to: its routes, and by index the places behind it.
    private struct Place: Sendable {
        var literals: [String: Int] = [:]
        var variable: Int?
        var routes: [HTTPRoute] = []
    }

    private var places = [Place()]
    private let resources: [HTTPEdge.Resource]

    init(_ routes: [HTTPRoute], _ resources: [HTTPEdge.Resource]) {
        self.resources = resources
        for route in routes {
            let place = place(of: route.path)
            precondition(
                !places[place].routes.contains { $0.verb == route.verb },
                "\(route.verb) \(route.pattern) is the route of two methods")
            places[place].routes.append(route)
        }
    }

    private mutating func place(of path: [HTTPRoute.Segment]) -> Int {
        var current = 0
        for segment in path {
            let next =
                switch segment {
                case .literal(let text): places[current].literals[text]
                case .variable: places[current].variable
                }
            if let next {
                current = next
                continue
            }
            places.append(Place())
            switch segment {
            case .literal(let text): places[current].literals[text] = places.count - 1
            case .variable: places[current].variable = places.count - 1
            }
            current = places.count - 1
        }
        return current
    }

    func find(_ segments: [String]) -> Found {
        var found = Found()
        if segments.count <= 64 { find(segments, 0, 0, &found) }
        if found.routes.isEmpty { found.resource = resources.first { $0.path == segments } }
        return found
    }

    /// Takes the first place with routes; the path's length bounds the depth.
    private func find(_ segments: [String], _ index: Int, _ place: Int, _ found: inout Found) {
        guard index < segments.count else {
            found.routes = places[place].routes.map { route in
                Match(route: route, variables: Self.variables(route, segments))
            }
            return
        }
        if let next = places[place].literals[segments[index]] {
            find(segments, index + 1, next, &found)
        }
        // An empty segment is no value.
        if found.routes.isEmpty, !segments[index].isEmpty, let next = places[place].variable {
            find(segments, index + 1, next, &found)
        }
    }

    private static func variables(
        _ route: HTTPRoute, _ segments: [String]
    ) -> [RouteArguments.Parameter] {
        zip(route.path, segments).compactMap { segment, text in
            guard case .variable(let name) = segment else { return nil }
            return RouteArguments.Parameter(name, text)
        }
    }
}
