import MeshAPI
import RPCRuntime
import Synchronization
import Transport

@testable import GatewayService

/// A location without a network: gives the batches it was made with, from where it is asked.
final class FakeLink: LocationLink {
    let location: String
    let address: String
    private let batches: @Sendable (FollowLog) -> [LogBatch]
    private let state = Lock(State())

    private struct State {
        var requests: [FollowLog] = []
        var isRetired = false
    }

    init(
        location: String = "cairo", address: String = "192.0.2.1:1",
        batches: @escaping @Sendable (FollowLog) -> [LogBatch] = { _ in [] }
    ) {
        self.location = location
        self.address = address
        self.batches = batches
    }

    /// Gives a log in runs of `count` entries and ends with a heartbeat.
    convenience init(
        serving log: TestLog, count: Int, devices: [DeviceStatus] = [], heartbeats: Int = 1
    ) {
        self.init { request in
            let isKnown = request.logID == log.id && request.after <= UInt64(log.entries.count)
            let start = isKnown ? request.after : 0
            let behind = UInt64(log.entries.count)
            var batches = stride(from: start, to: behind, by: count).map {
                log.batch(after: $0, count: count)
            }
            for _ in 0..<heartbeats { batches.append(log.batch(after: behind, devices: devices)) }
            return batches
        }
    }

    var requests: [FollowLog] { state.withLock { $0.requests } }
    var isRetired: Bool { state.withLock { $0.isRetired } }

    func follow(
        _ request: FollowLog,
        _ receive: @escaping @Sendable (LogBatch) async throws(RPCError) -> Void
    ) async throws(RPCError) {
        state.withLock { $0.requests.append(request) }
        for batch in batches(request) { try await receive(batch) }
        throw RPCError(.unavailable, "the link broke")
    }

    func check(timeout: Duration) async throws(RPCError) -> CheckReport { CheckReport() }

    func retire() async { state.withLock { $0.isRetired = true } }
}
