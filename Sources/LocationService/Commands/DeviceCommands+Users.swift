import MeshAPI
import RPCRuntime
import ZKProtocol

extension DeviceCommands {
    func listUsers(
        _ request: ListUsersRequest, _ call: ServerCall
    ) async throws(RPCError) -> TerminalUserList {
        let member = try find(request.target)
        let users = try await run(on: member, call) { client, contact, run in
            try await client.users().map(\.shown)
        }
        guard users.count <= 30_000 else {
            throw RPCError(
                .resourceExhausted, "the terminal has \(users.count) users; a list has 30000")
        }
        return TerminalUserList(users: users)
    }

    func addUser(
        _ request: WriteUserRequest, _ call: ServerCall
    ) async throws(RPCError) -> WriteUserResult {
        try await writeUser(request, isNew: true, call)
    }

    func changeUser(
        _ request: WriteUserRequest, _ call: ServerCall
    ) async throws(RPCError) -> WriteUserResult {
        try await writeUser(request, isNew: false, call)
    }

    private func writeUser(
        _ request: WriteUserRequest, isNew: Bool, _ call: ServerCall
    ) async throws(RPCError) -> WriteUserResult {
        try UserPlanner.check(request.user)
        let id = request.user.userID
        let order = Order(
            command: isNew ? "user-add" : "user-change", arguments: request.user.description)
        try check(location: request.target.location)
        if push.owns(request.target.device) {
            let isAdmin = request.user.role.map { $0 != .user } ?? false
            guard request.allowAdmins || (isNew && !isAdmin) else { throw Self.mayBeAdmin }
            guard isNew || request.user.isWhole else {
                throw RPCError(
                    .failedPrecondition,
                    "a terminal that pushes takes a user as a whole: name, role, card and group",
                    command: .notSent)
            }
            let receipt = try await pushed(.write(request.user), request.target, order, call)
            return WriteUserResult(receipt: receipt, user: TerminalUser(userID: id))
        }
        let member = try find(request.target)
        let (user, receipt) = try await change(member, order, call) { client, contact, run in
            let present = try await client.users()
            let before = present.first { $0.userID == id }
            if isNew, before != nil {
                throw RPCError(
                    .alreadyExists, "the terminal has a user \(id) already", command: .notSent)
            }
            guard isNew || before != nil else { throw Self.noUser(id) }
            let plan = try UserPlanner(
                present: present, desired: [request.user], removesOthers: false,
                allowsAdmins: request.allowAdmins, fits: try await client.userLayout())
            guard plan.protected.isEmpty else { throw Self.needsAdmins(id) }
            for step in plan.steps {
                try run.willSend()
                try await client.write(step.user)
            }
            contact.forgetUsers()
            return plan.steps.first?.user ?? before
        }
        return WriteUserResult(receipt: receipt, user: user?.shown ?? TerminalUser())
    }

    func removeUser(
        _ request: RemoveUserRequest, _ call: ServerCall
    ) async throws(RPCError) -> CommandReceipt {
        let id = request.userID
        let order = Order(command: "user-remove", arguments: "user=\(id)")
        try check(location: request.target.location)
        if push.owns(request.target.device) {
            guard request.allowAdmins else { throw Self.mayBeAdmin }
            return try await pushed(.removeUser(id), request.target, order, call)
        }
        let member = try find(request.target)
        return try await change(member, order, call) { client, contact, run in
            guard let user = try await client.users().first(where: { $0.userID == id }) else {
                throw Self.noUser(id)
            }
            guard request.allowAdmins || !user.isPrivileged else { throw Self.needsAdmins(id) }
            try run.willSend()
            try await client.deleteUser(uid: user.uid)
            contact.forgetUsers()
        }.1
    }

    /// Of a terminal that pushes it is not known who may use its menu.
    private static let mayBeAdmin = RPCError(
        .failedPrecondition,
        "the terminal pushes, and nothing tells whether the user has rights at its menu; that "
            + "takes allowAdmins", command: .notSent)

    static func noUser(_ id: String) -> RPCError {
        RPCError(.notFound, "the terminal has no user \(id)", command: .notSent)
    }

    private static func needsAdmins(_ id: String) -> RPCError {
        RPCError(
            .failedPrecondition,
            "the user \(id) has or would have rights at the terminal's menu; that takes allowAdmins",
            command: .notSent)
    }

    // MARK: The desired state

    func planUsers(
        _ request: DesiredUsers, _ call: ServerCall
    ) async throws(RPCError) -> UserPlan {
        let member = try find(request.target)
        return try await run(on: member, call) { client, contact, run in
            let plan = try await Self.plan(request, client)
            return UserPlan(
                changes: plan.changes, unchanged: UInt32(clamping: plan.unchanged),
                present: UInt32(clamping: plan.present))
        }
    }

    private static func plan(
        _ request: DesiredUsers, _ client: ZKClient
    ) async throws -> UserPlanner {
        try UserPlanner(
            present: try await client.users(), desired: request.users,
            removesOthers: request.removeOthers, allowsAdmins: request.allowAdmins,
            fits: try await client.userLayout())
    }

    func applyUsers(
        _ request: DesiredUsers, to responses: MessageWriter<ApplyProgress>, _ call: ServerCall
    ) async throws(RPCError) {
        let member = try find(request.target)
        let order = Order(
            command: "users-apply",
            arguments: "users=\(request.users.count) removeOthers=\(request.removeOthers) "
                + "allowAdmins=\(request.allowAdmins)")
        let news = ProgressLine<ApplyProgress>()
        let summary = try await news.relay(to: responses) { () async throws(RPCError) in
            let (summary, receipt) = try await change(member, order, call) {
                client, contact, run in
                let summary = try await Self.apply(
                    try await Self.plan(request, client), client, run, news)
                contact.forgetUsers()
                return summary
            }
            var whole = summary
            whole.receipt = receipt
            return whole
        }
        let total = summary.added + summary.changed + summary.removed + summary.failed
        try await responses.write(ApplyProgress(done: total, total: total, summary: summary))
    }

    /// Does one step after the other; one that the terminal refuses does not keep the others.
    private static func apply(
        _ plan: UserPlanner, _ client: ZKClient, _ run: CommandRun,
        _ news: ProgressLine<ApplyProgress>
    ) async throws -> ApplySummary {
        var summary = ApplySummary(
            unchanged: UInt32(clamping: plan.unchanged),
            protected: UInt32(clamping: plan.protected.count))
        for (index, step) in plan.steps.enumerated() {
            try run.willSend()
            var progress = ApplyProgress(
                done: UInt32(clamping: index + 1), total: UInt32(clamping: plan.steps.count),
                change: step.change)
            do throws(ZKError) {
                if step.isRemoval {
                    try await client.deleteUser(uid: step.user.uid)
                    summary.removed += 1
                } else {
                    try await client.write(step.user)
                    if step.change.kind == .add { summary.added += 1 } else { summary.changed += 1 }
                }
            } catch {
                guard error.code == .refused || error.code == .unfit else { throw error }
                summary.failed += 1
                progress.failure = error.description.clipped(toBytes: 1024)
            }
            news.tell(progress)
        }
        return summary
    }
}

extension UserSpec {
    /// Whether nothing is left as it is.
    fileprivate var isWhole: Bool { name != nil && role != nil && card != nil && group != nil }
}
