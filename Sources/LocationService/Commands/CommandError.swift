import MeshAPI
import RPCRuntime
import Transport
import ZKProtocol

extension RPCError {
    /// A command that failed, with what is known of it for programs.
    init(
        _ code: Code, _ message: String, command certainty: CommandCertainty, audit: UInt64 = 0,
        nextAttempt: Timestamp? = nil
    ) {
        self.init(code, message)
        details = [
            ErrorDetail(
                CommandFailure(certainty: certainty, audit: audit, nextAttempt: nextAttempt))
        ]
    }

    /// What it says of its command; unspecified where it is not about one.
    var command: CommandFailure {
        do throws(DecodingFailure) {
            return try detail(CommandFailure.self) ?? CommandFailure()
        } catch {
            return CommandFailure()
        }
    }

    /// An error of whatever a command did, from the view of who asked for it.
    init(_ error: any Error, _ certainty: CommandCertainty, audit: UInt64) {
        switch error {
        case let error as RPCError:
            self = error
            var failure = error.command
            if failure.certainty == .unspecified { failure.certainty = certainty }
            failure.audit = audit
            details = error.details.filter { $0.typeName != CommandFailure.typeName }
            details.append(ErrorDetail(failure))
        case let error as ZKError:
            self.init(
                Self.code(of: error), "\(certainty.words): \(error)", command: certainty,
                audit: audit)
        case let error as StoreError:
            self.init(
                .unavailable, "\(certainty.words): the location's store failed: \(error)",
                command: certainty, audit: audit)
        case let error as TransportError where error.code != .cancelled:
            self.init(
                .unavailable, "\(certainty.words): \(error.message)", command: certainty,
                audit: audit)
        case is CancellationError, is TransportError:
            self.init(
                .cancelled, "\(certainty.words): the call is over", command: certainty,
                audit: audit)
        default:
            self.init(.internal, "\(certainty.words): \(error)", command: certainty, audit: audit)
        }
    }

    private static func code(of error: ZKError) -> Code {
        switch error.code {
        case .refused: .failedPrecondition
        case .keyRequired, .keyWrong, .locked, .encryptedFirmware: .failedPrecondition
        case .malformed, .tooLarge, .incomplete: .dataLoss
        case .cancelled: .cancelled
        default: .unavailable
        }
    }
}

extension CommandCertainty {
    /// How messages begin.
    var words: String {
        switch self {
        case .notSent: "not sent"
        case .refused: "the terminal refuses"
        case .maybeDone: "maybe done"
        case .done: "done"
        case .unspecified, .unrecognized: "unknown"
        }
    }
}

/// What is known of a terminal with which no session is open.
struct Absence: Sendable {
    var device: String
    /// Why there is none.
    var cause: String
    var nextAttempt: Timestamp?

    var error: RPCError {
        let next = nextAttempt.map { "; it is tried again at \($0)" } ?? ""
        return RPCError(
            .unavailable, "not sent: `\(device)` is not online: \(cause)\(next)",
            command: .notSent, nextAttempt: nextAttempt)
    }
}
