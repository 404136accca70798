import RPCRuntime
import RPCTesting
import Transport

/// What happens in one simulation: drawn from its seed, all of it before it begins.
struct Plan: Sendable {
    /// One call.
    struct Operation: Sendable, CustomStringConvertible {
        enum Kind: String, Sendable {
            case ask, feed, gather, talk

            var streamsRequests: Bool { self == .gather || self == .talk }
            var streamsAnswers: Bool { self == .feed || self == .talk }
        }

        var kind: Kind
        /// Of the request, or of each message of a stream of them.
        var requestSize = 0
        /// How many messages a stream of requests has, and how many of them the handler reads.
        var requests: UInt32 = 1
        var limit = UInt32.max
        var isCompressed = false
        var count: UInt32 = 1
        var size: UInt32 = 0
        var pause: UInt32 = 0
        var outcome: UInt32 = 0
        var timeout: Duration?
        var cancelAfter: Duration?
        /// The caller takes so many messages and leaves.
        var stopAfter = UInt32.max
        /// How long the caller waits at each message.
        var readPause: Duration?
        /// The caller's rest before the call.
        var rest: Duration = .zero

        var description: String {
            var text = "\(kind.rawValue) of \(requestSize) bytes for \(count) of \(size)"
            if kind.streamsRequests { text += ", asked with \(requests), read up to \(limit)" }
            if isCompressed { text += ", compressed" }
            if pause > 0 { text += ", pausing \(pause) ms" }
            if outcome > 0 { text += ", ending with \(outcome)" }
            if let timeout { text += ", within \(timeout)" }
            if let cancelAfter { text += ", cancelled after \(cancelAfter)" }
            if stopAfter != .max { text += ", leaving after \(stopAfter)" }
            if let readPause { text += ", resting \(readPause)" }
            return text
        }
    }

    /// Calls one after the other, from one end of one link.
    struct Caller: Sendable {
        var isAtListener: Bool
        var operations: [Operation]
    }

    /// One program that dials.
    struct Dialler: Sendable {
        var name: String
        /// Whether it dials again when its link ends.
        var redials: Bool
        var options: RPCOptions
        var callers: [Caller]
    }

    enum Event: Sendable {
        /// All links that are up are reset.
        case cut
        /// A link of this dialler is drained, by one end.
        case drain(dialler: Int, byListener: Bool, grace: Duration)
        /// The server takes nothing for a while.
        case absence(Duration)
    }

    var serverOptions: RPCOptions
    var diallers: [Dialler]
    var events: [(at: Duration, event: Event)]
    var hasFaults: Bool
    /// Whether bytes may arrive changed, as they cannot under TLS.
    var isBare: Bool
    var grace: Duration

    init(_ random: inout SeededRandom) {
        hasFaults = random.chance(3, 5)
        isBare = hasFaults && random.chance(1, 6)
        serverOptions = Self.options(&random)
        grace = .milliseconds(Int64(random.upTo(20_000)))
        diallers = (0..<random.within(1...3)).map { number in
            Dialler(
                name: "location/l\(number)", redials: random.chance(1, 2),
                options: Self.options(&random),
                callers: (0..<random.within(1...5)).map { _ in Self.caller(&random) })
        }
        events = []
        if random.chance(1, 2) {
            for _ in 0..<random.within(1...3) {
                let at = Duration.milliseconds(Int64(random.skewed(60_000)))
                events.append((at, Self.event(diallers.count, &random)))
            }
        }
    }

    private static func options(_ random: inout SeededRandom) -> RPCOptions {
        var options = RPCOptions()
        if random.chance(1, 2) { options.streamWindow = random.within(1024...70_000) }
        if random.chance(1, 2) {
            options.connectionWindow = random.within(1024...200_000)
        }
        if random.chance(1, 2) { options.frameBytesMax = random.within(16_384...100_000) }
        if random.chance(1, 3) { options.streamsMax = random.within(1...8) }
        if random.chance(1, 5) { options.messageBytesMax = random.within(100...50_000) }
        if random.chance(1, 5) { options.unreadBytesMax = random.within(1000...100_000) }
        if random.chance(1, 3) {
            options.streamWindowMax = random.within(1024...200_000)
            options.connectionWindowMax = random.within(1024...400_000)
        }
        if random.chance(1, 5) { options.backlogBytesMax = random.within(10_000...1_000_000) }
        if random.chance(1, 3) { options.peerStreamsMax = random.within(1...20) }
        if random.chance(1, 5) { options.queuedCallsMax = random.within(0...3) }
        if random.chance(1, 4) { options.drainNotice = .milliseconds(Int64(random.upTo(3000))) }
        if random.chance(1, 4) { options.refusesDoomedCalls = false }
        if random.chance(1, 4) { options.takesCompressed = false }
        if random.chance(1, 5) { options.reassemblyBytesMax = random.within(1000...100_000) }
        return options
    }

    private static func caller(_ random: inout SeededRandom) -> Caller {
        Caller(
            isAtListener: random.chance(1, 3),
            operations: (0..<random.within(1...6)).map { _ in operation(&random) })
    }

    private static func operation(_ random: inout SeededRandom) -> Operation {
        let kinds: [Operation.Kind] = [.ask, .feed, .gather, .talk]
        var operation = Operation(kind: kinds[random.upTo(3)])
        operation.isCompressed = random.chance(1, 8)
        if operation.kind.streamsRequests {
            operation.requests = UInt32(random.skewed(60))
            operation.requestSize = random.skewed(40_000)
            if random.chance(1, 4) { operation.limit = UInt32(random.within(1...20)) }
        } else {
            operation.requestSize = random.skewed(120_000)
        }
        if operation.kind.streamsAnswers {
            operation.count = UInt32(random.skewed(60))
            if random.chance(1, 4) {
                operation.stopAfter = UInt32(random.upTo(Int(operation.count)))
            }
            if random.chance(1, 4) {
                operation.readPause = .milliseconds(Int64(random.skewed(2000)))
            }
        }
        operation.size = UInt32(random.skewed(operation.kind.streamsAnswers ? 60_000 : 300_000))
        if random.chance(1, 3) { operation.pause = UInt32(random.skewed(8000)) }
        if random.chance(1, 6) { operation.outcome = UInt32(random.within(1...67)) }
        if random.chance(1, 3) {
            operation.timeout = .milliseconds(Int64(random.skewed(20_000)))
        }
        if random.chance(1, 4) {
            operation.cancelAfter = .microseconds(Int64(random.skewed(5_000_000)))
        }
        if random.chance(1, 3) { operation.rest = .milliseconds(Int64(random.skewed(10_000))) }
        return operation
    }

    private static func event(_ diallers: Int, _ random: inout SeededRandom) -> Event {
        switch random.upTo(4) {
        case 0: .cut
        case 1: .absence(.milliseconds(Int64(random.skewed(30_000))))
        default:
            .drain(
                dialler: random.upTo(diallers - 1), byListener: random.chance(1, 2),
                grace: .milliseconds(Int64(random.skewed(20_000))))
        }
    }
}

extension SeededRandom {
    /// Whether a chance of `hits` in `of` came.
    mutating func chance(_ hits: Int, _ of: Int) -> Bool {
        Int.random(in: 0..<of, using: &self) < hits
    }

    /// A number from 0 to `limit`.
    mutating func upTo(_ limit: Int) -> Int { Int.random(in: 0...max(limit, 0), using: &self) }

    mutating func within(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// A number from 0 to `limit`, mostly small.
    mutating func skewed(_ limit: Int) -> Int {
        let bits = Int.bitWidth - max(limit, 1).leadingZeroBitCount
        return min(limit, upTo(1 << upTo(bits)))
    }
}
