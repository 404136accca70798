import ServiceKit
import Transport

/// What the command line says of pushing.
struct PushOptions {
    /// `HOST:PORT` of the server.
    var server: String
    var dialect: PushSetup.Dialect
    var interval: Int
    var takesClock: Bool

    static let options = [
        CommandOption(
            "--push", value: "URL",
            help: "Uploads its log to this server, http://HOST:PORT, besides listening."),
        CommandOption(
            "--push-dialect", value: "NAME",
            help: "Attendance or access firmware: `att` or `acc` (att).",
            choices: ["att", "acc"]),
        CommandOption(
            "--push-interval", value: "SECONDS",
            help: "Seconds between uploads; 0 uploads each punch at once (0)."),
        CommandOption(
            "--push-clock", help: "Takes its clock from the server's Date header."),
    ]

    /// Nil without `--push`.
    init?(_ line: Invocation) throws(UsageError) {
        guard let url = line.value("--push") else {
            for name in ["--push-dialect", "--push-interval"] where line.value(name) != nil {
                throw UsageError("\(name) needs --push")
            }
            return nil
        }
        guard url.hasPrefix("http://") else {
            throw UsageError("--push is `\(url)`; wanted is http://HOST:PORT")
        }
        server = String(url.dropFirst(7).prefix { $0 != "/" })
        dialect = PushSetup.Dialect(rawValue: line.value("--push-dialect") ?? "att") ?? .attendance
        interval = try line.integer("--push-interval", default: 0, in: 0...86_400)
        takesClock = line.flag("--push-clock")
    }

    /// A client for this simulator.
    func client(
        _ simulator: Simulator, on loop: EventLoop, now: @escaping @Sendable () -> Now
    ) async throws(TransportError) -> PushClient {
        let (host, port) = try SocketAddress.split(server)
        let found = try await SocketAddress.resolve(
            host, port: port, on: loop, timeout: .seconds(10))
        guard let address = found.first else {
            throw TransportError(.invalidAddress, "\(server) has no address")
        }
        var setup = PushSetup(server: address)
        setup.dialect = dialect
        setup.interval = interval
        setup.takesClock = takesClock
        return PushClient(simulator, setup, on: loop, now: now)
    }
}
