import MeshAPI
import RPCRuntime
import Synchronization
import TestSupport
import Testing
import Transport

@testable import GatewayService

/// A store in a folder of its own that can be closed and opened again.
final class StoreFixture: Sendable {
    let folder: TemporaryDirectory
    let thread: WorkerThread
    let store: GatewayStore
    static let pepper = [UInt8](repeating: 7, count: 32)

    init(folder: TemporaryDirectory? = nil) throws {
        self.folder = try folder ?? TemporaryDirectory()
        thread = WorkerThread(name: "store-test")
        store = try GatewayStore(
            path: self.folder.file("gateway.db"), pepper: Self.pepper, thread: thread)
    }

    deinit { thread.shutdown() }

    /// Every punch in commit order, as `location/device/user/time/state`.
    func punches() async throws -> [String] {
        try await store.page(of: PunchFilter(), after: 0, limit: 1_000_000).punches.map {
            "\($0.location)/\($0.device)/\($0.user)/\($0.localTime)"
                + "/\($0.state)"
        }
    }
}

/// A clock that stands until it is moved.
final class TestClock: Sendable {
    private let time: Lock<Timestamp>
    init(_ time: Timestamp = at(0)) { self.time = Lock(time) }
    var now: Timestamp { time.withLock { $0 } }
    func advance(by duration: Duration) { time.withLock { $0 = $0.advanced(by: duration) } }
}

/// So many seconds after 2026-03-01T08:00:00Z.
func at(_ seconds: Int64) -> Timestamp {
    Timestamp(seconds: 1_772_352_000 + seconds) ?? .min
}

/// A location's log in the making.
struct TestLog {
    var id: [UInt8]
    var entries: [LogEntry] = []

    init(_ id: UInt8 = 1) { self.id = [UInt8](repeating: id, count: 16) }

    private mutating func add(_ entry: LogEntry) {
        var entry = entry
        entry.sequence = UInt64(entries.count + 1)
        entry.committedAt = at(Int64(entries.count))
        entries.append(entry)
    }

    mutating func zone(_ name: String) { add(LogEntry(zone: Zone(name: name))) }

    mutating func device(_ serial: String, active: Bool = true, poll: UInt32 = 30) {
        add(
            LogEntry(
                device: Device(
                    serial: serial, name: "name-\(serial)", active: active, clockMode: "zone",
                    pollIntervalSeconds: poll)))
    }

    /// A punch at `seconds`; its wall time is made of the same number.
    mutating func punch(
        _ device: String, _ user: String, _ seconds: Int64, state: UInt32 = 0,
        resolvedUser: String = ""
    ) {
        add(
            LogEntry(
                punch: Punch(
                    device: device, user: user, resolvedUser: resolvedUser,
                    localTime: "T\(seconds)", state: state, verify: 1,
                    source: state == 255 ? .live : .poll, receivedAt: at(seconds + 1),
                    instant: at(seconds))))
    }

    mutating func watermark(_ device: String, _ seconds: Int64) {
        add(LogEntry(watermark: Watermark(device: device, completeThrough: at(seconds))))
    }

    mutating func amend(
        _ device: String, _ user: String, _ seconds: Int64, to state: UInt32
    ) {
        add(
            LogEntry(
                amendment: Amendment(
                    device: device, user: user, localTime: "T\(seconds)", state: 255,
                    newState: state)))
    }

    /// The entries behind `after`, all or so many.
    func batch(after: UInt64 = 0, count: Int = .max, devices: [DeviceStatus] = []) -> LogBatch {
        LogBatch(
            logID: id, entries: Array(entries.dropFirst(Int(after)).prefix(count)),
            lastSequence: UInt64(entries.count), devices: devices)
    }
}
