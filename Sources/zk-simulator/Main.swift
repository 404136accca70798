import Foundation
import ServiceKit
import Transport
import ZKProtocol

@main
enum Program {
    static func main() async {
        let line = Terminal.invocation(of: Options.command)
        let options: Options
        do throws(UsageError) {
            options = try Options(line, now: Date())
        } catch {
            Terminal.usage(error, of: Options.command)
        }
        let signals = Signal.stream(of: [.terminate, .interrupt, .user1])
        do {
            try await run(options, signals)
        } catch {
            Terminal.end(.failed, "zk-simulator: \(error)")
        }
        Terminal.end(.ok)
    }

    private static func run(_ options: Options, _ signals: AsyncStream<Signal>) async throws {
        let now = clock(in: options.zone)
        var device = try makeDevice(options, now())
        let file = try options.stateFile.map { path in
            try StateFile(path, users: device.users, log: device.log)
        }
        device.gathersChanges = file != nil
        let loop = EventLoop(name: "simulator")
        let (host, port) = try SocketAddress.split(options.listen)
        let found = try await SocketAddress.resolve(
            host, port: port, on: loop, timeout: .seconds(10))
        guard let address = found.first else {
            throw TransportError(.invalidAddress, "\(options.listen) has no address")
        }
        let simulator = try Simulator(
            device, at: address, on: loop, faults: FaultEngine(seed: options.seed), now: now,
            keep: { file?.append($0) })
        for fault in options.faults { simulator.add(fault) }
        Terminal.print("READY \(simulator.address)\nSERIAL \(device.model.serial)\n")
        let push = try await options.push?.client(simulator, on: loop, now: now)
        let console = Console(simulator, dumpFile: options.dumpFile)
        await withTaskGroup { group in
            group.addTask(executorPreference: loop) { await simulator.run() }
            group.addTask {
                var live = LivePunches(
                    perSecond: options.liveRate, until: options.liveUntil, seed: options.seed)
                _ = await live.run(simulator, on: loop)
                if options.liveUntil != nil, !Task.isCancelled {
                    Terminal.print("DONE \(simulator.device.log.count)\n")
                }
            }
            group.addTask { await console.run() }
            if let scenario = options.scenario {
                group.addTask { await scenario.run(console, on: loop) }
            }
            if let push { group.addTask(executorPreference: loop) { await push.run() } }
            for await signal in signals {
                guard signal == .user1 else { break }
                console.dump()
            }
            group.cancelAll()
        }
        console.dump()
        loop.shutdown()
    }

    private static func makeDevice(_ options: Options, _ now: Now) throws -> Device {
        let clock = DeviceClock(
            aheadMilliseconds: Int64(options.clockAheadSeconds) * 1000,
            driftPPM: Int64(options.driftPPM), trueTime: now.trueTime)
        if let path = options.stateFile, let (users, log) = try StateFile.load(path) {
            return Device(model: options.model, users: users, log: log, clock: clock)
        }
        let population = Population(seed: options.seed, users: options.users)
        let log: [AttendanceRecord]
        switch options.history {
        case .days(let days): log = population.log(days: days, lastDay: options.lastDay)
        case .records(let count):
            guard let records = population.log(records: count, lastDay: options.lastDay) else {
                throw UsageError(
                    "\(options.users) users do not make \(count) records since 2001: raise --users")
            }
            log = records
        }
        return Device(model: options.model, users: population.users, log: log, clock: clock)
    }

    /// True time and what right clocks in `zone` show.
    private static func clock(in zone: TimeZone) -> @Sendable () -> Now {
        {
            let date = Date()
            let milliseconds = Int64(date.timeIntervalSince1970 * 1000)
            return Now(
                trueTime: milliseconds,
                placeTime: milliseconds + Int64(zone.secondsFromGMT(for: date)) * 1000)
        }
    }
}
