public import Transport

extension Message {
    /// Reads a large message over several turns of the loop, so that the loop's other connections
    /// need not wait for all of it.
    @usableFromInline static func read(_ parts: consuming Assembly, on loop: EventLoop)
        async throws(DecodingFailure) -> Self
    {
        var parted = PartedMessage(parts)
        while parted.step(preferLargePages) {
            await loop.nextTurn()
        }
        return try Self(parted)
    }
}
