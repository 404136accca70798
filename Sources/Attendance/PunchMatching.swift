/// When two records tell of one punch.
///
/// A punch is (device, user, local time, state). State 255 means that the state was not known
/// when the record was made, as in some live events; it matches every state.
public enum PunchMatching {
    /// The state that stands for "not known".
    public static let unknownState: UInt32 = 255

    /// A punch in the store with the same device, user and local time as the record at hand.
    public struct Stored: Sendable, Hashable {
        /// The state under which it was stored.
        public var state: UInt32
        /// What was learned later about a state that was unknown.
        public var amendedState: UInt32?

        public init(state: UInt32, amendedState: UInt32? = nil) {
            self.state = state
            self.amendedState = amendedState
        }
    }

    public enum Decision: Sendable, Hashable {
        /// A punch that the store does not have.
        case new
        /// The store has it.
        case known
        /// The store has it without its state; this record tells it.
        case amends
    }

    /// What a record with `state` is to a store that holds `stored`.
    public static func decide(state: UInt32, stored: [Stored]) -> Decision {
        if stored.isEmpty { return .new }
        if state == unknownState { return .known }
        if stored.contains(where: { $0.state == state || $0.amendedState == state }) {
            return .known
        }
        let hasUnknown = stored.contains { $0.state == unknownState && $0.amendedState == nil }
        return hasUnknown ? .amends : .new
    }
}
