import RPCRuntime

/// What only `main` reads of the world outside: the clocks and randomness.
struct Surroundings: Sendable {
    /// The time of day, for what is stored.
    var now: @Sendable () -> Timestamp
    /// A clock that never goes back, for waits.
    var steady: @Sendable () -> ContinuousClock.Instant
    var randomBytes: @Sendable (Int) -> [UInt8]

    /// 64 random bits.
    func random() -> UInt64 { randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) } }
}
