public import RPCRuntime
import Synchronization
import Transport

/// Tells callers whether the server and each of its services take calls.
///
/// The server as a whole has the name `""`. Its owner sets what is so; nothing is measured here.
public final class HealthService: Health.Service {
    private typealias Watcher = AsyncStream<ServingStatus>.Continuation

    private struct State: Sendable {
        var statuses: [String: ServingStatus]
        var watchers: [String: [UInt64: Watcher]] = [:]
        var nextWatcher: UInt64 = 0
        var isShutDown = false

        func status(_ service: String) -> ServingStatus { statuses[service] ?? .serviceUnknown }
    }

    private let state: Lock<State>

    /// Every service is serving, and the server too.
    ///
    /// - Parameter services: Full names, such as `descriptor.name` of generated services.
    public init(services: [String] = []) {
        var statuses: [String: ServingStatus] = ["": .serving]
        for service in services { statuses[service] = .serving }
        state = Lock(State(statuses: statuses))
    }

    /// Sets the status of a service, known before or not, and tells its watchers of a change.
    ///
    /// Does nothing after ``shutDown()``.
    public func set(_ status: ServingStatus, for service: String = "") {
        state.withLock { state in
            if !state.isShutDown { Self.set(status, service, &state) }
        }
    }

    /// Has every service not serving, for good: callers go elsewhere while the server drains.
    public func shutDown() {
        state.withLock { state in
            state.isShutDown = true
            for service in Array(state.statuses.keys) { Self.set(.notServing, service, &state) }
        }
    }

    /// Inside the lock, so that watchers see changes in their order.
    private static func set(
        _ status: ServingStatus, _ service: String, _ state: inout State
    ) {
        let before = state.status(service)
        state.statuses[service] = status
        guard status != before else { return }
        for watcher in (state.watchers[service] ?? [:]).values { watcher.yield(status) }
    }

    // MARK: - Calls

    public func check(
        _ request: HealthRequest, _ call: ServerCall
    ) async throws(RPCError) -> HealthReport {
        guard let status = state.withLock({ $0.statuses[request.service] }) else {
            throw RPCError(.notFound, "the server has no service `\(request.service)`")
        }
        return HealthReport(status: status)
    }

    public func watch(
        _ request: HealthRequest, to responses: MessageWriter<HealthReport>, _ call: ServerCall
    ) async throws(RPCError) {
        var told: ServingStatus?
        for await status in statuses(of: request.service) where status != told {
            try await responses.write(HealthReport(status: status))
            told = status
        }
        throw RPCError(.cancelled, "the watch was cancelled")
    }

    /// The status now and each later one; a slow reader misses all but the newest.
    private func statuses(of service: String) -> AsyncStream<ServingStatus> {
        let (stream, watcher) = AsyncStream.makeStream(
            of: ServingStatus.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextWatcher += 1
            state.watchers[service, default: [:]][state.nextWatcher] = watcher
            watcher.yield(state.status(service))
            return state.nextWatcher
        }
        watcher.onTermination = { [weak self] _ in self?.forget(id, service) }
        return stream
    }

    private func forget(_ watcher: UInt64, _ service: String) {
        state.withLock { state in
            state.watchers[service]?[watcher] = nil
            if state.watchers[service]?.isEmpty == true { state.watchers[service] = nil }
        }
    }

    /// How many watch a service.
    func watcherCount(of service: String) -> Int {
        state.withLock { $0.watchers[service]?.count ?? 0 }
    }
}
