import Synchronization
import Transport
import ZKProtocol

/// How many punches there are in a second, which may change while there are.
final class LiveRate: Sendable {
    private let value: Lock<Double>

    init(_ perSecond: Double) { value = Lock(perSecond) }

    var perSecond: Double { value.withLock { $0 } }

    func set(_ perSecond: Double) { value.withLock { $0 = perSecond } }
}

/// People who punch while the simulator runs, at a rate.
struct LivePunches: Sendable {
    /// How long nobody punches before the rate is looked at again.
    private static let rest = Duration.milliseconds(250)

    let rate: LiveRate
    /// How many there will be; nil for no end.
    var until: Int?
    private var generator: SeededGenerator
    /// Who is inside, by user id and device.
    private var isInside: Set<String> = []

    init(_ rate: LiveRate, until: Int?, seed: UInt64) {
        self.rate = rate
        self.until = until
        generator = SeededGenerator(seed: seed, part: 2)
    }

    /// Punches until there were enough or the task is cancelled; returns how many there were.
    mutating func run(_ simulators: [Simulator], on loop: EventLoop) async -> Int {
        // Who asks for an end and never for a rate waits for none.
        guard rate.perSecond > 0 || until == nil else { return 0 }
        var due = 0.0
        var count = 0
        var last = loop.currentTime()
        while until.map({ count < $0 }) ?? true {
            let perSecond = rate.perSecond
            guard perSecond > 0 else {
                guard (try? await loop.sleep(for: Self.rest)) != nil else { break }
                last = loop.currentTime()
                continue
            }
            let tick = Duration.milliseconds(max(2, min(50, Int(1000 / max(1, perSecond)))))
            guard (try? await loop.sleep(for: tick)) != nil else { break }
            // By the clock: a sleep may last longer than was asked for.
            let now = loop.currentTime()
            // People who could not punch for a while do not all come at once later.
            due = min(due + perSecond * Double(now - last) / 1e9, max(1, perSecond / 4))
            last = now
            while due >= 1, until.map({ count < $0 }) ?? true {
                due -= 1
                if punch(generator.pick(simulators)) { count += 1 }
            }
        }
        return count
    }

    /// One punch by somebody; a few are tried, since nobody punches twice in a second.
    private mutating func punch(_ simulator: Simulator) -> Bool {
        let users = simulator.userIDs
        guard !users.isEmpty else { return false }
        for _ in 0..<8 {
            let user = generator.pick(users)
            let person = "\(user) \(simulator.address)"
            let state: UInt8 = isInside.contains(person) ? 1 : 0
            let verify: UInt8 = generator.pick([1, 1, 15, 4])
            guard simulator.punch(user, state: state, verify: verify) != nil else { continue }
            // Some leave without punching.
            if !generator.chance(3) {
                if state == 0 { isInside.insert(person) } else { isInside.remove(person) }
            }
            return true
        }
        return false
    }
}
