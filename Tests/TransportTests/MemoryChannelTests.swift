import Synchronization
import TestSupport
import Testing

@testable import Transport

/// Links in memory, in simulated time.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct MemoryChannelTests {
    /// Two ends that keep what they hear.
    private final class End: ChannelHandler {
        struct State {
            var channel: Channel?
            var received: [UInt8] = []
            var pieces: [Int] = []
            var toSend: [UInt8] = []
            var isOpen = false
            var end: Result<Bool, TransportError>?
        }
        let state: LoopBound<State>

        init(sending bytes: [UInt8] = [], on loop: EventLoop) {
            state = LoopBound(State(toSend: bytes), on: loop)
        }

        func channelOpened() {
            state.withValue { $0.isOpen = true }
            state.withValue { $0.channel }?.setNeedsFlush()
        }
        func channelReceived(_ bytes: Span<UInt8>) {
            state.withValue { state in
                for index in bytes.indices { state.received.append(bytes[index]) }
                state.pieces.append(bytes.count)
            }
        }
        func channelFlush() {
            let (channel, bytes) = state.withValue { state in
                defer { if state.isOpen { state.toSend = [] } }
                return (state.channel, state.isOpen ? state.toSend : [])
            }
            channel?.send(bytes.span)
        }
        func channelClosed(_ error: TransportError?) {
            state.withValue { $0.end = error.map { .failure($0) } ?? .success(true) }
        }
    }

    private struct Link {
        let time = SimulatedTime()
        let dialler: End
        let listener: End
        var seen: [LinkEvent] { events.withValue { $0 } }
        private let events: LoopBound<[LinkEvent]>

        init(
            _ conditions: LinkConditions = LinkConditions(), seed: UInt64 = 1,
            fromDialler: [UInt8] = [], fromListener: [UInt8] = [], accepts: Bool = true
        ) throws {
            let loop = time.loop
            let events = LoopBound<[LinkEvent]>([], on: loop)
            let dialler = End(sending: fromDialler, on: loop)
            let listener = End(sending: fromListener, on: loop)
            (self.dialler, self.listener, self.events) = (dialler, listener, events)
            let ends = MemoryChannel.Ends(
                dialler: PeerIdentity(uri: "spiffe://test/location/cairo"),
                at: try SocketAddress(host: "10.0.0.1", port: 1),
                listener: PeerIdentity(uri: "spiffe://test/gateway/main"),
                at: try SocketAddress(host: "10.0.0.2", port: 2))
            time.perform {
                let channel = MemoryChannel.connect(
                    ends, on: loop, conditions, seed: seed,
                    observe: { event in events.withValue { $0.append(event) } }, handler: dialler
                ) { far in
                    guard accepts else { return false }
                    listener.state.withValue { $0.channel = far }
                    far.start(listener)
                    return true
                }
                dialler.state.withValue { $0.channel = channel }
            }
        }

        /// Lets everything happen that is to happen within `limit`.
        func run(for limit: Duration = .seconds(60)) {
            let end = time.now + limit.clampedNanoseconds
            repeat {
                #expect(time.settle())
                guard let next = time.next, next <= end else { return }
                time.advance(to: next)
            } while true
        }

        func look<Value>(_ end: End, _ path: KeyPath<End.State, Value>) -> Value {
            time.perform { end.state.withValue { $0[keyPath: path] } }
        }
    }

    private static let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    @Test func `bytes arrive whole and in order, after the latency, in segments`() throws {
        var conditions = LinkConditions()
        conditions.latency = .milliseconds(5) ... .milliseconds(20)
        conditions.segmentBytes = 1...1000
        conditions.window = 10_000
        let link = try Link(conditions, fromDialler: Self.bytes, fromListener: [1, 2, 3])
        let start = link.time.now
        link.run()
        #expect(link.look(link.listener, \.received) == Self.bytes)
        #expect(link.look(link.listener, \.pieces).allSatisfy { $0 <= 1000 })
        #expect(link.look(link.dialler, \.received) == [1, 2, 3])
        #expect(link.look(link.dialler, \.channel?.peer?.name) == "main")
        #expect(link.look(link.listener, \.channel?.peer?.name) == "cairo")
        // Ten windows of at least the shortest latency each.
        #expect(link.time.now - start >= 50_000_000)
    }

    @Test func `one seed is one order of things, another seed another`() throws {
        var conditions = LinkConditions()
        conditions.latency = .milliseconds(1) ... .milliseconds(9)
        conditions.segmentBytes = 1...5000
        func trace(_ seed: UInt64) throws -> [LinkEvent] {
            let link = try Link(
                conditions, seed: seed, fromDialler: Self.bytes, fromListener: Self.bytes)
            link.run()
            return link.time.perform { link.seen }
        }
        #expect(try trace(7) == trace(7))
        #expect(try trace(7) != trace(8))
    }

    @Test func `a bandwidth takes its time`() throws {
        var conditions = LinkConditions()
        conditions.bytesPerSecond = 10_000
        let link = try Link(conditions, fromDialler: Self.bytes)
        let start = link.time.now
        link.run()
        #expect(link.look(link.listener, \.received.count) == Self.bytes.count)
        #expect(link.time.now - start == 10_000_000_000)
    }

    @Test func `nobody listening is a refusal`() throws {
        let link = try Link(accepts: false)
        link.run()
        #expect(
            link.look(link.dialler, \.end)
                == .failure(
                    TransportError(
                        .refused, "cannot connect to 10.0.0.2:2: Connection refused")))
    }

    @Test func `an end closes behind what was sent, and tells both`() throws {
        let link = try Link(fromDialler: Self.bytes)
        link.time.perform { link.dialler.state.withValue { $0.channel }?.closeAfterFlush() }
        link.run()
        // Closed before it was open: nothing was sent.
        #expect(link.look(link.dialler, \.end) == .success(true))
        let other = try Link(fromDialler: Self.bytes)
        #expect(other.time.settle())
        other.time.perform { other.dialler.state.withValue { $0.channel }?.closeAfterFlush() }
        other.run()
        #expect(other.look(other.listener, \.received) == Self.bytes)
        #expect(other.look(other.listener, \.end) == .success(true))
        #expect(other.look(other.dialler, \.end) == .success(true))
    }

    @Test func `a reader that pauses holds its sender back, and loses nothing`() throws {
        var conditions = LinkConditions()
        conditions.window = 1000
        conditions.highWater = 10_000
        let link = try Link(conditions, fromListener: Self.bytes)
        link.time.perform { link.dialler.state.withValue { $0.channel }?.pauseReading() }
        link.run()
        #expect(link.look(link.dialler, \.received).isEmpty)
        #expect(link.look(link.listener, \.channel?.isCongested) == true)
        link.time.perform { link.dialler.state.withValue { $0.channel }?.resumeReading() }
        link.run()
        #expect(link.look(link.dialler, \.received) == Self.bytes)
        #expect(link.look(link.listener, \.channel?.isCongested) == false)
    }

    @Test(arguments: [0, 1, 999, 16_384, 99_999])
    func `a cut leaves exactly the bytes before it, and resets both ends`(offset: Int) throws {
        var conditions = LinkConditions()
        conditions.faults = [LinkFault(.cut, .fromDialler, at: UInt64(offset))]
        let link = try Link(conditions, fromDialler: Self.bytes)
        link.run()
        #expect(link.look(link.listener, \.received) == Array(Self.bytes[..<offset]))
        for end in [link.dialler, link.listener] {
            guard case .failure(let error) = link.look(end, \.end) else {
                Issue.record("an end was not told")
                continue
            }
            #expect(error.code == .reset)
        }
    }

    @Test func `a stall swallows the rest without a word`() throws {
        var conditions = LinkConditions()
        conditions.faults = [LinkFault(.stall, .fromDialler, at: 500)]
        let link = try Link(conditions, fromDialler: Self.bytes, fromListener: [9])
        link.run()
        #expect(link.look(link.listener, \.received) == Array(Self.bytes[..<500]))
        #expect(link.look(link.dialler, \.received) == [9])
        #expect(link.look(link.listener, \.end) == nil)
        #expect(link.look(link.dialler, \.end) == nil)
        link.time.perform { link.dialler.state.withValue { $0.channel }?.closeAfterFlush() }
        link.run()
        guard case .failure(let error) = link.look(link.dialler, \.end) else {
            Issue.record("the end was waited for")
            return
        }
        #expect(error.code == .timedOut)
    }

    @Test func `a turned bit arrives where nothing protects the link, and else ends it`() throws {
        var conditions = LinkConditions()
        conditions.faults = [LinkFault(.corrupt(0x80), .fromDialler, at: 700)]
        let protected = try Link(conditions, fromDialler: Self.bytes)
        protected.run()
        #expect(protected.look(protected.listener, \.received) == Array(Self.bytes[..<700]))
        guard case .failure(let error) = protected.look(protected.listener, \.end) else {
            Issue.record("the corruption was not noticed")
            return
        }
        #expect(error.code == .tls)
        conditions.isProtected = false
        let bare = try Link(conditions, fromDialler: Self.bytes)
        bare.run()
        var expected = Self.bytes
        expected[700] ^= 0x80
        #expect(bare.look(bare.listener, \.received) == expected)
    }

    @Test func `two segments change places`() throws {
        var conditions = LinkConditions()
        conditions.isProtected = false
        conditions.segmentBytes = 1000...1000
        conditions.faults = [LinkFault(.swap, .fromDialler, at: 3000)]
        let link = try Link(conditions, fromDialler: Self.bytes)
        link.run()
        let expected =
            Self.bytes[..<3000] + Self.bytes[4000..<5000] + Self.bytes[3000..<4000]
            + Self.bytes[5000...]
        #expect(link.look(link.listener, \.received) == Array(expected))
    }

    @Test func `a last segment that nothing overtakes arrives all the same`() throws {
        var conditions = LinkConditions()
        conditions.isProtected = false
        conditions.faults = [LinkFault(.swap, .fromDialler, at: 0)]
        let link = try Link(conditions, fromDialler: [1, 2, 3])
        link.run()
        #expect(link.look(link.listener, \.received) == [1, 2, 3])
    }

    @Test func `a delay is felt, and changes nothing else`() throws {
        var conditions = LinkConditions()
        conditions.faults = [LinkFault(.delay(.seconds(3)), .fromDialler, at: 10)]
        let link = try Link(conditions, fromDialler: Self.bytes)
        let start = link.time.now
        link.run()
        #expect(link.look(link.listener, \.received) == Self.bytes)
        #expect(link.time.now - start == 3_000_000_000)
    }
}
