import Transport
import ZKProtocol

/// Why a session with a device ended.
enum SessionError: Error, Sendable, CustomStringConvertible {
    case device(ZKError)
    case store(StoreError)
    /// The address cannot be found.
    case address(TransportError)
    /// The terminal is not the one that the configuration means.
    case wrongDevice(String)
    /// The terminal at the address has another serial number than the one that is meant.
    case foreign(String)
    case cancelled

    init(_ error: any Error) {
        switch error {
        case let error as SessionError: self = error
        case let error as ZKError: self = error.code == .cancelled ? .cancelled : .device(error)
        case let error as StoreError: self = .store(error)
        case let error as TransportError:
            self = error.code == .cancelled ? .cancelled : .address(error)
        default: self = .wrongDevice(String(describing: error))
        }
    }

    var description: String {
        switch self {
        case .device(let error): error.description
        case .store(let error): error.description
        case .address(let error): error.description
        case .wrongDevice(let why), .foreign(let why): why
        case .cancelled: "cancelled"
        }
    }
}
