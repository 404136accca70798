import MeshAPI
import RPCRuntime
import ServiceKit
import Synchronization
import Transport

/// The terminals that want to push and that nobody has approved: shown, so that somebody does.
///
/// Kept in memory only, and few of them: anyone on the network can make some up.
final class PushWaiting: Sendable {
    static let max = 64
    private static let forgottenAfter: Duration = .seconds(3600)

    private let board: DeviceBoard
    private let surroundings: Surroundings
    private let seen = Lock<[String: ContinuousClock.Instant]>([:])

    init(board: DeviceBoard, surroundings: Surroundings) {
        self.board = board
        self.surroundings = surroundings
    }

    /// The name under which the board shows such a terminal.
    static func name(_ serial: String) -> String { "waiting: \(serial)" }

    func note(_ serial: String, from host: String, _ log: Logger) {
        let now = surroundings.steady()
        let (isNew, dropped) = seen.withLock { seen in
            let isNew = seen[serial] == nil
            var dropped: String?
            if isNew, seen.count >= Self.max {
                dropped = seen.min { $0.value < $1.value }?.key
                if let dropped { seen[dropped] = nil }
            }
            seen[serial] = now
            return (isNew, dropped)
        }
        if let dropped { board.remove(Self.name(dropped)) }
        let contact = surroundings.now()
        if isNew {
            log.warning(
                "a terminal waits for approval", ["serial": serial, "address": host])
            board.add(
                Self.name(serial),
                DeviceStatus(
                    device: Device(
                        serial: serial, name: Self.name(serial), address: host, active: false,
                        push: true),
                    state: .failing,
                    cause: "waits for approval: its serial number is not in the configuration"))
        }
        board.update(Self.name(serial)) { status in
            status.lastContact = contact
            status.device.address = host
        }
    }

    func remove(_ serial: String) {
        guard seen.withLock({ $0.removeValue(forKey: serial) }) != nil else { return }
        board.remove(Self.name(serial))
    }

    /// Forgets those that have not come again.
    func sweep() {
        let now = surroundings.steady()
        let gone = seen.withLock { seen in
            let gone = seen.filter { $0.value.duration(to: now) > Self.forgottenAfter }.keys
            for serial in gone { seen[serial] = nil }
            return Array(gone)
        }
        for serial in gone { board.remove(Self.name(serial)) }
    }
}
