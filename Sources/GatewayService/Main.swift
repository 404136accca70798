import Foundation
import RPCRuntime
import ServiceKit
import Transport

@main enum Program {
    static func main() async {
        let command = Terminal.service(
            "GatewayService",
            summary: "Follows the logs of all locations and serves them to people and programs.",
            prefix: GatewayConfiguration.prefix)
        let invocation = Terminal.invocation(of: command)
        if invocation.flag("--version") {
            Terminal.print(Terminal.version + "\n")
            return
        }
        do {
            let configuration = try GatewayConfiguration(
                file: invocation.value("--config"),
                environment: ProcessInfo.processInfo.environment)
            if invocation.flag("--check-config") {
                try configuration.checkSecrets()
                Terminal.print("\(configuration.origin): no mistakes\n")
                return
            }
            try await serve(configuration)
        } catch {
            Terminal.end(.failed, "GatewayService: \(error)")
        }
    }

    private static func serve(_ configuration: GatewayConfiguration) async throws {
        let signals = Signal.stream(of: [.terminate, .interrupt, .hangup])
        let log = Logger(
            level: configuration.logLevel, format: configuration.logFormat,
            now: {
                let now = wallClock()
                return (now.seconds, now.nanoseconds)
            })
        let clock = ContinuousClock()
        let start = clock.now
        let gateway = try await Gateway(
            configuration,
            GatewaySurroundings(
                now: wallClock, uptime: { start.duration(to: clock.now) },
                random: { Crypto.randomBytes($0) }),
            log: log)
        async let serving: Void = gateway.run()
        for await signal in signals {
            if signal == .hangup {
                gateway.reloadCertificates()
                continue
            }
            log.info("stopping", ["signal": signal.description])
            break
        }
        await gateway.shutdown()
        await serving
        gateway.close()
    }

    private static func wallClock() -> Timestamp {
        let microseconds = Date().timeIntervalSince1970 * 1_000_000
        return Timestamp(microseconds: Int64(microseconds))
    }
}
