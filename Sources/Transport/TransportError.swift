import Glibc

/// Why I/O failed.
public struct TransportError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What a program may decide by.
    public enum Code: String, Sendable {
        case refused, unreachable, timedOut, closed, reset, tls, cancelled
        case addressInUse, invalidAddress, system
    }

    public var code: Code
    /// A sentence that names the address and the cause.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}

extension TransportError {
    /// The error of a failed system call: `what` says which, on what.
    init(errno number: Int32, _ what: String) {
        let code: Code =
            switch number {
            case ECONNREFUSED: .refused
            case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN: .unreachable
            case ETIMEDOUT: .timedOut
            case ECONNRESET, EPIPE, ECONNABORTED: .reset
            case EADDRINUSE: .addressInUse
            default: .system
            }
        self.init(code, "\(what): \(Self.text(errno: number))")
    }

    /// `No such file or directory`.
    static func text(errno number: Int32) -> String {
        // Safe because strerror's text is copied before anything else can overwrite it on
        // this thread; glibc keeps it per thread.
        unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    }
}
