import RPCRuntime
import Synchronization
import Transport

/// The terminals that the location reads now, each with its session: of the configuration and
/// those added at run time.
final class DeviceRoster: Sendable {
    /// Where a terminal comes from.
    enum Origin: Sendable { case configuration, command }

    struct Member: Sendable {
        var settings: DeviceSettings
        var origin: Origin
        let mailbox: DeviceMailbox
    }

    /// As many as a location's configuration may have.
    static let devicesMax = 1000

    private struct Place {
        var member: Member
        /// Nil before ``run()`` has taken it up.
        var task: Task<Void, Never>?
        var isStopped = false
    }

    private let places = Lock<[String: Place]>([:])
    private let arrivals: AsyncStream<Member>
    private let arrive: AsyncStream<Member>.Continuation
    private let session: @Sendable (Member) -> DeviceSession

    /// `session` makes the session of a terminal.
    init(_ session: @escaping @Sendable (Member) -> DeviceSession) {
        self.session = session
        (arrivals, arrive) = AsyncStream.makeStream()
    }

    /// Runs the sessions until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await member in arrivals {
                group.addTask { await self.serve(member) }
            }
            group.cancelAll()
        }
    }

    private func serve(_ member: Member) async {
        let session = session(member)
        let task = Task { await session.run() }
        let isStopped = places.withLock { places in
            let name = member.settings.name
            places[name]?.task = task
            return places[name]?.isStopped ?? true
        }
        if isStopped { task.cancel() }
        await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// Begins the session of a terminal; false where there is one of that name, or no room.
    func add(_ settings: DeviceSettings, _ origin: Origin) -> Bool {
        let member = Member(settings: settings, origin: origin, mailbox: DeviceMailbox())
        let isNew = places.withLock { places in
            guard places[settings.name] == nil, places.count < Self.devicesMax else {
                return false
            }
            places[settings.name] = Place(member: member)
            return true
        }
        if isNew { arrive.yield(member) }
        return isNew
    }

    /// Ends a session; returns when it has taken leave of its terminal.
    func remove(_ name: String) async {
        let task = places.withLock { places in
            places[name]?.isStopped = true
            return places[name]?.task
        }
        task?.cancel()
        await task?.value
        places.withLock { _ = $0.removeValue(forKey: name) }
    }

    func member(_ name: String) -> Member? { places.withLock { $0[name]?.member } }

    var members: [Member] { places.withLock { $0.values.map(\.member) } }
}
