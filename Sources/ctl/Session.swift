import MeshAPI
import RPCRuntime
import ServiceKit
import Transport

/// One run of a command: what was asked for, where answers go, and the way to the gateway.
struct Session: Sendable {
    let invocation: Invocation
    let output: Output
    let settings: Settings
    let surroundings: Surroundings
    let tls: TLSContext
    let loop: EventLoop

    /// Reads the certificates.
    static func tls(
        _ settings: Settings, _ invocation: Invocation
    ) throws(Failure) -> TLSContext {
        let role = invocation.value("--peer-role") ?? "gateway"
        do throws(TransportError) {
            return try TLSContext.mutual(
                certificate: settings.certificate, key: settings.key, ca: settings.ca,
                trustDomain: settings.trustDomain, peerRoles: [role], isServer: false)
        } catch {
            throw .certificates(error.message, hint: "--ca, --cert and --key name PEM files")
        }
    }

    /// Opens the link to the gateway.
    func dial() async throws(Failure) -> RPCConnection {
        var options = RPCOptions()
        options.agent = "ctl \(Terminal.version)"
        if let timeout = settings.timeout { options.connectTimeout = timeout }
        do throws(RPCError) {
            return try await RPCDialler(
                address: settings.gateway, tls: tls, loop: loop, options: options
            ).connect()
        } catch {
            throw .dial(error, settings.gateway)
        }
    }

    /// Asks the gateway one thing on a link of its own.
    func withFleet<Result>(
        _ body: (Fleet.Client) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let connection = try await dial()
        defer { connection.close() }
        return try await body(Fleet.Client(connection))
    }

    /// Makes a call; `stage` says what it is for, as "listing punches".
    func call<Result>(
        _ stage: String, _ body: (CallOptions) async throws(RPCError) -> Result
    ) async throws(Failure) -> Result {
        do throws(RPCError) {
            return try await body(CallOptions(timeout: settings.timeout))
        } catch {
            throw .call(error, stage, settings.gateway)
        }
    }

    /// The zones of the locations, where times are shown or read in them.
    func times(_ fleet: Fleet.Client, isNeeded: Bool = false) async throws(Failure) -> Times {
        let isUTC = invocation.flag("--utc")
        if isUTC || (output.format == .json && !isNeeded) { return Times(isUTC: isUTC) }
        let list = try await call("listing locations") { options throws(RPCError) in
            try await fleet.listLocations(ListLocations(), options)
        }
        return Times(isUTC: false, zones: list.zones)
    }

    /// Warns of what is missing from an answer; the exit code that says so.
    func conclude(
        complete: Bool, _ sources: [Source], to: Timestamp? = nil, asOf: Timestamp, _ times: Times
    ) -> Terminal.ExitCode {
        for warning in warnings(complete: complete, sources, to: to, asOf: asOf, times) {
            output.note(warning)
        }
        return complete ? .ok : .incomplete
    }
}

extension LocationList {
    /// The IANA zone of each location.
    var zones: [String: String] {
        Dictionary(data.map { ($0.name, $0.zone) }) { first, _ in first }
    }
}
