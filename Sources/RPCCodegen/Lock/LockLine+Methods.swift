// Methods of a lock.

extension LockLine {
    /// What stands behind the name of a method.
    mutating func method() throws(LockMistake) -> MethodPromise {
        try expect("(")
        let (streamsRequests, request) = try message()
        try expect(")")
        try expect("->")
        let (streamsResponses, response) = try message()
        try expect("deadline")
        let kind = MethodKind(
            streamsRequests: streamsRequests, streamsResponses: streamsResponses)
        var method = MethodPromise(
            request: request, response: response, kind: kind, deadlineMilliseconds: nil,
            idleMilliseconds: nil, roles: [], idempotency: .unknown, route: nil)
        if skip("none") {
            try expect("idle")
            method.idleMilliseconds = try time()
        } else {
            method.deadlineMilliseconds = try time()
        }
        if skip("safe") {
            method.idempotency = .safe
        } else if skip("idempotent") {
            method.idempotency = .idempotent(key: skip("by") ? word() : nil)
        }
        if tokens.first?.text != "role" { method.route = try route() }
        try expect("role")
        repeat {
            guard let role = word() else { throw mistake("expected a role") }
            method.roles.insert(role)
        } while skip(",")
        return method
    }

    private mutating func message() throws(LockMistake) -> (streams: Bool, TypeName) {
        let next = tokens.dropFirst().first?.kind
        let streams = next == .identifier && skip("stream")
        guard case .message(let name) = try type() else { throw mistake("expected a message") }
        return (streams, name)
    }

    private mutating func time() throws(LockMistake) -> Int64 {
        let text = numberText() ?? ""
        let units: [Substring: Int64] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000]
        let digits = text.prefix { $0.isNumber }
        guard let unit = units[text.dropFirst(digits.count)], let count = Int64(digits),
            count > 0, count <= 86_400_000 / unit
        else { throw mistake("expected a time such as `5s`") }
        return count * unit
    }

    private mutating func route() throws(LockMistake) -> HTTPRoute {
        guard let verb = word(), ["get", "post", "put", "patch", "delete"].contains(verb),
            let pattern = string()
        else { throw mistake("expected a route or the roles") }
        let path = pattern.split(separator: "/").map { part -> HTTPRoute.Segment in
            part.hasPrefix("{") && part.hasSuffix("}") && part.utf8.count > 2
                ? .variable(String(part.dropFirst().dropLast())) : .literal(String(part))
        }
        var route = HTTPRoute(verb: verb.uppercased(), path: path, body: .none, query: [])
        if skip("body") {
            guard let name = word() else { throw mistake("expected the field that is the body") }
            route.body = .field(name)
        } else if ["post", "put", "patch"].contains(verb) {
            route.body = .rest
        }
        if skip("resume") {
            guard let request = word(), skip("from"), let response = word() else {
                throw mistake("expected how a stream is resumed")
            }
            route.resume = HTTPRoute.Resume(request: request, response: response)
        }
        return route
    }
}
