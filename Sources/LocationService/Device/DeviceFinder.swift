import MeshAPI
import RPCRuntime
import ServiceKit
import Synchronization
import Transport
import ZKProtocol

/// Looks for a terminal that is no longer where it was, in the /24 around that address.
///
/// All sessions of a location share it: one search at a time, and seldom for each terminal. What a
/// search or a session sees of other terminals is kept for a while, so that a network whose
/// addresses were all given out anew is not searched once for each of them.
final class DeviceFinder: Sendable {
    /// How eager it is.
    struct Patience: Sendable {
        /// How often in a row a terminal is not reached before it is looked for.
        var absences = 3
        /// From one search for a terminal to its next, at first and at most; doubled each time.
        var interval: ClosedRange<Duration> = .seconds(300) ... .seconds(21_600)
        /// Between two connections of a search.
        var pause = TerminalSearch.pause
    }

    /// Where a terminal was seen.
    struct Sighting: Sendable, Hashable {
        var address: SocketAddress
        var transport: ZKTransport
    }

    /// What is sought.
    struct Wanted: Sendable {
        /// The name of its session.
        var name: String
        var serial: String
        /// Where it was.
        var address: SocketAddress
        var commKey: UInt32?
    }

    private struct State {
        var isSearching = false
        var turns: [String: (notBefore: ContinuousClock.Instant, wait: Duration)] = [:]
        var seen: [String: (sighting: Sighting, at: ContinuousClock.Instant)] = [:]
    }

    /// More terminals than a location reads.
    private static let seenMax = 2000

    let patience: Patience
    private let board: DeviceBoard
    private let loop: EventLoop
    private let surroundings: Surroundings
    private let log: Logger
    private let state = Lock(State())

    init(
        board: DeviceBoard, loop: EventLoop, surroundings: Surroundings, log: Logger,
        patience: Patience = Patience()
    ) {
        (self.board, self.loop, self.surroundings) = (board, loop, surroundings)
        (self.log, self.patience) = (log, patience)
    }

    /// Notes where a terminal answers that is not the one expected there.
    func note(_ serial: String, _ sighting: Sighting) {
        let now = surroundings.steady()
        state.withLock { state in
            if state.seen.count >= Self.seenMax {
                state.seen = state.seen.filter { isFresh($0.value.at, now) }
            }
            guard state.seen.count < Self.seenMax else { return }
            state.seen[serial] = (sighting, now)
        }
    }

    private func isFresh(
        _ instant: ContinuousClock.Instant, _ now: ContinuousClock.Instant
    ) -> Bool { now - instant < patience.interval.lowerBound }

    /// Where the terminal was seen lately, or is found now.
    ///
    /// Nil where it is not found, where its turn has not come, and where another one is being
    /// looked for.
    func find(_ wanted: Wanted) async -> Sighting? {
        let now = surroundings.steady()
        let (known, mayLook) = state.withLock { state -> (Sighting?, Bool) in
            // It serves once: where it was wrong, a search follows.
            if let seen = state.seen.removeValue(forKey: wanted.serial), isFresh(seen.at, now),
                seen.sighting.address != wanted.address
            {
                return (seen.sighting, false)
            }
            let turn = state.turns[wanted.name]
            guard !state.isSearching, turn.map({ $0.notBefore <= now }) ?? true else {
                return (nil, false)
            }
            let wait = turn?.wait ?? patience.interval.lowerBound
            state.turns[wanted.name] = (now + wait, min(wait * 2, patience.interval.upperBound))
            state.isSearching = true
            return (nil, true)
        }
        guard mayLook else { return known }
        let found = await search(wanted)
        state.withLock { $0.isSearching = false }
        return found
    }

    /// The terminal is read again: the next time it is lost, the wait is short again.
    func isBack(_ name: String) {
        state.withLock { $0.turns[name]?.wait = patience.interval.lowerBound }
    }

    private func search(_ wanted: Wanted) async -> Sighting? {
        // Only IPv4 has networks that can be searched.
        let network = "\(wanted.address.host)/24"
        guard let range = try? AddressRange(network) else { return nil }
        let search = TerminalSearch(
            commKey: wanted.commKey, loop: loop, steady: surroundings.steady,
            known: board.statuses.map(\.device),
            inSession: await board.addressesInSession(on: loop))
        log.info(
            "looking for a device in its network",
            ["device": wanted.name, "serial": wanted.serial, "network": network])
        var result: Sighting?
        await search.run(range, wanted.address.port, pause: patience.pause) { found in
            guard let found, !found.skipped, !found.serial.isEmpty,
                let address = try? SocketAddress(parsing: found.address)
            else { return true }
            let transport = ZKTransport(rawValue: found.transport) ?? .tcp
            let sighting = Sighting(address: address, transport: transport)
            guard found.serial == wanted.serial else {
                note(found.serial, sighting)
                return true
            }
            result = sighting
            return false
        }
        if result == nil {
            log.warning(
                "device is not in its network", ["device": wanted.name, "network": network])
        }
        return result
    }
}
