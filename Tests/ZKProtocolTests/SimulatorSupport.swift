import Synchronization
import Testing
import Transport
import ZKProtocol

@testable import zk_simulator

/// Runs a simulator on a free port of this machine for as long as `body` runs.
func withSimulator<Result>(
    _ device: Device, faults: FaultEngine = FaultEngine(seed: 1),
    now: @escaping @Sendable () -> Now = { .test },
    _ body: (Simulator, EventLoop) async throws -> Result
) async throws -> Result {
    let loop = EventLoop(name: "test")
    defer { loop.shutdown() }
    let simulator = try Simulator(
        device, at: SocketAddress(host: "127.0.0.1", port: 0), on: loop, faults: faults, now: now)
    let serving = Task(executorPreference: loop) { await simulator.run() }
    do {
        let result = try await body(simulator, loop)
        serving.cancel()
        await serving.value
        return result
    } catch {
        serving.cancel()
        await serving.value
        throw error
    }
}

extension Now {
    /// 2026-03-02T08:00:00, at a place where that is also the wall time.
    static let test = Now(trueTime: 1_772_438_400_000, placeTime: 1_772_438_400_000)
}

extension Device {
    /// A device with people and a log that follow from a seed.
    static func made(
        seed: UInt64 = 7, users: Int, records: Int, _ change: (inout DeviceModel) -> Void = { _ in }
    ) throws -> Device {
        var model = DeviceModel()
        change(&model)
        let population = Population(seed: seed, users: users)
        let log = try #require(population.log(records: records, lastDay: 20_453))
        return Device(model: model, users: population.users, log: log)
    }
}

extension ZKClient.Options {
    static var test: ZKClient.Options {
        let clock = ContinuousClock()
        return ZKClient.Options(now: { clock.now })
    }
}

/// Connects to a simulator and takes leave of it.
func withClient<Result>(
    _ simulator: Simulator, _ loop: EventLoop, over transport: ZKTransport = .tcp,
    commKey: UInt32? = nil, options: ZKClient.Options = .test,
    _ body: (ZKClient) async throws -> Result
) async throws -> Result {
    try await withZKClient(
        to: simulator.address, over: transport, commKey: commKey, on: loop, options: options, body)
}

/// What a device on a script does with a packet.
enum Step: Sendable {
    case packet(Packet)
    case bytes([UInt8])
    case close
}

/// Runs a device that answers each packet as `script` says, for as long as `body` runs.
func withScriptedDevice<Result>(
    _ script: @escaping @Sendable (Packet) -> [Step],
    _ body: (SocketAddress, EventLoop) async throws -> Result
) async throws -> Result {
    let loop = EventLoop(name: "scripted")
    defer { loop.shutdown() }
    let listener = try Listener.bind(
        to: SocketAddress(host: "127.0.0.1", port: 0), on: loop)
    let serving = Task(executorPreference: loop) {
        while let stream = try? await listener.accept() {
            await follow(script, stream)
            stream.close()
        }
        listener.close()
    }
    do {
        let result = try await body(listener.localAddress, loop)
        serving.cancel()
        await serving.value
        return result
    } catch {
        serving.cancel()
        await serving.value
        throw error
    }
}

private func follow(_ script: (Packet) -> [Step], _ stream: ByteStream) async {
    var reader = FrameReader(bytesMax: Frame.bytesMax)
    do {
        while true {
            let bytes = try await stream.read()
            if bytes.isEmpty { return }
            reader.append(bytes)
            while let packet = try reader.next() {
                for step in script(packet) {
                    switch step {
                    case .packet(let answer): try await stream.write(answer.frame())
                    case .bytes(let bytes): try await stream.write(bytes)
                    case .close: return
                    }
                }
            }
        }
    } catch {
        // The client is gone.
    }
}

/// Counts, from any thread.
final class Counter: Sendable {
    private let count = Lock(0)
    var value: Int { count.withLock { $0 } }
    @discardableResult
    func increment() -> Int {
        count.withLock {
            $0 += 1
            return $0
        }
    }
}
