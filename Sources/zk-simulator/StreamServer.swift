import Transport
import ZKProtocol

/// Serves one client over TCP.
struct StreamServer {
    private let simulator: Simulator
    private let stream: ByteStream
    private let number: UInt16
    private let waker: Waker
    /// Until when the next event waits for the last one's acknowledgement, on the loop's clock.
    private var acknowledgementDue: UInt64?

    init(_ simulator: Simulator, _ stream: ByteStream, _ number: UInt16, _ waker: Waker) {
        self.simulator = simulator
        self.stream = stream
        self.number = number
        self.waker = waker
    }

    /// Returns when the session is over.
    mutating func run() async {
        // Answers that are late by a fixed time do not keep the next request waiting.
        let (late, outbox) = AsyncStream.makeStream(
            of: LateAnswer.self, bufferingPolicy: .bufferingOldest(1024))
        let (loop, stream) = (simulator.loop, stream)
        let sending = Task(executorPreference: loop) {
            for await answer in late {
                let now = loop.currentTime()
                if answer.due > now {
                    let rest = Duration.nanoseconds(Int64(clamping: answer.due - now))
                    guard (try? await loop.sleep(for: rest)) != nil else { return }
                }
                guard (try? await StreamServer.send(answer.outcome, on: stream)) == true else {
                    return
                }
            }
        }
        await serve(outbox)
        outbox.finish()
        sending.cancel()
        await sending.value
    }

    private struct LateAnswer: Sendable {
        var outcome: Outcome
        /// On the loop's clock.
        var due: UInt64
    }

    private mutating func serve(_ outbox: AsyncStream<LateAnswer>.Continuation) async {
        var reader = FrameReader(bytesMax: Frame.bytesMax)
        do {
            while true {
                while let packet = try reader.next() {
                    if packet.command == .ok {
                        acknowledgementDue = nil
                        continue
                    }
                    let outcome = simulator.handle(packet, number)
                    if outcome.delay > 0 {
                        let due =
                            simulator.loop.currentTime()
                            &+ Duration.milliseconds(outcome.delay).clampedNanoseconds
                        if case .dropped = outbox.yield(LateAnswer(outcome: outcome, due: due)) {
                            return
                        }
                    } else {
                        guard try await StreamServer.send(outcome, on: stream) else { return }
                    }
                    if outcome.ends, outcome.delay == 0 { return }
                }
                try await sendEvent()
                guard let bytes = try await read(within: wait) else { continue }
                guard !bytes.isEmpty else { return }
                reader.append(bytes)
            }
        } catch {
            // The client is gone, or what it sends is no protocol: its session ends.
        }
    }

    /// How long to wait for the client.
    private var wait: Duration {
        guard let due = acknowledgementDue, simulator.hasEvents(number) else {
            return Simulator.idleMax
        }
        let now = simulator.loop.currentTime()
        return .nanoseconds(due > now ? Int64(clamping: due - now) : 0)
    }

    private mutating func sendEvent() async throws {
        if let due = acknowledgementDue, simulator.loop.currentTime() < due { return }
        acknowledgementDue = nil
        let (event, effect) = simulator.nextEvent(number)
        guard let event else { return }
        var outcome = Outcome(packets: [event])
        outcome.effect = effect
        guard try await StreamServer.send(outcome, on: stream) else {
            throw TransportError(.closed, "cut by a fault")
        }
        acknowledgementDue =
            simulator.loop.currentTime() &+ Simulator.acknowledgementWait.clampedNanoseconds
    }

    /// Nil when nothing came in time, or there is an event to send.
    private func read(within wait: Duration) async throws(TransportError) -> [UInt8]? {
        let end = simulator.loop.currentTime() &+ wait.clampedNanoseconds
        do throws(TransportError) {
            return try await stream.read(timeout: wait, waker: waker)
        } catch {
            guard error.code == .timedOut else { throw error }
            guard simulator.isOpen(number) else { return [] }
            // It may be woken for an event that is sent already: only the whole wait is idle.
            let isOver = simulator.loop.currentTime() >= end
            if isOver, wait == Simulator.idleMax, !simulator.hasEvents(number) { return [] }
            return nil
        }
    }

    /// Sends an answer as frames of their own; false where the connection is over.
    private static func send(
        _ outcome: Outcome, on stream: ByteStream
    ) async throws(TransportError) -> Bool {
        switch outcome.effect {
        case nil:
            for packet in outcome.packets { try await stream.write(packet.frame()) }
            return !outcome.ends
        case .silence: return true
        case .garbage(let bytes):
            try await stream.write(bytes)
            return true
        case .reset:
            stream.reset()
            return false
        case .cut(let count):
            var rest = count
            for packet in outcome.packets {
                let frame = packet.frame()
                if rest == 0 { break }
                try await stream.write(Array(frame.prefix(rest)))
                rest -= min(rest, frame.count)
            }
            return false
        }
    }
}
