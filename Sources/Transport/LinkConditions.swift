/// How a link in memory carries bytes, each way.
public struct LinkConditions: Sendable {
    /// The time that a segment takes; drawn for each, but none overtakes another.
    public var latency: ClosedRange<Duration> = .zero ... .zero
    /// The bytes of a segment; drawn for each.
    public var segmentBytes: ClosedRange<Int> = 16_384...16_384
    /// The bandwidth; nil for no limit.
    public var bytesPerSecond: Int?
    /// The bytes that may be on their way before the sender's wait.
    public var window = 256 << 10
    /// The bytes that may wait at the sender before its channel is congested.
    public var highWater = 256 << 10
    /// What goes wrong.
    public var faults: [LinkFault] = []
    /// Whether changed and exchanged bytes end the connection unread, as they do under TLS; else
    /// they arrive as they are.
    public var isProtected = true

    public init() {}
}

/// One thing that goes wrong on a link in memory, once.
public struct LinkFault: Sendable, Hashable, CustomStringConvertible {
    public enum Direction: String, Sendable, CaseIterable {
        case fromDialler = "from the dialler"
        case fromListener = "from the listener"
    }

    public enum Kind: Sendable, Hashable {
        /// This byte and those behind it come later.
        case delay(Duration)
        /// The connection is reset for both ends; what stands before the byte still arrives.
        case cut
        /// This byte and those behind it vanish without a word, in this direction.
        case stall
        /// The byte arrives with these bits turned.
        case corrupt(UInt8)
        /// The segment of this byte arrives behind the next one.
        case swap
    }

    public var kind: Kind
    public var direction: Direction
    /// The byte's place among all that were sent in this direction; the first is 0.
    public var offset: UInt64

    public init(_ kind: Kind, _ direction: Direction, at offset: UInt64) {
        self.kind = kind
        self.direction = direction
        self.offset = offset
    }

    public var description: String {
        let what =
            switch kind {
            case .delay(let duration): "delay of \(duration)"
            case .cut: "cut"
            case .stall: "stall"
            case .corrupt(let mask): "corruption with \(mask)"
            case .swap: "swap"
            }
        return "\(what) at byte \(offset) \(direction.rawValue)"
    }
}

/// What happened on a link in memory, for a trace.
public struct LinkEvent: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        case opened
        /// Bytes arrived: how many, and their FNV-1a hash.
        case bytes(Int, UInt64)
        /// The sender's orderly end arrived.
        case end
        /// The connection was lost.
        case reset
        case fault(LinkFault.Kind)
    }

    /// On the loop's clock.
    public let time: UInt64
    public let direction: LinkFault.Direction
    public let kind: Kind

    public var description: String {
        switch kind {
        case .opened: "\(time) \(direction.rawValue): opened"
        case .bytes(let count, let hash): "\(time) \(direction.rawValue): \(count) bytes, \(hash)"
        case .end: "\(time) \(direction.rawValue): end"
        case .reset: "\(time) \(direction.rawValue): reset"
        case .fault(let kind): "\(time) \(LinkFault(kind, direction, at: 0))"
        }
    }
}

/// Random numbers that a seed repeats, on every machine (Vigna's SplitMix64).
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
