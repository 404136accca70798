import MeshAPI
import RPCRuntime

/// Terminals that push by themselves: commands to them wait in a queue that they fetch.
protocol PushTerminals: Sendable {
    /// Lets the terminal deliver from now on, under a name.
    func approve(serial: String, name: String, by requester: Requester) async throws(RPCError)

    /// Whether the terminal of this name or serial number is one that pushes.
    func owns(_ device: String) -> Bool

    /// Has the terminal do what it can by itself; returns when it has answered.
    ///
    /// Called with the audit record already written.
    func perform(_ command: PushCommand, on device: String) async throws(RPCError)
}

/// What a terminal that pushes can be told to do.
enum PushCommand: Sendable {
    case restart
    case unlock(seconds: UInt32)
    case write(UserSpec)
    case removeUser(String)
    case enrol(userID: String, finger: UInt32)
}

/// A location without a receiver for them.
struct NoPushTerminals: PushTerminals {
    func approve(serial: String, name: String, by requester: Requester) async throws(RPCError) {
        throw RPCError(
            .failedPrecondition, "this location has no receiver for terminals that push",
            command: .notSent)
    }

    func owns(_ device: String) -> Bool { false }

    func perform(_ command: PushCommand, on device: String) async throws(RPCError) {
        throw RPCError(
            .failedPrecondition, "this location has no receiver for terminals that push",
            command: .notSent)
    }
}
