import Synchronization
import Transport
import ZKProtocol

/// A device on the network: serves its memory to any number of clients at once, over TCP and UDP.
final class Simulator: Sendable {
    struct State {
        var device: Device
        var faults: FaultEngine
        fileprivate(set) var sessions: [UInt16: Outlet] = [:]
        fileprivate var nextSession: UInt16 = 1
    }

    /// A session, and what the device wants to tell it.
    struct Outlet {
        var session: Session
        var phase = Fault.Phase.connect
        var events: [AttendanceRecord] = []
        /// Ends the wait for the client's next packet when there is an event for it.
        let waker: Waker
    }

    let state: Lock<State>
    let loop: EventLoop
    let now: @Sendable () -> Now
    private let listener: Listener?
    private let datagrams: DatagramSocket?
    private let keep: @Sendable ([Device.Change]) -> Void

    let address: SocketAddress

    static let sessionsMax = 64
    /// Events that wait for a slow client; it finds the rest in the log.
    private static let eventsMax = 1000
    /// How long the next event waits for the last one's acknowledgement: clients in use cannot
    /// take two events from one segment, and some never acknowledge.
    static let acknowledgementWait = Duration.milliseconds(100)
    static let idleMax = Duration.seconds(600)

    /// Listens at once; ``run()`` serves.
    ///
    /// Over TCP and UDP at the same port, but for a device whose model has only one of them. `keep`
    /// is given what changes in the memory.
    init(
        _ device: Device, at address: SocketAddress, on loop: EventLoop,
        faults: FaultEngine = FaultEngine(seed: 0), now: @escaping @Sendable () -> Now,
        keep: @escaping @Sendable ([Device.Change]) -> Void = { _ in }
    ) throws(TransportError) {
        state = Lock(State(device: device, faults: faults))
        self.loop = loop
        self.now = now
        self.keep = keep
        let transports = device.model.transports
        var attempts = address.port == 0 ? 16 : 1
        while true {
            let listener =
                transports.contains(.tcp) ? try Listener.bind(to: address, on: loop) : nil
            let place = listener?.localAddress ?? address
            do throws(TransportError) {
                datagrams =
                    transports.contains(.udp) ? try DatagramSocket.bind(to: place, on: loop) : nil
            } catch {
                // A port that is free for TCP may be somebody's for UDP.
                listener?.close()
                attempts -= 1
                guard attempts > 0 else { throw error }
                continue
            }
            self.listener = listener
            self.address = datagrams?.localAddress ?? place
            return
        }
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

    /// How often a fault struck.
    var strikes: Int { state.withLock { $0.faults.strikes } }

    /// Clients that are connected.
    var sessionCount: Int { state.withLock { $0.sessions.count } }

    /// Sessions that were ever opened.
    var connectionCount: Int { state.withLock { Int($0.nextSession) - 1 } }

    /// Serves clients until the task is cancelled or the sockets fail.
    func run() async {
        await withTaskGroup { group in
            if let listener {
                group.addTask(executorPreference: loop) { await self.serve(listener) }
            }
            if let datagrams {
                group.addTask(executorPreference: loop) {
                    var server = DatagramServer(self, datagrams)
                    await server.run()
                }
            }
            await group.next()
            group.cancelAll()
        }
        listener?.close()
        datagrams?.close()
    }

    private func serve(_ listener: Listener) async {
        await withDiscardingTaskGroup { group in
            while let stream = try? await listener.accept() {
                guard let (number, waker) = open(.tcp) else {
                    stream.close()
                    continue
                }
                group.addTask(executorPreference: loop) {
                    var server = StreamServer(self, stream, number, waker)
                    await server.run()
                    self.end(number)
                    stream.close()
                }
            }
            group.cancelAll()
        }
    }

    /// Someone punches; see ``Device/punch(_:state:verify:_:)``.
    func punch(_ userID: String, state punchState: UInt8, verify: UInt8) -> AttendanceRecord? {
        let now = now()
        let (record, wakers) = change { state -> (AttendanceRecord?, [Waker]) in
            guard let record = state.device.punch(userID, state: punchState, verify: verify, now)
            else { return (nil, []) }
            return (record, Simulator.announce(record, &state))
        }
        for waker in wakers { waker.wake() }
        return record
    }

    /// Gives the event to the sessions that listen; they are to be woken.
    private static func announce(_ record: AttendanceRecord, _ state: inout State) -> [Waker] {
        if state.faults.lasting(.deaf, .live) != nil { return [] }
        var wakers: [Waker] = []
        for (number, outlet) in state.sessions
        where outlet.session.listensTo.contains(.attendance) && outlet.events.count < eventsMax {
            state.sessions[number]?.events.append(record)
            wakers.append(outlet.waker)
        }
        return wakers
    }

    /// Adds a fault; those that change the device do so at once.
    func add(_ fault: Fault) {
        let now = now()
        change { state in
            state.faults.add(fault)
            state.device.suffer(fault, now)
        }
    }

    /// Ends all faults; what they have changed of the device stays.
    func clearFaults() {
        change { state in
            state.faults.clear()
            state.device.recover()
        }
    }

    /// Changes the device from another side than a session's.
    func edit<Result: Sendable>(_ body: (inout Device) -> Result) -> Result {
        change { body(&$0.device) }
    }

    // MARK: - Sessions

    /// A session for a client; nil where there are too many.
    ///
    /// - Parameters:
    ///   - transport: How it is reached.
    ///   - waker: What ends its server's wait; its own where none is given.
    func open(
        _ transport: ZKTransport, _ waker: Waker = Waker()
    ) -> (number: UInt16, waker: Waker)? {
        state.withLock { state in
            guard state.sessions.count < Simulator.sessionsMax else { return nil }
            while state.sessions[state.nextSession] != nil || state.nextSession == 0 {
                state.nextSession &+= 1
            }
            let number = state.nextSession
            state.nextSession &+= 1
            state.sessions[number] = Outlet(
                session: Session(number: number, isUDP: transport == .udp), waker: waker)
            return (number, waker)
        }
    }

    func end(_ number: UInt16) { state.withLock { _ = $0.sessions.removeValue(forKey: number) } }

    func isOpen(_ number: UInt16) -> Bool { state.withLock { $0.sessions[number] != nil } }

    /// What becomes of a request.
    func handle(_ packet: Packet, _ number: UInt16) -> Outcome {
        let now = now()
        var punched: [AttendanceRecord] = []
        let (outcome, wakers) = change { state -> (Outcome, [Waker]) in
            guard var outlet = state.sessions[number] else { return (Outcome(ends: true), []) }
            let outcome = state.answer(packet, &outlet, now, &punched)
            if !outlet.session.listensTo.contains(.attendance) { outlet.events = [] }
            state.sessions[number] = outcome.isForgotten ? nil : outlet
            return (outcome, punched.flatMap { Simulator.announce($0, &state) })
        }
        for waker in wakers { waker.wake() }
        return outcome
    }

    /// The next event for a session, and whether more wait.
    func nextEvent(_ number: UInt16) -> (event: Packet?, effect: Outcome.Effect?) {
        state.withLock { state in
            guard var outlet = state.sessions[number] else { return (nil, nil) }
            if !outlet.session.announcements.isEmpty {
                let packet = outlet.session.announcements.removeFirst()
                state.sessions[number] = outlet
                return (packet, nil)
            }
            guard !outlet.events.isEmpty, outlet.session.listensTo.contains(.attendance)
            else { return (nil, nil) }
            let record = outlet.events.removeFirst()
            outlet.phase = .live
            state.sessions[number] = outlet
            guard
                let data = record.event(
                    state.device.model.eventLayout, state.device.model.encoding)
            else { return (nil, nil) }
            let flag = EventKind.attendance.rawValue
            let packet = Packet(.event, session: flag, reply: 0, data: data)
            let fault = state.faults.strike([.cut, .silence, .reset, .garbage], .live)
            return (packet, fault.map { Outcome.Effect($0, &state.faults) })
        }
    }

    func hasEvents(_ number: UInt16) -> Bool {
        state.withLock { state in
            state.sessions[number].map {
                !$0.events.isEmpty || !$0.session.announcements.isEmpty
            } ?? false
        }
    }

    /// What becomes of a datagram.
    func luck(in phase: Fault.Phase) -> (isLost: Bool, isTwice: Bool, isLate: Bool) {
        state.withLock { state in
            (
                state.faults.isUnlucky(.lose, phase), state.faults.isUnlucky(.repeat, phase),
                state.faults.isUnlucky(.reorder, phase)
            )
        }
    }

    /// Changes the state, and gives what changed in the memory to whoever keeps it.
    @discardableResult
    private func change<Result>(_ body: (inout State) -> Result) -> Result {
        state.withLock { state in
            let result = body(&state)
            let changes = state.device.takeChanges()
            // In the lock, so that changes are kept in the order in which they happened.
            if !changes.isEmpty { keep(changes) }
            return result
        }
    }
}
