import ZKProtocol

/// What a request leads to, faults included.
struct Outcome: Sendable {
    /// What becomes of the answer on its way.
    enum Effect: Sendable {
        /// Nothing is sent.
        case silence
        /// The connection ends after so many bytes.
        case cut(Int)
        case reset
        /// These bytes come in the answer's place.
        case garbage([UInt8])
    }

    var packets: [Packet] = []
    /// Whether the device closes the connection then.
    var ends = false
    /// Whether the device forgets the session.
    var isForgotten = false
    var effect: Effect?
    /// How much later the answer comes, in milliseconds.
    var delay = 0
    /// Which phase the request belonged to.
    var phase = Fault.Phase.connect
}

extension Outcome.Effect {
    init(_ fault: Fault, _ engine: inout FaultEngine) {
        switch fault.kind {
        case .cut: self = .cut(max(0, fault.amount))
        case .reset: self = .reset
        case .garbage: self = .garbage(engine.noise(min(fault.amount, 1 << 16)))
        default: self = .silence
        }
    }
}

extension Simulator.State {
    /// Answers a request of the session in `outlet`; people who punch because of a fault are put
    /// into `punched`.
    mutating func answer(
        _ packet: Packet, _ outlet: inout Simulator.Outlet, _ now: Now,
        _ punched: inout [AttendanceRecord]
    ) -> Outcome {
        let phase = Fault.Phase.of(
            packet, before: outlet.phase, isListening: !outlet.session.listensTo.isEmpty)
        outlet.phase = phase
        var outcome = Outcome(phase: phase)
        let slowness = packet.command == .ok ? nil : faults.strike([.slow], phase)?.amount
        outcome.delay = max(device.model.answerDelay, slowness ?? 0)
        if packet.command != .ok, faults.strike([.steal], phase) != nil {
            outlet.session.lose()
        }
        if [.prepareBuffer, .readAttendance].contains(packet.command), phase == .log,
            let fault = faults.strike([.race], phase)
        {
            punched = race(fault.amount, now)
        }
        if [.prepareBuffer, .readAttendance, .readUsers].contains(packet.command),
            faults.strike([.refuse], phase) != nil
        {
            outcome.packets = [Packet(.error, session: outlet.session.number, reply: packet.reply)]
            return outcome
        }
        let reaction = outlet.session.handle(packet, &device, now)
        outcome.packets = reaction.packets
        outcome.ends = reaction.ends
        tamper(packet, &outcome)
        if packet.command != .ok,
            let fault = faults.strike([.cut, .silence, .reset, .garbage], phase)
        {
            outcome.effect = Outcome.Effect(fault, &faults)
            // Over UDP there is no connection to cut: the device has restarted.
            if outlet.session.isUDP, [.cut, .reset].contains(fault.kind) {
                outcome.isForgotten = true
            }
        }
        return outcome
    }

    private mutating func race(_ count: Int, _ now: Now) -> [AttendanceRecord] {
        var punched: [AttendanceRecord] = []
        for user in device.users where punched.count < count {
            // States that nobody uses by chance, so that they differ from each other.
            if let record = device.punch(user.userID, state: 4, verify: 1, now) {
                punched.append(record)
            }
        }
        return punched
    }

    /// Changes what the answer says.
    private mutating func tamper(_ packet: Packet, _ outcome: inout Outcome) {
        if packet.command == .freeSizes, let error = faults.strike([.count], outcome.phase),
            let first = outcome.packets.first, first.data.count >= 36
        {
            let count = (0..<4).reduce(UInt32(0)) { $0 | UInt32(first.data[32 + $1]) << ($1 * 8) }
            let wrong = UInt32(clamping: max(0, Int(count) + error.amount))
            for byte in 0..<4 {
                outcome.packets[0].data[32 + byte] = UInt8(truncatingIfNeeded: wrong >> (byte * 8))
            }
        }
        guard packet.command == .readBuffer || packet.command == .readAttendance,
            outcome.packets.contains(where: { $0.command == .data }),
            let fault = faults.strike([.clip], outcome.phase),
            let last = outcome.packets.lastIndex(where: { $0.command == .data })
        else { return }
        outcome.packets[last].data.removeLast(min(fault.amount, outcome.packets[last].data.count))
    }
}
