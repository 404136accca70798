import Synchronization

/// How long a method's handlers usually take, from those that had to wait for something.
///
/// An estimate of the median that moves towards each sample by a sixteenth of itself.
final class MethodLoad: Sendable {
    private let typical = Atomic<UInt64>(0)
    private let samples = Atomic(0)

    private static var samplesMin: Int { 20 }

    func note(_ nanoseconds: UInt64) {
        let now = typical.load(ordering: .relaxed)
        samples.wrappingAdd(1, ordering: .relaxed)
        let step = now / 16 + 1000
        let moved = nanoseconds > now ? now &+ step : now &- min(step, now)
        typical.store(now == 0 ? nanoseconds : moved, ordering: .relaxed)
    }

    /// Whether a call with so much time left would end too late, as half of the others would.
    ///
    /// Refusing lowers the estimate a little, so that it is tried again before long.
    func dooms(_ remaining: UInt64) -> Bool {
        guard samples.load(ordering: .relaxed) >= Self.samplesMin else { return false }
        let now = typical.load(ordering: .relaxed)
        guard remaining < now else { return false }
        typical.store(now - now / 64, ordering: .relaxed)
        return true
    }
}
