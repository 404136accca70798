import HTTP
import MeshAPI
import RPCRuntime
import ServiceKit

/// Why a command did not do what was asked, for people and for scripts.
struct Failure: Error, Sendable {
    var exitCode: Terminal.ExitCode
    /// The stable word of problem documents.
    var code: String
    /// The HTTP status that says the same.
    var status: Int
    var title: String
    /// A sentence that names peer, stage and cause.
    var message: String
    /// What to do about it.
    var hint: String?

    private init(
        _ exitCode: Terminal.ExitCode, _ code: String, _ status: Int, _ title: String,
        _ message: String, _ hint: String?
    ) {
        self.exitCode = exitCode
        self.code = code
        self.status = status
        self.title = title
        self.message = message
        self.hint = hint
    }

    /// The command line, the environment or the configuration is wrong.
    static func usage(_ message: String, hint: String? = nil) -> Failure {
        Failure(.usage, "usage", 400, "The command was not understood", message, hint)
    }

    /// The server has nothing of a name.
    static func missing(_ message: String, hint: String? = nil) -> Failure {
        Failure(.notFound, "not_found", 404, "There is nothing of that name", message, hint)
    }

    /// An answer cannot be read.
    static func answer(_ message: String) -> Failure {
        Failure(.failed, "data_loss", 500, "The answer cannot be read", message, nil)
    }

    /// Certificate, key or CA cannot be used.
    static func certificates(_ message: String, hint: String? = nil) -> Failure {
        Failure(.usage, "certificates", 400, "The certificates cannot be used", message, hint)
    }

    /// Whoever read the standard output has what they wanted, as `head` does.
    static let readerGone = Failure(.ok, "reader_gone", 200, "The reader has gone away", "", nil)

    /// Ctrl-C, or a signal to end.
    static let interrupted = Failure(.interrupted, "interrupted", 499, "Interrupted", "", nil)

    /// The question was answered with no.
    static let declined = Failure(
        .interrupted, "declined", 499, "Not done", "nothing was done", nil)

    /// What is said about it on standard error; nothing for an end that is no error.
    func text(_ format: Format) -> String {
        if message.isEmpty { return "" }
        guard format == .json else {
            var text = "ctl: \(printable(message))\n"
            if let hint { text += "hint: \(printable(hint))\n" }
            return text
        }
        var json = DocumentWriter()
        json.object { json in
            json.member("type", "about:blank")
            json.member("title", title)
            json.member("status", status)
            json.member("detail", message)
            json.member("code", code)
            json.member("hint", hint)
        }
        return String(decoding: json.bytes, as: UTF8.self) + "\n"
    }
}

extension Failure {
    /// A dial that failed; the error already says address, stage and cause.
    static func dial(_ error: RPCError, _ gateway: String) -> Failure {
        // The socket's error names the numeric address, which is news only where a name was given.
        let cause = error.message.replacing("cannot connect to \(gateway): ", with: "")
        let message = "cannot reach the gateway at \(cause)"
        if error.message.contains("TLS") {
            return Failure(
                .notAllowed, "unauthenticated", 401, "The two ends do not trust each other",
                message, "`ctl check` looks at your certificate; the gateway's log has its reason")
        }
        return Failure(
            .unreachable, "unavailable", 503, "The gateway cannot be reached", message,
            "is GatewayService running there, and is --gateway its mesh address?")
    }

    /// A call that failed.
    ///
    /// - Parameters:
    ///   - stage: What was being done, as "listing punches".
    ///   - gateway: Its address.
    static func call(_ error: RPCError, _ stage: String, _ gateway: String) -> Failure {
        let (exitCode, code, status, title) = meaning(of: error.code)
        let isAnswer = error.certainty == .processed || error.certainty == .refused
        let cause = isAnswer ? "says: \(error.message)" : "did not answer: \(error.message)"
        return Failure(
            exitCode, code, status, title, "\(stage): the gateway at \(gateway) \(cause)",
            hint(error.code))
    }

    /// A command to a terminal that failed: the same, and whether the terminal heard of it.
    static func command(_ error: RPCError, _ stage: String, _ gateway: String) -> Failure {
        var failure = call(error, stage, gateway)
        var known = CommandFailure()
        do throws(DecodingFailure) { known = try error.detail() ?? known } catch {}
        if known.certainty == .unspecified {
            // Nobody who knows the terminal has answered.
            switch error.certainty {
            case .notSent, .refused: known.certainty = .notSent
            case .maybeProcessed: known.certainty = .maybeDone
            case .processed: break
            }
        }
        if known.certainty == .maybeDone {
            failure.message += "; it may have been done"
            let record = known.audit == 0 ? "" : ", record \(known.audit)"
            failure.hint = "`ctl audit list` shows what is known of it\(record)"
        } else if error.message.contains("takes allowAdmins") {
            failure.hint = "--allow-admins allows it"
        } else if error.message.contains("asks for a comm key and none is configured") {
            failure.hint = "--comm-key-file or --comm-key-stdin has the key of its menu"
        }
        return failure
    }

    private static func hint(_ code: RPCError.Code) -> String? {
        switch code {
        case .permissionDenied: "ctl needs a certificate with the role ctl: `ctl check` shows yours"
        case .deadlineExceeded: "--timeout gives it longer"
        case .unavailable: "`ctl check` shows what is up"
        case .unimplemented: "the gateway is of another version than ctl"
        default: nil
        }
    }

    private static func meaning(
        of code: RPCError.Code
    ) -> (Terminal.ExitCode, String, Int, String) {
        switch code {
        case .cancelled: (.unreachable, "cancelled", 499, "The call was cancelled")
        case .unknown: (.failed, "unknown", 500, "The gateway failed")
        case .invalidArgument: (.conflict, "invalid_argument", 400, "The gateway refused a value")
        case .deadlineExceeded: (.unreachable, "deadline_exceeded", 504, "No answer in time")
        case .notFound: (.notFound, "not_found", 404, "There is nothing of that name")
        case .alreadyExists: (.conflict, "already_exists", 409, "It exists already")
        case .permissionDenied: (.notAllowed, "permission_denied", 403, "Not allowed")
        case .resourceExhausted: (.failed, "resource_exhausted", 429, "A limit was reached")
        case .failedPrecondition:
            (.conflict, "failed_precondition", 409, "The gateway's state does not allow it")
        case .aborted: (.conflict, "aborted", 409, "Something else came in between")
        case .outOfRange: (.conflict, "out_of_range", 400, "The gateway refused a value")
        case .unimplemented: (.failed, "unimplemented", 501, "The gateway does not know this call")
        case .internal: (.failed, "internal", 500, "The gateway failed")
        case .unavailable: (.unreachable, "unavailable", 503, "The gateway cannot be reached")
        case .dataLoss: (.failed, "data_loss", 500, "Data is lost")
        case .unauthenticated: (.notAllowed, "unauthenticated", 401, "Not allowed")
        }
    }
}
