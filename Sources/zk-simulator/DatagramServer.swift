import Transport
import ZKProtocol

/// Serves the device's clients over UDP.
struct DatagramServer {
    private let simulator: Simulator
    private let socket: DatagramSocket
    /// The session of each client, and when it may be told of the next event.
    private var clients: [SocketAddress: Client] = [:]
    private let waker = Waker()

    private struct Client {
        var number: UInt16
        var acknowledgementDue: UInt64?
        /// On the loop's clock; silent clients are forgotten.
        var lastHeard: UInt64
    }

    /// The longest data of one packet: older clients read no more.
    private static let dataMax = 1024

    init(_ simulator: Simulator, _ socket: DatagramSocket) {
        self.simulator = simulator
        self.socket = socket
    }

    private var now: UInt64 { simulator.loop.currentTime() }

    /// Returns when the socket is closed or the task cancelled.
    mutating func run() async {
        while true {
            do throws(TransportError) {
                let datagram = try await socket.receive(timeout: wait, waker: waker)
                // Anybody may send anything.
                if let packet = try? Packet(decoding: datagram.bytes) {
                    try await serve(packet, datagram.sender)
                }
            } catch {
                switch error.code {
                case .timedOut, .refused: break
                default: return
                }
            }
            forgetSilent()
            guard (try? await sendEvents()) != nil else { return }
        }
    }

    /// Until the next event may be sent.
    private var wait: Duration {
        var due = now &+ Simulator.idleMax.clampedNanoseconds
        for client in clients.values where simulator.hasEvents(client.number) {
            due = min(due, client.acknowledgementDue ?? now)
        }
        return .nanoseconds(Int64(clamping: due &- min(due, now)))
    }

    private mutating func forgetSilent() {
        let limit = Simulator.idleMax.clampedNanoseconds
        for (sender, client) in clients where now &- client.lastHeard > limit {
            forget(sender)
        }
    }

    private mutating func forget(_ sender: SocketAddress) {
        guard let client = clients.removeValue(forKey: sender) else { return }
        simulator.end(client.number)
    }

    private mutating func serve(
        _ packet: Packet, _ sender: SocketAddress
    ) async throws(TransportError) {
        if packet.command == .connect {
            // A client that begins anew, or whose answer was lost.
            forget(sender)
            guard let (number, _) = simulator.open(.udp, waker) else { return }
            clients[sender] = Client(number: number, lastHeard: now)
        }
        guard let client = clients[sender], simulator.isOpen(client.number) else {
            clients[sender] = nil
            guard packet.command != .ok else { return }
            let answer = Packet(.notInitialised, session: packet.session, reply: packet.reply)
            try await socket.send(answer.encoded(), to: sender)
            return
        }
        let heardAt = now
        clients[sender]?.lastHeard = heardAt
        if packet.command == .ok {
            clients[sender]?.acknowledgementDue = nil
            return
        }
        let outcome = simulator.handle(packet, client.number)
        if outcome.delay > 0 {
            let (simulator, socket) = (simulator, socket)
            let datagrams = plan(outcome, sender)
            Task(executorPreference: simulator.loop) {
                try? await simulator.loop.sleep(for: .milliseconds(outcome.delay))
                for bytes in datagrams { try? await socket.send(bytes, to: sender) }
            }
        } else {
            for bytes in plan(outcome, sender) { try await socket.send(bytes, to: sender) }
        }
        if outcome.ends || outcome.isForgotten { forget(sender) }
    }

    private mutating func sendEvents() async throws(TransportError) {
        for (sender, client) in clients {
            if let due = client.acknowledgementDue, now < due { continue }
            let (event, effect) = simulator.nextEvent(client.number)
            guard let event else { continue }
            var outcome = Outcome(packets: [event], phase: .live)
            outcome.effect = effect
            for bytes in plan(outcome, sender) { try await socket.send(bytes, to: sender) }
            let due = now &+ Simulator.acknowledgementWait.clampedNanoseconds
            clients[sender]?.acknowledgementDue = due
            if case .cut = effect { forget(sender) }
            if case .reset = effect { forget(sender) }
        }
    }

    /// The datagrams of an answer as they leave, with what goes wrong on their way.
    private mutating func plan(_ outcome: Outcome, _ sender: SocketAddress) -> [[UInt8]] {
        var whole: [[UInt8]] = []
        switch outcome.effect {
        case nil, .cut:
            for packet in outcome.packets {
                guard packet.command == .data, packet.data.count > Self.dataMax else {
                    whole.append(packet.encoded())
                    continue
                }
                for start in stride(from: 0, to: packet.data.count, by: Self.dataMax) {
                    var part = packet
                    part.data = Array(
                        packet.data[start..<min(start + Self.dataMax, packet.data.count)])
                    whole.append(part.encoded())
                }
            }
            if case .cut(let count) = outcome.effect {
                var rest = count
                whole = whole.prefix { datagram in
                    rest -= datagram.count
                    return rest >= 0
                }
            }
        case .silence, .reset: break
        case .garbage(let bytes): whole.append(bytes)
        }
        return misled(whole, outcome.phase)
    }

    private mutating func misled(_ whole: [[UInt8]], _ phase: Fault.Phase) -> [[UInt8]] {
        var sent: [[UInt8]] = []
        var late: [UInt8]?
        for bytes in whole {
            let luck = simulator.luck(in: phase)
            if luck.isLost { continue }
            if luck.isLate, late == nil {
                late = bytes
                continue
            }
            sent.append(bytes)
            if luck.isTwice { sent.append(bytes) }
            if let overtaken = late.take() { sent.append(overtaken) }
        }
        if let late { sent.append(late) }
        return sent
    }
}
