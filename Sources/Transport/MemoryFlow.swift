/// One direction of a link in memory: from the output of one channel to the handler of the other.
///
/// Only from the loop.
final class MemoryFlow {
    /// What arrives.
    enum Parcel {
        case opened
        case bytes([UInt8])
        case end
        case lost(TransportError)
    }

    private struct Segment {
        let bytes: [UInt8]
        let arrival: UInt64
    }

    let direction: LinkFault.Direction
    private let loop: EventLoop
    private let conditions: LinkConditions
    private var random: SeededRandom
    private let observe: ((LinkEvent) -> Void)?
    /// Gets what arrives.
    weak var receiver: MemoryChannel?

    private var output: [UInt8] = []
    private var outputStart = 0
    /// The bytes that have left the sender.
    private(set) var sentCount: UInt64 = 0
    /// The bytes that have left the sender and that the receiver has not taken.
    private var onTheWay = 0
    private var lastArrival: UInt64 = 0
    /// When the line is free for the next segment.
    private var lineFree: UInt64 = 0
    private var faults: [LinkFault]
    /// A segment that waits for the next one to overtake it.
    private var held: Segment?
    private var isStalled = false
    private(set) var isOver = false

    /// How long a segment waits to be overtaken, in nanoseconds.
    private static let holdLimit: UInt64 = 50_000_000

    init(
        _ direction: LinkFault.Direction, on loop: EventLoop, _ conditions: LinkConditions,
        seed: UInt64, observe: ((LinkEvent) -> Void)?
    ) {
        precondition(
            conditions.segmentBytes.lowerBound > 0 && conditions.window > 0,
            "a link needs room for a byte")
        self.direction = direction
        self.loop = loop
        self.conditions = conditions
        self.observe = observe
        random = SeededRandom(seed: seed)
        faults = conditions.faults.filter { $0.direction == direction }
            .sorted { $0.offset < $1.offset }
    }

    var pending: Int { output.count - outputStart }

    func append(_ bytes: Span<UInt8>) {
        if isOver { return }
        output.append(addingCapacity: bytes.count) { room in
            for index in bytes.indices { room.append(bytes[index]) }
        }
    }

    /// Sends as much as may be on its way; true when the connection was cut meanwhile.
    func transfer() -> Bool {
        while pending > 0, !isOver {
            var room = min(conditions.window - onTheWay, pending)
            if room <= 0 { return false }
            if let fault = faults.first, fault.offset <= sentCount {
                faults.removeFirst()
                note(.fault(fault.kind))
                if begin(fault.kind) { return true }
                continue
            }
            room = min(room, Int.random(in: conditions.segmentBytes, using: &random))
            if let fault = faults.first {
                room = min(room, Int(clamping: fault.offset - sentCount))
            }
            put(take(room))
        }
        return false
    }

    private func take(_ count: Int) -> [UInt8] {
        let taken = Array(output[outputStart..<outputStart + count])
        outputStart += count
        if outputStart == output.count {
            output.removeAll(keepingCapacity: true)
            outputStart = 0
        } else if outputStart > 1 << 16 {
            output.removeFirst(outputStart)
            outputStart = 0
        }
        sentCount += UInt64(count)
        onTheWay += count
        return taken
    }

    /// A fault whose byte is the next one; true when it cuts the connection.
    private func begin(_ fault: LinkFault.Kind) -> Bool {
        switch fault {
        case .delay(let duration):
            lastArrival = max(lastArrival, loop.now) &+ duration.clampedNanoseconds
        case .cut:
            lose(TransportError(.reset, "the link was cut"))
            return true
        case .stall: isStalled = true
        case .corrupt(let mask):
            var bytes = take(1)
            bytes[0] ^= mask
            if conditions.isProtected {
                lose(TransportError(.tls, "TLS: bad record mac"))
            } else {
                put(bytes)
            }
        case .swap:
            let bytes = take(
                min(pending, Int.random(in: conditions.segmentBytes, using: &random)))
            if conditions.isProtected {
                lose(TransportError(.tls, "TLS: bad record mac"))
            } else {
                hold(Segment(bytes: bytes, arrival: arrival(of: bytes.count)))
            }
        }
        return false
    }

    private func hold(_ segment: Segment) {
        release()
        held = segment
        loop.scheduleArrival(at: segment.arrival &+ Self.holdLimit) { [self] in release() }
    }

    private func release() {
        guard let segment = held.take() else { return }
        deliver(.bytes(segment.bytes), at: segment.arrival)
    }

    private func put(_ bytes: [UInt8]) {
        deliver(.bytes(bytes), at: arrival(of: bytes.count))
        release()
    }

    /// When a segment that is sent now arrives.
    private func arrival(of count: Int) -> UInt64 {
        var leaves = max(loop.now, lineFree)
        if let rate = conditions.bytesPerSecond {
            leaves &+= UInt64(count) * 1_000_000_000 / UInt64(max(rate, 1))
            lineFree = leaves
        }
        let range = conditions.latency
        let shortest = range.lowerBound.clampedNanoseconds
        let longest = max(shortest, range.upperBound.clampedNanoseconds)
        let latency = UInt64.random(in: shortest...longest, using: &random)
        return leaves &+ latency
    }

    /// Has a parcel arrive, behind all before it.
    private func deliver(_ parcel: Parcel, at time: UInt64) {
        if isStalled { return }
        lastArrival = max(lastArrival, time)
        loop.scheduleArrival(at: lastArrival) { [self] in
            switch parcel {
            case .opened: note(.opened)
            case .bytes(let bytes): note(.bytes(bytes.count, hash(bytes)))
            case .end: note(.end)
            case .lost: note(.reset)
            }
            receiver?.arrived(parcel)
        }
    }

    private func note(_ kind: LinkEvent.Kind) {
        observe?(LinkEvent(time: loop.now, direction: direction, kind: kind))
    }

    private func hash(_ bytes: [UInt8]) -> UInt64 {
        if observe == nil { return 0 }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }

    // MARK: - What is not bytes

    /// Tells the receiver, behind what was sent, that the connection stands.
    func open() { deliver(.opened, at: arrival(of: 0)) }

    /// Tells the receiver, behind what was sent, that nothing more comes.
    func end() {
        guard !isOver else { return }
        isOver = true
        output = []
        outputStart = 0
        release()
        deliver(.end, at: arrival(of: 0))
    }

    /// Tells the receiver, behind what has left, that the connection is lost.
    func lose(_ error: TransportError) {
        guard !isOver else { return }
        isOver = true
        output = []
        outputStart = 0
        release()
        deliver(.lost(error), at: arrival(of: 0))
    }

    /// The receiver has taken bytes.
    func took(_ count: Int) { onTheWay -= count }
}
