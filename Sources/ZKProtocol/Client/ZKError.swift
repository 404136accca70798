/// Why something with a device failed: which device, at what, and the cause.
public struct ZKError: Error, Sendable, Hashable {
    public enum Code: String, Sendable {
        /// No connection came about.
        case unreachable
        /// The device did not answer in time.
        case timedOut
        /// The device closed the connection, or it broke.
        case closed
        /// The device has given its session to somebody else, or has restarted.
        case sessionLost
        /// The device asks for a comm key and none is configured.
        case keyRequired
        case keyWrong
        /// Too many wrong keys: the device refuses any for a while.
        case locked
        /// The firmware speaks only the encrypted form of the protocol.
        case encryptedFirmware
        /// The device answered with an error.
        case refused
        /// The device sent bytes that do not follow the protocol.
        case malformed
        /// More bytes were announced than the limit allows.
        case tooLarge
        /// What was read does not add up to what the device says it has.
        case incomplete
        /// What was to be written does not fit the device; nothing was sent.
        case unfit
        case cancelled
    }

    public var code: Code
    /// The device's address.
    public var device: String
    /// The command that failed; nil while connecting.
    public var command: Command?
    public var cause: String

    public init(_ code: Code, device: String, command: Command?, _ cause: String) {
        self.code = code
        self.device = device
        self.command = command
        self.cause = cause
    }
}

extension ZKError: CustomStringConvertible {
    public var description: String {
        if let command { return "device \(device): \(command): \(cause)" }
        return "device \(device): \(cause)"
    }
}
