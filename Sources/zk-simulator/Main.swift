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
        let loop = EventLoop(name: "simulator")
        let simulators = try await makeSimulators(options, on: loop, now: now)
        guard let first = simulators.first else { return }
        if simulators.count == 1 {
            Terminal.print("READY \(first.address)\nSERIAL \(first.device.model.serial)\n")
        } else {
            // One write, so that a reader finds all of it.
            let lines = simulators.map { "DEVICE \($0.address) \($0.device.model.serial)\n" }
            Terminal.print("\(lines.joined())READY \(simulators.count) devices\n")
        }
        let push = try await options.push?.client(first, on: loop, now: now)
        let rate = LiveRate(options.liveRate)
        let console = Console(simulators, rate: rate, dumpFile: options.dumpFile)
        await withTaskGroup { group in
            for simulator in simulators {
                group.addTask(executorPreference: loop) { await simulator.run() }
            }
            group.addTask {
                var live = LivePunches(rate, until: options.liveUntil, seed: options.seed)
                _ = await live.run(simulators, on: loop)
                if options.liveUntil != nil, !Task.isCancelled {
                    let count = simulators.reduce(0) { $0 + $1.device.rowCount }
                    Terminal.print("DONE \(count)\n")
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

    /// The devices, each of them listening.
    private static func makeSimulators(
        _ options: Options, on loop: EventLoop, now: @escaping @Sendable () -> Now
    ) async throws -> [Simulator] {
        let (host, port) = try SocketAddress.split(options.listen)
        let found = try await SocketAddress.resolve(
            host, port: port, on: loop, timeout: .seconds(10))
        guard var address = found.first else {
            throw TransportError(.invalidAddress, "\(options.listen) has no address")
        }
        let people = Population(seed: options.seed, users: options.users)
        let trace = try options.traceFile.map { path in try TraceFile(path) }
        var simulators: [Simulator] = []
        for number in 0..<options.fleet {
            var device = try makeDevice(options, number, people, now())
            let file = try options.stateFile.map { path in
                try StateFile(path, users: device.users, log: device.log)
            }
            device.gathersChanges = file != nil || trace != nil
            let serial = device.model.serial
            if number > 0 { address = try address.next() }
            let simulator = try Simulator(
                device, at: address, on: loop,
                faults: FaultEngine(seed: options.seed &+ UInt64(number)), now: now,
                keep: { changes in
                    file?.append(changes)
                    trace?.append(changes, of: serial, at: now())
                })
            for fault in options.faults { simulator.add(fault) }
            simulators.append(simulator)
        }
        return simulators
    }

    private static func makeDevice(
        _ options: Options, _ number: Int, _ people: Population, _ now: Now
    ) throws -> Device {
        let clock = DeviceClock(
            aheadMilliseconds: Int64(options.clockAheadSeconds) * 1000,
            driftPPM: Int64(options.driftPPM), trueTime: now.trueTime)
        if let path = options.stateFile, let (users, log) = try StateFile.load(path) {
            return Device(model: options.model, users: users, log: log, clock: clock)
        }
        var model = options.model
        if number > 0 {
            (model.serial, model.mac) = Options.identity(seed: options.seed &+ UInt64(number))
        }
        switch options.history {
        case .days(let days):
            return Device(
                model: model, users: people.users,
                log: people.log(days: days, lastDay: options.lastDay), clock: clock)
        case .derived(let count):
            let history = DerivedHistory(
                seed: options.seed &+ UInt64(number), count: count, users: people.users,
                lastDay: options.lastDay)
            return Device(model: model, users: people.users, history: history, clock: clock)
        case .records(let count):
            guard let records = people.log(records: count, lastDay: options.lastDay) else {
                throw UsageError(
                    "\(options.users) users do not make \(count) records since 2001: raise --users")
            }
            return Device(model: model, users: people.users, log: records, clock: clock)
        }
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
