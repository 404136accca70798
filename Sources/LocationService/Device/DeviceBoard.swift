import MeshAPI
import RPCRuntime
import Synchronization
import Transport

/// How every device is doing, for whoever asks: written by the sessions, read by the services.
final class DeviceBoard: Sendable {
    private struct State {
        var order: [String] = []
        var statuses: [String: DeviceStatus] = [:]
        /// The name under which a serial is being read.
        var owners: [String: String] = [:]
        var version: UInt64 = 0
        var beats: UInt64 = 0
    }
    private let state = Lock(State())
    private let wakeUps: WakeUps

    /// Announces changes of a device's state to those who wait for `wakeUps`.
    init(wakeUps: WakeUps) { self.wakeUps = wakeUps }

    /// Adds a device of the configuration, in its order.
    func add(_ name: String, _ status: DeviceStatus) {
        state.withLock { state in
            if state.statuses[name] == nil { state.order.append(name) }
            state.statuses[name] = status
        }
    }

    /// Takes a device off the board.
    func remove(_ name: String) {
        state.withLock { state in
            guard state.statuses.removeValue(forKey: name) != nil else { return }
            state.order.removeAll { $0 == name }
            state.owners = state.owners.filter { $0.value != name }
            state.version += 1
        }
        wakeUps.announce()
    }

    /// Changes a device's status.
    func update(_ name: String, _ change: (inout DeviceStatus) -> Void) {
        let isNew = state.withLock { state in
            guard var status = state.statuses[name] else { return false }
            let before = (status.state, status.cause)
            change(&status)
            state.statuses[name] = status
            guard before != (status.state, status.cause) else { return false }
            state.version += 1
            return true
        }
        if isNew { wakeUps.announce() }
    }

    /// Says that it is time for a heartbeat.
    func beat() {
        state.withLock { $0.beats += 1 }
        wakeUps.announce()
    }

    /// The statuses, and a number that is another one when followers should hear of them.
    var snapshot: (statuses: [DeviceStatus], version: UInt64) {
        state.withLock { state in
            (state.order.compactMap { state.statuses[$0] }, state.version &+ state.beats)
        }
    }

    var statuses: [DeviceStatus] { snapshot.statuses }

    func status(of name: String) -> DeviceStatus? { state.withLock { $0.statuses[name] } }

    /// Takes the serial for the device of this name; the name of another one that reads the same
    /// terminal, when there is one.
    func claim(_ serial: String, for name: String) -> String? {
        state.withLock { state in
            if let owner = state.owners[serial], owner != name { return owner }
            state.owners[serial] = name
            return nil
        }
    }

    /// Gives up what ``claim(_:for:)`` took.
    func release(_ name: String) {
        state.withLock { state in state.owners = state.owners.filter { $0.value != name } }
    }
}
