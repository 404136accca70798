import Synchronization
import Transport

/// The window of one measurement, the CPU clocks at its ends, and the line of JSON that tells it.
///
/// Each loop's callers note their calls in a ``Tally`` of their own, so that noting one takes no
/// lock.
final class Measurement: Sendable {
    private struct Clocks: Sendable {
        var time: UInt64 = 0
        var server: UInt64 = 0
        var client: UInt64 = 0
    }

    private struct State: Sendable {
        var samples: [UInt32] = []
        var calls = 0
        var extraBytes = 0
        var first = Clocks()
        var last = Clocks()
    }

    private let options: BenchOptions
    let begin: UInt64
    let end: UInt64
    private let hasBegun = Atomic(false)
    private let hasEnded = Atomic(false)
    private let state = Lock(State())

    init(_ options: BenchOptions) {
        self.options = options
        begin = Self.now() + UInt64(options.warm * 1e9)
        end = begin + UInt64(options.seconds * 1e9)
    }

    static func now() -> UInt64 { CPUClock.monotonic() }

    var isOver: Bool { hasEnded.load(ordering: .relaxed) }

    /// Reads the clocks when the window's first call ends.
    func noteBegin(_ now: UInt64) {
        if hasBegun.load(ordering: .relaxed) || hasBegun.exchange(true, ordering: .relaxed) {
            return
        }
        let clocks = read(now)
        state.withLock { $0.first = clocks }
    }

    /// Reads the clocks when the first call behind the window ends.
    func noteEnd(_ now: UInt64) {
        if hasEnded.exchange(true, ordering: .relaxed) { return }
        let clocks = read(now)
        state.withLock { $0.last = clocks }
    }

    private func read(_ now: UInt64) -> Clocks {
        Clocks(
            time: now, server: CPUClock.read(options.serverPID), client: CPUClock.read(0))
    }

    /// Adds what a caller has noted.
    func add(_ tally: Tally) {
        state.withLock { state in
            state.samples += tally.samples
            state.calls += tally.samples.count + tally.count
        }
    }

    /// Notes bytes that moved beside the calls.
    func background(_ bytes: Int) {
        let now = Self.now()
        if now >= begin, now < end { state.withLock { $0.extraBytes += bytes } }
    }

    func report() {
        print(
            state.withLock { state in
                state.samples.sort()
                return line(state)
            })
    }

    private func line(_ state: State) -> String {
        let elapsed = max(Double(state.last.time &- state.first.time) / 1e9, 1e-9)
        let calls = Double(max(state.calls, 1))
        func percentile(_ share: Double) -> Double {
            guard let last = state.samples.indices.last else { return 0 }
            return Double(state.samples[min(Int(share * Double(state.samples.count)), last)]) / 1000
        }
        func each(_ first: UInt64, _ last: UInt64) -> Double {
            Double(last >= first ? last - first : 0) / 1000 / calls
        }
        let fields: [(String, String)] = [
            ("peer", "\"\(options.peer)\""), ("workload", "\"\(options.workload)\""),
            ("calls_per_s", fixed(Double(state.calls) / elapsed, 1)),
            ("p50_us", fixed(percentile(0.5), 1)), ("p99_us", fixed(percentile(0.99), 1)),
            ("p999_us", fixed(percentile(0.999), 1)),
            ("server_cpu_us_per_call", fixed(each(state.first.server, state.last.server), 3)),
            ("client_cpu_us_per_call", fixed(each(state.first.client, state.last.client), 3)),
            ("mb_per_s", fixed(Double(state.calls * options.payload) / elapsed / 1e6, 1)),
            ("calls", "\(state.calls)"), ("elapsed_s", fixed(elapsed, 3)),
            ("payload", "\(options.payload)"), ("conns", "\(options.connections)"),
            ("outstanding", "\(options.outstanding)"),
            ("bg_mb_per_s", fixed(Double(state.extraBytes) / elapsed / 1e6, 1)),
            ("note", "\"\""),
        ]
        return "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }
}

/// The latencies that the callers of one loop have seen inside the window.
struct Tally {
    private let measurement: Measurement
    private(set) var samples: [UInt32] = []
    /// Messages inside the window whose latency was not measured.
    private(set) var count = 0

    init(_ measurement: Measurement) {
        self.measurement = measurement
        samples.reserveCapacity(1 << 24)
    }

    /// Notes a call that began at `start`; false when the measurement is over.
    mutating func finished(_ start: UInt64, now: UInt64) -> Bool {
        if now < measurement.begin { return true }
        if samples.isEmpty { measurement.noteBegin(now) }
        if now >= measurement.end {
            measurement.noteEnd(now)
            return false
        }
        samples.append(UInt32(clamping: now - start))
        return true
    }

    /// Notes messages that have come since the last time; false when the measurement is over.
    mutating func counted(_ messages: Int) -> Bool {
        let now = Measurement.now()
        if now < measurement.begin { return true }
        if count == 0 { measurement.noteBegin(now) }
        if now >= measurement.end {
            measurement.noteEnd(now)
            return false
        }
        count += messages
        return true
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
