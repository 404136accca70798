import Synchronization
import Transport

/// Latencies and CPU times of one measurement, and the line of JSON that tells them.
final class Measurement: Sendable {
    private struct State: Sendable {
        var samples: [UInt32] = []
        var calls = 0
        var extraBytes = 0
        var startedAt: UInt64 = 0
        var endedAt: UInt64 = 0
        var serverCPU: (UInt64, UInt64) = (0, 0)
        var clientCPU: (UInt64, UInt64) = (0, 0)
    }

    private let options: BenchOptions
    private let begin: UInt64
    private let end: UInt64
    private let state: Mutex<State>

    init(_ options: BenchOptions) {
        self.options = options
        begin = Self.now() + UInt64(options.warm * 1e9)
        end = begin + UInt64(options.seconds * 1e9)
        var state = State()
        state.samples.reserveCapacity(8_000_000)
        self.state = Mutex(state)
    }

    static func now() -> UInt64 { CPUClock.monotonic() }

    /// Notes a call that began at `start`; false when the measurement is over.
    func finished(_ start: UInt64, now: UInt64, _ count: Int = 1) -> Bool {
        if now < begin { return true }
        return state.withLock { state in
            if state.startedAt == 0 {
                state.startedAt = now
                state.serverCPU.0 = CPUClock.read(options.serverPID)
                state.clientCPU.0 = CPUClock.read(0)
            }
            if now >= end {
                if state.endedAt == 0 {
                    state.endedAt = now
                    state.serverCPU.1 = CPUClock.read(options.serverPID)
                    state.clientCPU.1 = CPUClock.read(0)
                }
                return false
            }
            state.calls += count
            if state.samples.count < 8_000_000 {
                state.samples.append(UInt32(clamping: now - start))
            }
            return true
        }
    }

    var isOver: Bool { state.withLock { $0.endedAt != 0 } }

    /// Notes bytes that moved beside the calls.
    func background(_ bytes: Int) {
        let now = Self.now()
        if now >= begin, now < end { state.withLock { $0.extraBytes += bytes } }
    }

    func report() {
        let line = state.withLock { state -> String in
            state.samples.sort()
            let elapsed = Double(state.endedAt - state.startedAt) / 1e9
            let calls = Double(max(state.calls, 1))
            func percentile(_ share: Double) -> Double {
                guard let last = state.samples.indices.last else { return 0 }
                let index = min(Int(share * Double(state.samples.count)), last)
                return Double(state.samples[index]) / 1000
            }
            func each(_ cpu: (UInt64, UInt64)) -> Double {
                Double(cpu.1 >= cpu.0 ? cpu.1 - cpu.0 : 0) / 1000 / calls
            }
            let fields: [(String, String)] = [
                ("peer", "\"\(options.peer)\""), ("workload", "\"\(options.workload)\""),
                ("calls_per_s", fixed(Double(state.calls) / elapsed, 1)),
                ("p50_us", fixed(percentile(0.5), 1)), ("p99_us", fixed(percentile(0.99), 1)),
                ("p999_us", fixed(percentile(0.999), 1)),
                ("server_cpu_us_per_call", fixed(each(state.serverCPU), 3)),
                ("client_cpu_us_per_call", fixed(each(state.clientCPU), 3)),
                ("mb_per_s", fixed(Double(state.calls * options.payload) / elapsed / 1e6, 1)),
                ("calls", "\(state.calls)"), ("elapsed_s", fixed(elapsed, 3)),
                ("payload", "\(options.payload)"), ("conns", "\(options.connections)"),
                ("outstanding", "\(options.outstanding)"),
                ("bg_mb_per_s", fixed(Double(state.extraBytes) / elapsed / 1e6, 1)),
                ("note", "\"\""),
            ]
            return "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
        }
        print(line)
    }
}

/// A number with a fixed count of decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return "0" }
    var power = 1.0
    for _ in 0..<decimals { power *= 10 }
    let scaled = Int64((value * power).rounded())
    let whole = scaled / Int64(power)
    let fraction = String(abs(scaled) % Int64(power))
    let padding = String(repeating: "0", count: decimals - fraction.count)
    return "\(whole).\(padding)\(fraction)"
}
