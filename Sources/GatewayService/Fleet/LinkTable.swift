import MeshAPI
import RPCRuntime
import Synchronization
import Transport

/// What is known of a location's link at one moment.
struct LinkView: Sendable {
    var state = LinkState.unreachable
    var logID: [UInt8] = []
    var announcedSequence: UInt64 = 0
    var lastContact: Timestamp?
    var address = ""
    var cause = "no link since the gateway started"
    var devices: [DeviceStatus] = []
    /// What is wrong at the location itself.
    var alarms: [String] = []
}

/// The links of all locations at one moment.
struct LinkSnapshot: Sendable {
    var views: [String: LinkView]

    subscript(location: String) -> LinkView { views[location] ?? LinkView() }
}

/// The links of all locations.
///
/// One link of a location is followed. A newer one takes its place with its first batch; when the
/// older was alive then and had another log, two machines claim one name, and the location is
/// shown in conflict for a minute after the last such sight.
final class LinkTable: Sendable {
    /// Names one link; a higher number is a newer link.
    typealias LinkID = UInt64

    private struct Link {
        var id: LinkID
        var view: LinkView
        var link: any LocationLink
    }

    private struct State {
        var nextID: LinkID = 0
        var followed: [String: Link] = [:]
        /// What is left of links that have ended.
        var past: [String: LinkView] = [:]
        var conflicts: [String: Timestamp] = [:]
    }

    /// Heartbeats come every two seconds; after this long without one a link counts as dead.
    static let silenceLimit = Duration.seconds(10)
    static let conflictMemory = Duration.seconds(60)

    private let state = Lock(State())

    /// A number for a link that has just come up.
    func newLink() -> LinkID {
        state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
    }

    /// What ``receive(_:on:over:at:)`` found.
    enum Reception: Sendable, Equatable {
        /// The link is the one followed.
        case followed
        /// It has taken the place of an older one, which ends with its next batch.
        case tookOver
        /// The same, and the older one was alive with another log.
        case conflict
        /// A newer link is followed; this one shall end.
        case superseded
    }

    /// Notes a batch of a link.
    ///
    /// Call it before the batch is stored: of two links only one may write.
    func receive(
        _ batch: LogBatch, on id: LinkID, over link: any LocationLink, at now: Timestamp
    ) -> Reception {
        state.withLock { state in
            let location = link.location
            let current = state.followed[location]
            if let current, current.id > id { return .superseded }
            var view = current?.id == id ? current?.view ?? LinkView() : LinkView()
            view.logID = batch.logID
            view.announcedSequence = batch.lastSequence
            view.lastContact = now
            view.address = link.address
            view.cause = ""
            if !batch.devices.isEmpty { view.devices = batch.devices }
            // Batches that carry entries alone say nothing of it.
            if batch.entries.isEmpty || !batch.devices.isEmpty { view.alarms = batch.alarms }
            state.followed[location] = Link(id: id, view: view, link: link)
            state.past[location] = nil
            guard let current, current.id != id else { return .followed }
            guard current.view.logID != batch.logID, Self.isAlive(current.view, at: now) else {
                return .tookOver
            }
            state.conflicts[location] = now
            return .conflict
        }
    }

    /// The links that are followed, by location.
    var followed: [String: any LocationLink] {
        state.withLock { $0.followed.mapValues(\.link) }
    }

    /// Whether any linked location says that something is wrong there.
    var haveAlarms: Bool {
        state.withLock { $0.followed.values.contains { !$0.view.alarms.isEmpty } }
    }

    /// Notes that a link has ended, and why.
    func ended(_ id: LinkID, of location: String, cause: String) {
        state.withLock { state in
            guard let link = state.followed[location] else {
                // A link that never brought a batch: its cause is news only without a link.
                state.past[location, default: LinkView()].cause = cause
                return
            }
            guard link.id == id else { return }
            var view = link.view
            view.state = .unreachable
            view.address = ""
            view.cause = cause
            view.devices = []
            view.alarms = []
            state.followed[location] = nil
            state.past[location] = view
        }
    }

    /// All links at one moment.
    func snapshot(at now: Timestamp) -> LinkSnapshot {
        state.withLock { state in
            var views = state.past
            for (location, link) in state.followed {
                var view = link.view
                view.state = .linked
                if !Self.isAlive(view, at: now), let last = view.lastContact {
                    view.state = .unreachable
                    view.cause = "no heartbeat since \(last)"
                }
                views[location] = view
            }
            for (location, seen) in state.conflicts where now.since(seen) < Self.conflictMemory {
                views[location, default: LinkView()].state = .conflict
                views[location]?.cause =
                    "two machines with different logs claim this name (at \(seen))"
            }
            return LinkSnapshot(views: views)
        }
    }

    private static func isAlive(_ view: LinkView, at now: Timestamp) -> Bool {
        view.lastContact.map { now.since($0) <= silenceLimit } ?? false
    }
}
