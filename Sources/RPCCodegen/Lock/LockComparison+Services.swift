// Methods of services.

extension LockComparison {
    mutating func compareServices(_ old: TypeName, _ new: TypeName) {
        let before = self.old.services[old]?.methods ?? [:]
        let now = self.new.services[new]?.methods ?? [:]
        for (name, method) in before.sorted(by: { $0.key < $1.key }) {
            guard let other = now[name] else {
                report(
                    .methodRemoved, .method(old, name), .declaration(new),
                    "the method `\(name)` of `\(new.name)` was here, and is gone")
                continue
            }
            compare(Call(old: old, new: new, method: name, before: method, now: other))
        }
    }

    /// A method that both sides have.
    private struct Call {
        var old: TypeName
        var new: TypeName
        var method: String
        var before: MethodPromise
        var now: MethodPromise
    }

    private mutating func report(
        _ rule: BreakingRule, _ call: Call, _ part: LockPlace.MethodPart, _ was: String,
        _ what: String, remedy: String? = nil
    ) {
        report(
            rule, .method(call.old, call.method), .method(call.new, call.method, part),
            "`\(call.method)` of `\(call.new.name)` \(was), \(what)", remedy: remedy)
    }

    private mutating func compare(_ call: Call) {
        let (before, now) = (call.before, call.now)
        if before.kind != now.kind {
            report(
                .methodStreams, call, .signature, "was `\(before.signature)`",
                "is `\(now.signature)`")
        }
        for (one, other) in [(before.request, now.request), (before.response, now.response)] {
            queue(one, other)
            if current(one) != other {
                report(.methodMessages, call, .signature, "had `\(one)`", "has `\(other)`")
            }
        }
        compareRoles(call)
        if before.idempotency.isWeakened(to: now.idempotency, moved: { isSameField($0, $1, call) })
        {
            let text = now.idempotency.schemaText ?? "neither safe nor idempotent"
            report(
                .idempotencyWeakened, call, .idempotency,
                "was \(before.idempotency.schemaText ?? "")", "is \(text)")
        }
        compareRoutes(call)
        compareTimes(call)
    }

    private mutating func compareRoles(_ call: Call) {
        let any = MethodModel.anyRole
        guard !call.now.roles.contains(any) else { return }
        let gone = call.before.roles.subtracting(call.now.roles).sorted()
        guard !gone.isEmpty else { return }
        let names = gone.joined(separator: ", ")
        report(
            .roleRemoved, call, .roles, "was for the role \(names)",
            "is for \(call.now.roles.sorted().joined(separator: ", "))",
            remedy: "write `role \(gone.contains(any) ? any : names)` again, "
                + "until none of its peers calls the method")
    }

    private mutating func compareTimes(_ call: Call) {
        func shown(_ time: Int64?) -> String { time.map(MethodModel.time) ?? "none" }
        let none = Int64.max
        let (before, now) = (call.before, call.now)
        if now.deadlineMilliseconds ?? none < before.deadlineMilliseconds ?? none {
            report(
                .timeShortened, call, .time,
                "had the deadline \(shown(before.deadlineMilliseconds))",
                "has \(shown(now.deadlineMilliseconds))")
        } else if let idle = before.idleMilliseconds, let newIdle = now.idleMilliseconds,
            newIdle < idle
        {
            report(
                .timeShortened, call, .time, "had the idle limit \(shown(idle))",
                "has \(shown(newIdle))")
        }
    }

    // MARK: Routes

    private mutating func compareRoutes(_ call: Call) {
        guard let before = call.before.route else { return }
        guard let now = call.now.route else {
            report(
                .routeChanged, call, .name, "had the route `\(before.schemaText)`", "has none",
                remedy: "write `\(before.schemaText)` again")
            return
        }
        let isSame =
            before.verb == now.verb && before.form == now.form
            && zip(before.variables, now.variables).allSatisfy { isSameField($0, $1, call) }
            && isSameBody(before.body, now.body, call)
            && isSameResume(before.resume, now.resume, call)
        if !isSame {
            report(
                .routeChanged, call, .route, "had the route `\(before.schemaText)`",
                "has `\(now.schemaText)`")
        }
    }

    private func isSameBody(
        _ before: HTTPRoute.Body, _ now: HTTPRoute.Body, _ call: Call
    ) -> Bool {
        if case .field(let old) = before, case .field(let new) = now {
            return isSameField(old, new, call)
        }
        return before == now
    }

    /// Whether who was cut off before can go on as before.
    private func isSameResume(
        _ before: HTTPRoute.Resume?, _ now: HTTPRoute.Resume?, _ call: Call
    ) -> Bool {
        guard let before else { return true }
        guard let now else { return false }
        return isSameField(before.request, now.request, call)
    }

    /// Whether two names are those of one field of the request, which may have been renamed.
    private func isSameField(_ before: String, _ now: String, _ call: Call) -> Bool {
        let old = self.old.field(before, of: call.before.request)
        let new = self.new.field(now, of: call.now.request)
        return old?.number == new?.number && new != nil
    }
}

extension Idempotency {
    /// Whether a call that could be repeated may now do something twice.
    fileprivate func isWeakened(
        to now: Idempotency, moved isSame: (String, String) -> Bool
    ) -> Bool {
        switch (self, now) {
        case (.unknown, _), (_, .safe): false
        case (.safe, _), (.idempotent, .unknown): true
        // Who repeats a call sends the key again too.
        case (.idempotent, .idempotent(nil)): false
        // Who has never heard of the key sends an empty one, which is the same for all calls.
        case (.idempotent(nil), .idempotent): true
        case (.idempotent(let key?), .idempotent(let other?)): !isSame(key, other)
        }
    }
}
