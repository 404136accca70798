import Foundation
import RPCRuntime
import ServiceKit
import Transport

/// The service of one location.
@main enum Main {
    static func main() async {
        var command = Terminal.service(
            "LocationService",
            summary: "Reads the terminals of a location and serves their log to gateways.",
            prefix: LocationConfiguration.environmentPrefix)
        command.options.append(
            CommandOption(
                "--backup", value: "PATH",
                help: "Copy the store into a new file, also while the service runs, and end."))
        command.examples.append(
            "LocationService --config config/location.json5 --backup location-copy.db")
        let line = Terminal.invocation(of: command)
        if line.flag("--version") {
            Terminal.print(Terminal.version + "\n")
            return
        }
        let signals = Signal.stream(of: [.terminate, .interrupt, .hangup])
        do throws(ConfigurationError) {
            let configuration = try LocationConfiguration.load(
                file: line.value("--config"), environment: ProcessInfo.processInfo.environment)
            if let target = line.value("--backup") { backUp(configuration.store, to: target) }
            let log = Logger(
                level: configuration.logLevel, format: configuration.logFormat, now: { now() })
            let node = try LocationNode(configuration, surroundings: surroundings, log: log)
            if line.flag("--check-config") {
                Terminal.print("\(configuration.origin) is right\n")
                return
            }
            await serve(node, signals, log)
        } catch {
            Terminal.end(.failed, "LocationService: \(error)")
        }
    }

    private static func backUp(_ store: String, to target: String) -> Never {
        do throws(StoreError) {
            try StoreBackup.make(of: store, to: target) { percent in
                if percent % 10 == 0 { Terminal.print("\(percent) %\n", to: .standardError) }
            }
        } catch {
            Terminal.end(.failed, "LocationService: no backup: \(error)")
        }
        Terminal.print("\(target) is a copy of \(store)\n")
        Terminal.end(.ok)
    }

    private static func serve(
        _ node: LocationNode, _ signals: AsyncStream<Signal>, _ log: Logger
    ) async {
        let failure = await withTaskGroup(of: StoreError?.self) { group in
            group.addTask {
                do throws(StoreError) { try await node.run() } catch { return error }
                return nil
            }
            group.addTask {
                for await signal in signals {
                    if signal == .hangup {
                        node.certificates.check(evenIfUnchanged: true)
                        continue
                    }
                    log.info("stopping", ["signal": signal])
                    break
                }
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            let second = await group.next() ?? nil
            return first ?? second
        }
        if let failure {
            log.error("the store failed", ["cause": failure])
            Terminal.end(.failed)
        }
    }

    // MARK: The world outside

    private static let surroundings = Surroundings(
        now: {
            let (seconds, nanoseconds) = now()
            return Timestamp(seconds: seconds, nanoseconds: nanoseconds) ?? Timestamp()
        },
        steady: { ContinuousClock.now }, randomBytes: { Crypto.randomBytes($0) })

    private static func now() -> (seconds: Int64, nanoseconds: Int32) {
        let interval = Date().timeIntervalSince1970
        let seconds = interval.rounded(.down)
        return (Int64(seconds), Int32((interval - seconds) * 1_000_000_000))
    }
}
