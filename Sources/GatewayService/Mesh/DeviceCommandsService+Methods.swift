import MeshAPI
import RPCRuntime

// The methods, each passed on as it is.
extension DeviceCommandsService {
    func info(_ request: InfoRequest, _ call: ServerCall) async throws(RPCError) -> DeviceInfo {
        try await pass(request.target.location, call, "info") { client, options throws(RPCError) in
            try await client.info(request, options)
        }
    }

    func setTime(
        _ request: SetTimeRequest, _ call: ServerCall
    ) async throws(RPCError) -> SetTimeResult {
        try await pass(request.target.location, call, "setTime") {
            client, options throws(RPCError) in
            try await client.setTime(request, options)
        }
    }

    func restart(
        _ request: RestartRequest, _ call: ServerCall
    ) async throws(RPCError) -> CommandReceipt {
        try await pass(request.target.location, call, "restart") {
            client, options throws(RPCError) in
            try await client.restart(request, options)
        }
    }

    func unlock(
        _ request: UnlockRequest, _ call: ServerCall
    ) async throws(RPCError) -> CommandReceipt {
        try await pass(request.target.location, call, "unlock") {
            client, options throws(RPCError) in
            try await client.unlock(request, options)
        }
    }

    func listUsers(
        _ request: ListUsersRequest, _ call: ServerCall
    ) async throws(RPCError) -> TerminalUserList {
        try await pass(request.target.location, call, "listUsers") {
            client, options throws(RPCError) in
            try await client.listUsers(request, options)
        }
    }

    func addUser(
        _ request: WriteUserRequest, _ call: ServerCall
    ) async throws(RPCError) -> WriteUserResult {
        try await pass(request.target.location, call, "addUser") {
            client, options throws(RPCError) in
            try await client.addUser(request, options)
        }
    }

    func changeUser(
        _ request: WriteUserRequest, _ call: ServerCall
    ) async throws(RPCError) -> WriteUserResult {
        try await pass(request.target.location, call, "changeUser") {
            client, options throws(RPCError) in
            try await client.changeUser(request, options)
        }
    }

    func removeUser(
        _ request: RemoveUserRequest, _ call: ServerCall
    ) async throws(RPCError) -> CommandReceipt {
        try await pass(request.target.location, call, "removeUser") {
            client, options throws(RPCError) in
            try await client.removeUser(request, options)
        }
    }

    func planUsers(
        _ request: DesiredUsers, _ call: ServerCall
    ) async throws(RPCError) -> UserPlan {
        try await pass(request.target.location, call, "planUsers") {
            client, options throws(RPCError) in
            try await client.planUsers(request, options)
        }
    }

    func clearLog(
        _ request: ClearLogRequest, _ call: ServerCall
    ) async throws(RPCError) -> ClearLogResult {
        try await pass(request.target.location, call, "clearLog") {
            client, options throws(RPCError) in
            try await client.clearLog(request, options)
        }
    }

    func addDevice(
        _ request: AddDeviceRequest, _ call: ServerCall
    ) async throws(RPCError) -> AddDeviceResult {
        try await pass(request.location, call, "addDevice") { client, options throws(RPCError) in
            try await client.addDevice(request, options)
        }
    }

    func removeDevice(
        _ request: RemoveDeviceRequest, _ call: ServerCall
    ) async throws(RPCError) -> CommandReceipt {
        try await pass(request.target.location, call, "removeDevice") {
            client, options throws(RPCError) in
            try await client.removeDevice(request, options)
        }
    }

    func checkDevice(
        _ request: CheckDeviceRequest, _ call: ServerCall
    ) async throws(RPCError) -> CheckReport {
        try await pass(request.target.location, call, "checkDevice") {
            client, options throws(RPCError) in
            try await client.checkDevice(request, options)
        }
    }

    func approveDevice(
        _ request: ApproveDeviceRequest, _ call: ServerCall
    ) async throws(RPCError) -> CommandReceipt {
        try await pass(request.location, call, "approveDevice") {
            client, options throws(RPCError) in
            try await client.approveDevice(request, options)
        }
    }

    func listAudit(
        _ request: ListAuditRequest, _ call: ServerCall
    ) async throws(RPCError) -> AuditPage {
        try await pass(request.location, call, "listAudit") { client, options throws(RPCError) in
            try await client.listAudit(request, options)
        }
    }

    func applyUsers(
        _ request: DesiredUsers, to responses: MessageWriter<ApplyProgress>, _ call: ServerCall
    ) async throws(RPCError) {
        try await relay(request.target.location, call, "applyUsers", responses) {
            client, options, write throws(RPCError) in
            try await client.applyUsers(request, options, write)
        }
    }

    func enrol(
        _ request: EnrolRequest, to responses: MessageWriter<EnrolProgress>, _ call: ServerCall
    ) async throws(RPCError) {
        try await relay(request.target.location, call, "enrol", responses) {
            client, options, write throws(RPCError) in
            try await client.enrol(request, options, write)
        }
    }

    func pull(
        _ request: PullRequest, to responses: MessageWriter<PullProgress>, _ call: ServerCall
    ) async throws(RPCError) {
        try await relay(request.target.location, call, "pull", responses) {
            client, options, write throws(RPCError) in
            try await client.pull(request, options, write)
        }
    }

    func copyTemplates(
        _ request: CopyTemplatesRequest, to responses: MessageWriter<CopyProgress>,
        _ call: ServerCall
    ) async throws(RPCError) {
        try await relay(request.location, call, "copyTemplates", responses) {
            client, options, write throws(RPCError) in
            try await client.copyTemplates(request, options, write)
        }
    }

    func discover(
        _ request: DiscoverRequest, to responses: MessageWriter<Discovery>, _ call: ServerCall
    ) async throws(RPCError) {
        try await relay(request.location, call, "discover", responses) {
            client, options, write throws(RPCError) in
            try await client.discover(request, options, write)
        }
    }
}
