/// Whether fingerprints may be copied between terminals.
enum TemplatePolicy: String, Sendable, CaseIterable {
    case forbidden
    /// Through the memory of the location and no further.
    case copy
}

/// Whether the location sets the clocks of its terminals by itself.
struct ClockPolicy: Sendable, Hashable {
    enum Setting: String, Sendable, CaseIterable {
        /// Only by command.
        case never
        /// When it is off by more than the tolerance.
        case whenOff
    }

    var setting = Setting.never
    var tolerance: Duration = .seconds(60)

    /// A terminal whose clock cannot be set is not told over and over.
    static let interval: Duration = .seconds(3600)

    /// Whether a clock that is off by so much is set.
    func sets(_ offsetMilliseconds: Int64?) -> Bool {
        guard setting == .whenOff else { return false }
        guard let offset = offsetMilliseconds else { return true }
        return offset.magnitude > UInt64(clamping: tolerance.components.seconds * 1000)
    }
}
