import Synchronization
import Transport
import ZKProtocol

/// A device on the network: serves its memory to any number of clients at once.
final class Simulator: Sendable {
    private struct State {
        var device: Device
        var sessions: [UInt16: Outlet] = [:]
        var nextSession: UInt16 = 1
    }

    /// What the device wants to tell a session.
    private struct Outlet {
        var session: Session
        var events: [AttendanceRecord] = []
    }

    private let state: Lock<State>
    private let listener: Listener
    private let loop: EventLoop
    private let now: @Sendable () -> Now
    private let keep: @Sendable ([Device.Change]) -> Void

    var address: SocketAddress { listener.localAddress }

    static let sessionsMax = 64
    /// Events that wait for a slow client; it finds the rest in the log.
    private static let eventsMax = 1000
    /// How often a session that listens looks for events.
    private static let eventInterval = Duration.milliseconds(10)
    /// How long the next event waits for the last one's acknowledgement: clients in use cannot
    /// take two events from one segment, and some never acknowledge.
    private static let acknowledgementWait = 10
    private static let idleMax = Duration.seconds(600)

    /// Listens at once; ``run()`` serves.
    ///
    /// `keep` is given what changes in the memory.
    init(
        _ device: Device, at address: SocketAddress, on loop: EventLoop,
        now: @escaping @Sendable () -> Now,
        keep: @escaping @Sendable ([Device.Change]) -> Void = { _ in }
    ) throws(TransportError) {
        state = Lock(State(device: device))
        self.loop = loop
        self.now = now
        self.keep = keep
        listener = try Listener.bind(to: address, on: loop)
    }

    /// The device as it is now.
    var device: Device { state.withLock { $0.device } }

    var userIDs: [String] { state.withLock { $0.device.users.map(\.userID) } }

    /// Whether any client wants to be told of punches.
    var isHeard: Bool {
        state.withLock { state in
            state.sessions.values.contains { $0.session.listensTo.contains(.attendance) }
        }
    }

    /// Clients that are connected.
    var sessionCount: Int { state.withLock { $0.sessions.count } }

    /// Serves clients until the task is cancelled or the listener fails.
    func run() async {
        await withDiscardingTaskGroup { group in
            while let stream = try? await listener.accept() {
                guard let number = open() else {
                    stream.close()
                    continue
                }
                group.addTask(executorPreference: loop) {
                    await self.serve(stream, number)
                    self.state.withLock { _ = $0.sessions.removeValue(forKey: number) }
                    stream.close()
                }
            }
            listener.close()
            group.cancelAll()
        }
    }

    /// Someone punches; see ``Device/punch(_:state:verify:_:)``.
    func punch(_ userID: String, state punchState: UInt8, verify: UInt8) -> AttendanceRecord? {
        let now = now()
        return change { state in
            guard let record = state.device.punch(userID, state: punchState, verify: verify, now)
            else { return nil }
            for (number, outlet) in state.sessions
            where outlet.session.listensTo.contains(.attendance) {
                if outlet.events.count < Simulator.eventsMax {
                    state.sessions[number]?.events.append(record)
                }
            }
            return record
        }
    }

    /// Changes the device from another side than a session's.
    func edit<Result: Sendable>(_ body: (inout Device) -> Result) -> Result {
        change { body(&$0.device) }
    }

    // MARK: - Sessions

    private func open() -> UInt16? {
        state.withLock { state in
            guard state.sessions.count < Simulator.sessionsMax else { return nil }
            while state.sessions[state.nextSession] != nil || state.nextSession == 0 {
                state.nextSession &+= 1
            }
            let number = state.nextSession
            state.nextSession &+= 1
            state.sessions[number] = Outlet(session: Session(number: number))
            return number
        }
    }

    private func serve(_ stream: ByteStream, _ number: UInt16) async {
        var reader = FrameReader()
        // Rounds that the last event may still wait for its acknowledgement.
        var patience = 0
        do {
            while true {
                while let packet = try reader.next() {
                    if packet.command == .ok {
                        patience = 0
                        continue
                    }
                    let reaction = handle(packet, number)
                    for answer in reaction.packets { try await stream.write(answer.frame()) }
                    if reaction.ends { return }
                }
                let (isListening, event) = nextEvent(number, mayTake: patience == 0)
                if let event {
                    try await stream.write(event.frame())
                    patience = Simulator.acknowledgementWait
                }
                let wait = isListening ? Simulator.eventInterval : Simulator.idleMax
                if let bytes = try await read(stream, within: wait) {
                    guard !bytes.isEmpty else { return }
                    reader.append(bytes)
                } else {
                    guard isListening else { return }
                    patience = max(0, patience - 1)
                }
            }
        } catch {
            // The client is gone, or what it sends is no protocol: its session ends.
        }
    }

    /// Nil when nothing came in time.
    private func read(_ stream: ByteStream, within wait: Duration) async throws(TransportError)
        -> [UInt8]?
    {
        do throws(TransportError) {
            return try await stream.read(timeout: wait)
        } catch {
            guard error.code == .timedOut else { throw error }
            return nil
        }
    }

    private func handle(_ packet: Packet, _ number: UInt16) -> Session.Reaction {
        let now = now()
        return change { state in
            guard var outlet = state.sessions[number] else { return Session.Reaction(ends: true) }
            defer { state.sessions[number] = outlet }
            let reaction = outlet.session.handle(packet, &state.device, now)
            if !outlet.session.listensTo.contains(.attendance) { outlet.events = [] }
            return reaction
        }
    }

    private func nextEvent(_ number: UInt16, mayTake: Bool) -> (isListening: Bool, Packet?) {
        state.withLock { state in
            guard var outlet = state.sessions[number] else { return (false, nil) }
            let isListening = outlet.session.listensTo.contains(.attendance)
            guard mayTake, !outlet.events.isEmpty else { return (isListening, nil) }
            let record = outlet.events.removeFirst()
            state.sessions[number] = outlet
            guard let data = record.event(state.device.model.eventLayout) else {
                return (isListening, nil)
            }
            let flag = EventKind.attendance.rawValue
            return (isListening, Packet(.event, session: flag, reply: 0, data: data))
        }
    }

    /// Changes the state, and gives what changed in the memory to whoever keeps it.
    private func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        state.withLock { state in
            let result = body(&state)
            let changes = state.device.takeChanges()
            // In the lock, so that changes are kept in the order in which they happened.
            if !changes.isEmpty { keep(changes) }
            return result
        }
    }
}
