import MeshAPI
import RPCRuntime
import ServiceKit

extension Session {
    func listUsers() async throws(Failure) -> Terminal.ExitCode {
        try await withDevice { access throws(Failure) in
            let list = try await order("listing the users of \(access.name)") {
                options throws(RPCError) in
                try await access.devices.listUsers(
                    ListUsersRequest(target: access.target), options)
            }
            return try show(list.users)
        }
    }

    func writeUser(isNew: Bool) async throws(Failure) -> Terminal.ExitCode {
        let user = try userOfCommandLine()
        return try await withDevice { access throws(Failure) in
            let verb = isNew ? "add" : "change"
            guard try confirm("\(verb) the user \(user.userID) at \(access.name)") else {
                return .ok
            }
            let request = WriteUserRequest(
                target: access.target, user: user,
                allowAdmins: invocation.flag("--allow-admins"))
            let stage = "\(isNew ? "adding" : "changing") the user \(user.userID)"
            let result = try await order(stage) { options throws(RPCError) in
                if isNew { return try await access.devices.addUser(request, options) }
                return try await access.devices.changeUser(request, options)
            }
            return try conclude(
                "the user \(user.userID) is \(isNew ? "added" : "changed") at \(access.name)",
                result.receipt, result)
        }
    }

    func removeUser() async throws(Failure) -> Terminal.ExitCode {
        let id = invocation.operands[1]
        return try await withDevice { access throws(Failure) in
            guard try confirm("remove the user \(id) from \(access.name)") else { return .ok }
            let request = RemoveUserRequest(
                target: access.target, userID: id, allowAdmins: invocation.flag("--allow-admins"))
            let receipt = try await order("removing the user \(id)") { options throws(RPCError) in
                try await access.devices.removeUser(request, options)
            }
            return try conclude(
                "the user \(id) is removed from \(access.name)", receipt, receipt)
        }
    }

    private func userOfCommandLine() throws(Failure) -> UserSpec {
        var user = UserSpec(userID: invocation.operands[1])
        user.name = invocation.value("--name")
        if let word = invocation.value("--role") { user.role = DesiredState.role(word) }
        if invocation.value("--card") != nil {
            user.card = UInt32(try number("--card", default: 0, in: 0...Int(UInt32.max)))
        }
        if invocation.value("--group") != nil {
            user.group = UInt32(try number("--group", default: 1, in: 1...99))
        }
        user.disabled = invocation.value("--disabled").map { $0 == "yes" }
        if invocation.flag("--password-stdin") {
            user.password = Secret(Array(surroundings.read().utf8)).revealText()
        }
        do throws(ConfigurationError) { try DesiredState.check(user) } catch {
            throw .usage(error.message)
        }
        return user
    }

    // MARK: The desired state

    func planUsers() async throws(Failure) -> Terminal.ExitCode {
        let state = try desiredState()
        return try await withDevice { access throws(Failure) in
            try showPlan(try await plan(state, access))
            return .ok
        }
    }

    func applyUsers() async throws(Failure) -> Terminal.ExitCode {
        let state = try desiredState()
        return try await withDevice { access throws(Failure) in
            let plan = try await plan(state, access)
            let count = plan.changes.count { $0.kind != .protected }
            if invocation.flag("--dry-run") {
                try showPlan(plan)
                return .ok
            }
            if count > 0 {
                if !invocation.flag("--yes") { try showPlan(plan) }
                guard try confirm("make \(count) changes at \(access.name)") else { return .ok }
            }
            return try await apply(state, access)
        }
    }

    private func apply(
        _ state: DesiredState, _ access: DeviceAccess
    ) async throws(Failure) -> Terminal.ExitCode {
        var summary = ApplySummary()
        var listing = Listing<AppliedChange>(output)
        let times = Times(isUTC: true)
        let request = state.request(access.target)
        try await follow("applying to \(access.name)") { body, options throws(RPCError) in
            try await access.devices.applyUsers(request, options, body)
        } each: { (step: ApplyProgress) throws(Failure) in
            if let last = step.summary { summary = last }
            guard let change = step.change else { return }
            // Not before there is an answer: a refused call leaves no half of a document.
            if step.done == 1 { try listing.begin(times) }
            try listing.page([AppliedChange(change: change, failure: step.failure)], times)
            if step.done % 50 == 0 { output.note("note: \(step.done) of \(step.total) changes") }
        }
        let total = summary.added + summary.changed + summary.removed + summary.failed
        if total == 0 { try listing.begin(times) }
        let json = String(decoding: summary.encodedJSON(.document), as: UTF8.self)
        try listing.end(Array("{\"data\":[],\"summary\":\(json)}".utf8))
        output.note(
            "\(access.name): \(summary.added) added, \(summary.changed) changed, "
                + "\(summary.removed) removed, \(summary.unchanged) as they shall be, "
                + "\(summary.protected) left alone, \(summary.failed) failed "
                + "(audit \(summary.receipt.audit))")
        return summary.failed == 0 ? .ok : .incomplete
    }

    private func plan(
        _ state: DesiredState, _ access: DeviceAccess
    ) async throws(Failure) -> UserPlan {
        try await order("comparing with \(access.name)") { options throws(RPCError) in
            try await access.devices.planUsers(state.request(access.target), options)
        }
    }

    private func showPlan(_ plan: UserPlan) throws(Failure) {
        let times = Times(isUTC: true)
        var listing = Listing<UserChange>(output)
        try listing.begin(times)
        try listing.page(plan.changes, times)
        let json = "{\"data\":[],\"unchanged\":\(plan.unchanged),\"present\":\(plan.present)}"
        try listing.end(Array(json.utf8))
        let counts = Dictionary(grouping: plan.changes, by: \.kind.word).mapValues(\.count)
        output.note(
            "to add \(counts["add"] ?? 0), to change \(counts["change"] ?? 0), to remove "
                + "\(counts["remove"] ?? 0), left alone \(counts["protected"] ?? 0), "
                + "as they shall be \(plan.unchanged)")
    }

    private func desiredState() throws(Failure) -> DesiredState {
        guard let file = invocation.value("--file") else {
            throw .usage("--file is missing", hint: "it says who shall be in the terminal")
        }
        do throws(ConfigurationError) {
            var state = try DesiredState(file: file)
            if invocation.flag("--remove-others") { state.removeOthers = true }
            state.allowAdmins = invocation.flag("--allow-admins")
            return state
        } catch {
            throw .usage(error.message)
        }
    }

    /// A list that is whole.
    func show<Element: Row>(_ rows: [Element]) throws(Failure) -> Terminal.ExitCode {
        let times = Times(isUTC: true)
        var listing = Listing<Element>(output)
        try listing.begin(times)
        try listing.page(rows, times)
        try listing.end(Array("{\"data\":[]}".utf8))
        return .ok
    }
}
