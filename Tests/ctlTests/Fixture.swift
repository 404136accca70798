import Foundation
import MeshAPI
import RPCRuntime
import RPCServices
import ServiceKit
import Synchronization
import TestSupport
import Testing
import Transport

@testable import ctl

/// What a run of `ctl` printed, and how it ended.
struct Run {
    var exitCode: Terminal.ExitCode
    var output: String
    var errors: String
}

/// Collects what a run prints.
final class Screen: Sendable {
    private let text = Lock((output: "", errors: ""))
    /// Output beyond this is refused, as a pipe does whose reader has gone away.
    let outputMax: Int
    /// Called after each write to standard output.
    let onOutput: @Sendable (String) -> Void

    init(outputMax: Int = .max, onOutput: @escaping @Sendable (String) -> Void = { _ in }) {
        self.outputMax = outputMax
        self.onOutput = onOutput
    }

    func write(_ piece: String, _ stream: Terminal.Stream) -> Bool {
        let output = text.withLock { text -> String? in
            switch stream {
            case .standardError: text.errors += piece
            case .standardOutput:
                if text.output.utf8.count >= outputMax { return nil }
                text.output += piece
            }
            return text.output
        }
        guard let output else { return false }
        if stream == .standardOutput { onOutput(output) }
        return true
    }

    var output: String { text.withLock { $0.output } }
    var errors: String { text.withLock { $0.errors } }
}

/// 2026-03-01T18:00:00Z, a Sunday.
let noon = Timestamp("2026-03-01T18:00:00Z") ?? Timestamp()

func instant(_ text: String) throws -> Timestamp { try #require(Timestamp(text)) }

/// Runs `ctl` with a screen of its own.
func runCtl(
    _ arguments: [String], environment: [String: String] = [:], isTerminal: Bool = false,
    input: String = "", screen: Screen = Screen()
) async -> Run {
    let surroundings = Surroundings(
        environment: environment, isTerminal: isTerminal, now: { noon }, random: { 0 },
        read: { input },
        write: { screen.write($0, $1) })
    let code = await Ctl.run(arguments, surroundings)
    return Run(exitCode: code, output: screen.output, errors: screen.errors)
}

/// Certificates of one CA for all tests.
enum Shared {
    static let certificates = Result {
        try Certificates(
            ["gateway/main", "ctl/alice", "location/cairo"], expired: ["ctl/expired"])
    }
    static let strangers = Result { try Certificates(["ctl/alice"]) }
}

/// A gateway that answers as it is told.
final class ScriptedGateway: Sendable {
    let fleet: ScriptedFleet
    let address: String
    private let loop: EventLoop
    private let server: RPCServer

    init(_ fleet: ScriptedFleet) async throws {
        self.fleet = fleet
        loop = EventLoop(name: "gateway")
        let certificates = try Shared.certificates.get()
        let tls = try TLSContext.mutual(
            certificate: certificates.certificate("gateway/main"),
            key: certificates.key("gateway/main"), ca: certificates.ca,
            trustDomain: "biometricflow", peerRoles: ["location", "ctl"], isServer: true)
        let served = [Fleet.descriptor, Introspection.descriptor, Echo.descriptor]
        let introspection = IntrospectionService(services: served)
        server = RPCServer(
            tls: tls, loop: loop,
            services: [
                Fleet.handlers(fleet), Introspection.handlers(introspection),
                Echo.handlers(EchoHandler()),
                Reflection.handlers(ReflectionService(served)),
            ])
        introspection.observe(server)
        address = try server.listen(on: try SocketAddress(host: "127.0.0.1", port: 0)).description
    }

    deinit { loop.shutdown() }

    /// Breaks every link.
    func cut() {
        for connection in server.connections { connection.close() }
    }

    /// The flags that lead here.
    func flags(as identity: String = "ctl/alice") throws -> [String] {
        let certificates = try Shared.certificates.get()
        return [
            "--gateway", address, "--ca", certificates.ca, "--cert",
            certificates.certificate(identity), "--key", certificates.key(identity),
        ]
    }

    func run(
        _ arguments: [String], as identity: String = "ctl/alice", isTerminal: Bool = false,
        environment: [String: String] = [:], input: String = "", screen: Screen = Screen()
    ) async throws -> Run {
        await runCtl(
            arguments + (try flags(as: identity)), environment: environment,
            isTerminal: isTerminal, input: input, screen: screen)
    }

    /// The same as ``flags(as:)`` in variables.
    var environment: [String: String] {
        get throws {
            let flags = try flags()
            return [
                "CTL_GATEWAY": flags[1], "CTL_CA": flags[3], "CTL_CERT": flags[5],
                "CTL_KEY": flags[7],
            ]
        }
    }
}

/// Answers from values; what was asked is kept.
final class ScriptedFleet: Fleet.Service {
    struct Script: Sendable {
        var locations = LocationList()
        var devices = DeviceList()
        /// Pages of punches, one a call; the cursor of a page is its index.
        var pages: [PunchPage] = []
        /// What each call to tail brings; the last call stays open.
        var tails: [[PunchPage]] = []
        /// Whether the calls before it end as those of a draining gateway do, or stay open too.
        var drainsTails = true
        /// Whether lists of keys never come.
        var isSilent = false
        var findings: [Finding] = []
        var keys: [KeyInfo] = []
        var failure: RPCError?
        var queries: [PunchQuery] = []
    }

    let script: Lock<Script>

    init(_ script: Script) { self.script = Lock(script) }

    var queries: [PunchQuery] { script.withLock { $0.queries } }

    private func read<Value: Sendable>(_ path: @Sendable (Script) -> Value) throws(RPCError)
        -> Value
    {
        let (failure, value) = script.withLock { ($0.failure, path($0)) }
        if let failure { throw failure }
        return value
    }

    func listLocations(_ request: ListLocations, _ call: ServerCall) async throws(RPCError)
        -> LocationList
    { try read { $0.locations } }

    func listDevices(_ request: ListDevices, _ call: ServerCall) async throws(RPCError)
        -> DeviceList
    { try read { $0.devices } }

    func listPunches(_ request: PunchQuery, _ call: ServerCall) async throws(RPCError)
        -> PunchPage
    {
        script.withLock { $0.queries.append(request) }
        let index = Int(request.cursor) ?? 0
        return try read { $0.pages[index] }
    }

    func tailPunches(
        _ request: PunchQuery, to responses: MessageWriter<PunchPage>, _ call: ServerCall
    ) async throws(RPCError) {
        let (pages, staysOpen) = script.withLock { script in
            script.queries.append(request)
            let index = script.queries.count - 1
            return (script.tails[index], index == script.tails.count - 1 || !script.drainsTails)
        }
        if let failure = script.withLock({ $0.failure }) { throw failure }
        for page in pages { try await responses.write(page) }
        guard staysOpen else { throw RPCError(.unavailable, "draining") }
        while !Task.isCancelled {
            // A heartbeat, as the gateway sends them.
            do throws(TransportError) {
                try await call.connection.loop.sleep(for: .milliseconds(20))
            } catch { break }
            try await responses.write(PunchPage(nextCursor: "end", complete: true))
        }
    }

    func createKey(_ request: CreateKey, _ call: ServerCall) async throws(RPCError) -> CreatedKey {
        let key = KeyInfo(
            id: "3f9c2ab1", name: request.name, createdAt: noon, createdBy: call.peer.description)
        return try read { _ in CreatedKey(key: key, token: "zkk_3f9c2ab1_secret") }
    }

    func listKeys(_ request: ListKeys, _ call: ServerCall) async throws(RPCError) -> KeyList {
        if script.withLock({ $0.isSilent }) {
            do throws(TransportError) {
                try await call.connection.loop.sleep(for: .seconds(3600))
            } catch { throw RPCError(.cancelled, error.message) }
        }
        return try read { KeyList(keys: $0.keys) }
    }

    func revokeKey(_ request: RevokeKey, _ call: ServerCall) async throws(RPCError) -> KeyInfo {
        let found = try read { $0.keys.first { $0.id == request.id } }
        guard var found else {
            throw RPCError(.notFound, "no API key has the id \(request.id)")
        }
        found.revokedAt = noon
        return found
    }

    func check(_ request: CheckRequest, _ call: ServerCall) async throws(RPCError) -> CheckReport {
        try read { CheckReport(findings: $0.findings) }
    }
}
