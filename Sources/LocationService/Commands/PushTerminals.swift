import MeshAPI
import RPCRuntime

/// Terminals that push by themselves: commands to them wait in a queue that they fetch.
protocol PushTerminals: Sendable {
    /// Lets the terminal deliver from now on, under a name.
    func approve(serial: String, name: String) async throws(RPCError)

    /// Whether the terminal of this name or serial number is one that pushes.
    func owns(_ device: String) -> Bool

    /// Takes back that the terminal was approved; its punches stay.
    func revoke(_ device: String) async throws(RPCError)

    /// Has the terminal do what it can by itself; returns when it has answered.
    ///
    /// Called with the audit record already written.
    func perform(
        _ order: PushOrder, on device: String, timeout: Duration
    ) async throws(RPCError)
}

/// What a terminal that pushes can be told to do.
enum PushOrder: Sendable {
    case restart
    case unlock
    case write(UserSpec)
    case removeUser(String)
    case enrol(userID: String, finger: UInt32)
}

/// A location without a receiver for them.
struct NoPushTerminals: PushTerminals {
    func approve(serial: String, name: String) async throws(RPCError) {
        throw RPCError(
            .failedPrecondition, "this location has no receiver for terminals that push",
            command: .notSent)
    }

    func owns(_ device: String) -> Bool { false }

    func revoke(_ device: String) async throws(RPCError) {}

    func perform(
        _ order: PushOrder, on device: String, timeout: Duration
    ) async throws(RPCError) {
        throw RPCError(
            .failedPrecondition, "this location has no receiver for terminals that push",
            command: .notSent)
    }
}

/// The terminals that push to this location's receiver.
struct ReceivedPush: PushTerminals {
    let receiver: PushReceiver

    func approve(serial: String, name: String) async throws(RPCError) {
        do throws(PushApprovalError) {
            try await receiver.approve(serial: serial, name: name)
        } catch {
            switch error {
            case .serial, .name:
                throw RPCError(.invalidArgument, error.description, command: .notSent)
            case .nameTaken: throw RPCError(.alreadyExists, error.description, command: .notSent)
            case .store(let cause): throw RPCError(cause, .notSent, audit: 0)
            }
        }
    }

    private func device(_ device: String) -> Device? {
        receiver.board.statuses.map(\.device)
            .first { $0.push && $0.active && ($0.name == device || $0.serial == device) }
    }

    private func serial(of device: String) -> String? { self.device(device)?.serial }

    func revoke(_ device: String) async throws(RPCError) {
        guard let device = self.device(device) else { return }
        let wasApproved: Bool
        do throws(StoreError) {
            wasApproved = try await receiver.store.revokePush(serial: device.serial)
            if wasApproved { try await receiver.store.retire(device.name) }
        } catch {
            throw RPCError(error, .maybeDone, audit: 0)
        }
        guard wasApproved else {
            throw RPCError(
                .failedPrecondition,
                "`\(device.name)` is in the location's configuration file: take it out there",
                command: .notSent)
        }
        // Its next request is one of a terminal that waits for approval.
        receiver.board.remove(device.name)
    }

    func owns(_ device: String) -> Bool { serial(of: device) != nil }

    func perform(
        _ order: PushOrder, on device: String, timeout: Duration
    ) async throws(RPCError) {
        let command = try command(order)
        let answer: PushAnswer
        do throws(PushCommandError) {
            answer = try await receiver.commands.enqueue(
                serial: serial(of: device) ?? device, command, timeout: timeout)
        } catch {
            throw Self.failure(error)
        }
        guard answer.isDone else {
            throw RPCError(
                .failedPrecondition, "the terminal refuses: \(answer.name)", command: .refused)
        }
    }

    private func command(_ order: PushOrder) throws(RPCError) -> PushCommand {
        switch order {
        case .restart: return .reboot
        case .unlock: return .unlock
        case .removeUser(let id): return .deleteUser(pin: id)
        case .enrol(let id, let finger): return .enrolFinger(pin: id, finger: finger)
        case .write(let user):
            guard user.password == nil, user.disabled == nil else {
                throw RPCError(
                    .failedPrecondition,
                    "a terminal that pushes takes no password, and disables nobody, by command",
                    command: .notSent)
            }
            return .updateUser(
                pin: user.userID, name: user.name ?? "",
                privilege: UInt32(clamping: user.role?.rawValue ?? 0),
                card: UInt64(user.card ?? 0), group: "\(max(user.group ?? 1, 1))")
        }
    }

    private static func failure(_ error: PushCommandError) -> RPCError {
        let (code, certainty): (RPCError.Code, CommandCertainty) =
            switch error {
            case .invalid: (.invalidArgument, .notSent)
            case .unsupported: (.failedPrecondition, .notSent)
            case .unknownTerminal: (.unavailable, .notSent)
            case .full: (.resourceExhausted, .notSent)
            case .timedOut(let wasDelivered):
                (.deadlineExceeded, wasDelivered ? .maybeDone : .notSent)
            case .cancelled(let wasDelivered): (.cancelled, wasDelivered ? .maybeDone : .notSent)
            }
        return RPCError(code, "\(certainty.words): \(error)", command: certainty)
    }
}
