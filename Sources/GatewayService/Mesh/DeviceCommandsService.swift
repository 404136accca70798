import MeshAPI
import RPCRuntime
import ServiceKit
import Transport

/// Commands of operators to terminals, passed on over the link of the location that has them.
///
/// The location does them and writes them down; the gateway says who asked. What is left of the
/// call's time goes along, and a call that ends here ends there.
struct DeviceCommandsService: Devices.Service {
    let links: LinkTable
    let now: @Sendable () -> Timestamp
    let log: Logger

    /// Where the location finds who asked.
    private static let principalKey = "on-behalf-of"

    /// What goes before the request.
    private func options(_ call: ServerCall) -> CallOptions {
        var options = CallOptions()
        // New metadata: what the operator sent does not travel on.
        var metadata = Metadata()
        metadata.append(Self.principalKey, text: call.peer.description)
        options.metadata = metadata
        return options
    }

    /// The location's end of its link.
    private func client(_ location: String) throws(RPCError) -> Devices.Client {
        func refused(_ code: RPCError.Code, _ why: String) -> RPCError {
            RPCError(code, "not sent: \(why)").with(detail: CommandFailure(certainty: .notSent))
        }
        guard !location.isEmpty else { throw refused(.invalidArgument, "no location is named") }
        let view = links.snapshot(at: now())[location]
        guard let link = links.followed[location], let client = link.devices else {
            let seen = view.lastContact.map { "; last seen \($0)" } ?? ""
            throw refused(
                .unavailable, "the location \(location) is not linked: \(view.cause)\(seen)")
        }
        guard view.state != .conflict else {
            throw refused(.failedPrecondition, view.cause)
        }
        return client
    }

    /// Passes one call on.
    func pass<Response>(
        _ location: String, _ call: ServerCall, _ command: String,
        _ body: (Devices.Client, CallOptions) async throws(RPCError) -> Response
    ) async throws(RPCError) -> Response {
        let client = try client(location)
        do throws(RPCError) {
            return try await body(client, options(call))
        } catch {
            log.info(
                "command failed",
                [
                    "command": command, "location": location, "by": call.peer.description,
                    "cause": error.message,
                ])
            throw Self.told(error)
        }
    }

    /// Passes one call on whose answers come one after the other.
    func relay<Response: Message>(
        _ location: String, _ call: ServerCall, _ command: String,
        _ responses: MessageWriter<Response>,
        _ body: (
            Devices.Client, CallOptions, (MessageStream<Response>) async throws(RPCError) -> Void
        ) async throws(RPCError) -> Void
    ) async throws(RPCError) {
        try await pass(location, call, command) { client, options throws(RPCError) in
            try await body(client, options) { answers throws(RPCError) in
                for try await answer in answers { try await responses.write(answer) }
            }
        }
    }

    /// What a lost link means for the command: programs find it where they look for it.
    private static func told(_ error: RPCError) -> RPCError {
        if error.details.contains(where: { $0.typeName == CommandFailure.typeName }) {
            return error
        }
        let certainty: CommandCertainty =
            switch error.certainty {
            case .notSent, .refused: .notSent
            case .maybeProcessed: .maybeDone
            case .processed: .unspecified
            }
        return error.with(detail: CommandFailure(certainty: certainty))
    }
}
