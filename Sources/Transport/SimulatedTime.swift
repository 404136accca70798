/// A loop without a thread, on a clock that stands still until it is told to move.
///
/// Everything that runs on ``loop`` runs inside the calls of this type, in an order that nothing
/// but the program itself decides. There are no sockets: channels are ``MemoryChannel``s. For one
/// thread at a time.
public final class SimulatedTime: Sendable {
    public let loop: EventLoop

    /// - Parameter start: What the clock shows first, in nanoseconds.
    public init(startingAt start: UInt64 = 1_000_000_000, name: String = "simulated") {
        loop = EventLoop(name: name, simulatedFrom: start)
    }

    /// What the clock shows, in nanoseconds.
    public var now: UInt64 { loop.now }

    /// Calls `body` as the loop's own thread.
    @discardableResult
    public func perform<Result>(_ body: () -> Result) -> Result { loop.simulate(body) }

    /// Runs turns until there is nothing to do at this time; false when `steps` turns and tasks
    /// did not get there.
    public func settle(steps: Int = 2_000_000) -> Bool {
        loop.simulate {
            var left = steps
            while left > 0 {
                let done = loop.simulateTurn()
                if done == 0 { return true }
                left -= done
            }
            return false
        }
    }

    /// When something is to happen next; nil when nothing is.
    public var next: UInt64? { loop.simulate { loop.nextSimulated } }

    /// Moves the clock, which never goes back; what is due happens at the next ``settle(turns:)``.
    public func advance(to time: UInt64) { loop.setSimulated(now: time) }

    /// The timers that are set.
    public var timerCount: Int { loop.simulatedCounts.timers }

    /// What is on its way on links.
    public var arrivalCount: Int { loop.simulatedCounts.arrivals }

    /// Whether work came from another thread while this one ran: a task had left the loop, and
    /// the order of things is no longer the same each time.
    public var hasStrayed: Bool { loop.hasStrayed }

    /// Forgets timers and what is on its way.
    ///
    /// To be called at the end: bodies of timers may hold the loop.
    public func end() { loop.simulate { loop.endSimulation() } }
}
